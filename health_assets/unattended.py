"""A run that nobody looks on: what keeps it from publishing is told to Slack, be it refused before it began or failed.

The daemon does without: its runs are told by failed_run_sensor.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from rich.markup import escape

from health_assets.alerts import AlertError, tell_failure, tell_without_settings
from health_assets.alerts.data_alerts import DataAlert, of_refused_run
from health_assets.settings import Settings
from health_assets.terminal import errors


@dataclass
class Watched:
    """What the run has come to know; without settings there is no outbox."""

    settings: Settings | None = None
    day: date | None = None
    fault: DataAlert | None = None  # of a run that began


@contextmanager
def telling_slack() -> Iterator[Watched]:
    """Tell the error that ends the run, once; it is raised on, whether it could be told or not."""
    known = Watched()
    try:
        yield known
    except Exception as error:
        fault = known.fault or of_refused_run(str(error) or type(error).__name__, known.day or date.today())
        if trouble := _told(fault, known.settings):
            errors.print(f"[yellow]warning[/] Slack was not told: {escape(trouble)}", highlight=False, soft_wrap=True)
        raise


def _told(fault: DataAlert, settings: Settings | None) -> str | None:
    """Why it could not be told; None when it was, or when no webhook is set."""
    try:
        return tell_failure(settings, fault)[1] if settings else tell_without_settings(fault)
    except AlertError as error:
        return str(error)
