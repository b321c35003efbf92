"""Slack is notified when something that nobody watches cannot start or fails.

That is a command-line run started by cron, and the daemon if its settings cannot be used. Failed runs of the daemon are
reported by failed_run_sensor.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from health_assets.alerts import AlertError, notify_failure, notify_without_settings
from health_assets.alerts.data_alerts import DataAlert, of_unstarted_run
from health_assets.settings import Settings


@dataclass
class Watched:
    """What is known when the error occurs; without settings there is no outbox."""

    settings: Settings | None = None
    day: date | None = None
    fault: DataAlert | None = None  # of a run that started


def is_served() -> bool:
    """Whether this is the process that loads what the daemon and the web server run."""
    return "grpc" in sys.argv


@contextmanager
def notifying_slack(fault_of: Callable[[str, date], DataAlert] = of_unstarted_run) -> Iterator[Watched]:
    """Report the error that ends the block, once, and raise it again whether it could be delivered or not.

    Args:
        fault_of: makes the data alert from an error that occurred before a run started.
    """
    known = Watched()
    try:
        yield known
    except Exception as error:
        fault = known.fault or fault_of(
            str(error) or type(error).__name__, known.day or datetime.now().astimezone().date()
        )
        if failure := _notify(fault, known.settings):
            print(f"warning: Slack was not notified: {failure}", file=sys.stderr)
        raise


def _notify(fault: DataAlert, settings: Settings | None) -> str | None:
    """Why it could not be delivered; None when it was, or when no webhook is set."""
    try:
        if settings:
            return notify_failure(settings, fault)[1]
        return _notify_once(fault)
    except AlertError as error:
        return str(error)


def _notify_once(fault: DataAlert) -> str | None:
    """Report a fault that no other process has reported; a file says so in the place of the outbox.

    The web server and the daemon both load the settings, and load them again when they fail.
    """
    home = os.environ.get("DAGSTER_HOME")
    mark = Path(home, f"reported-{fault.id[:16]}") if home else None
    if mark:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return None
        except OSError:  # there is no such folder, or it cannot be written
            mark = None
    failure = notify_without_settings(fault)
    if failure and mark:
        mark.unlink(missing_ok=True)
    return failure
