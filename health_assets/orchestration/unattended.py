"""What nobody looks on: that it cannot begin, or fails, is told to Slack.

A run of the command line, by cron; and the daemon, if its settings cannot be used. What runs of the daemon fail of is
told by failed_run_sensor.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime

from health_assets.alerts import AlertError, notify_failure, notify_without_settings
from health_assets.alerts.data_alerts import DataAlert, of_refused_run
from health_assets.settings import Settings


@dataclass
class Watched:
    """What has come to be known; without settings there is no outbox."""

    settings: Settings | None = None
    day: date | None = None
    fault: DataAlert | None = None  # of a run that began


def is_served() -> bool:
    """Whether this is the process that loads what the daemon and the web server run."""
    return "grpc" in sys.argv


@contextmanager
def notifying_slack(refused: Callable[[str, date], DataAlert] = of_refused_run) -> Iterator[Watched]:
    """Tell the error that ends this, once; it is raised on, whether it could be told or not.

    Args:
        refused: words an error that came before a run began.
    """
    known = Watched()
    try:
        yield known
    except Exception as error:
        fault = known.fault or refused(
            str(error) or type(error).__name__, known.day or datetime.now().astimezone().date()
        )
        if trouble := _told(fault, known.settings):
            print(f"warning: Slack was not notified: {trouble}", file=sys.stderr)
        raise


def _told(fault: DataAlert, settings: Settings | None) -> str | None:
    """Why it could not be told; None when it was, or when no webhook is set."""
    try:
        return notify_failure(settings, fault)[1] if settings else notify_without_settings(fault)
    except AlertError as error:
        return str(error)
