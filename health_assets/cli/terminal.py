"""What every command shares: the console, the settings option, days, and expected errors as one message."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from health_assets import settings

LOG_WIDTH = 160  # of output that goes to a file; a terminal says how wide it is
console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH)
errors = Console(stderr=True)
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", help=f"The company's settings; else the file named by {settings.SETTINGS_VARIABLE}."),
]
AsOfDay = Annotated[
    str | None, typer.Option("--as-of", help="A day of the published history; the day of the snapshot by default.")
]


class CommandError(Exception):
    """What was asked for cannot be done; the message says why and what to do."""


def day_of(given: str, option: str) -> date:
    """A day that was given as text.

    Raises:
        CommandError: it is none.
    """
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise CommandError(f"{option}: {given!r} is not a day; give it as 2025-01-31") from None


@contextmanager
def expected_errors() -> Iterator[None]:
    """Expected errors as one message and exit code 1, never a traceback."""
    from health_assets.alerts import AlertError
    from health_assets.sources.readers import SourceError
    from health_assets.warehouse.snapshot import SnapshotError
    from health_assets.warehouse.storage import WarehouseError

    expected = (settings.SettingsError, SourceError, WarehouseError, SnapshotError, AlertError, CommandError)
    try:
        yield
    except expected as error:
        _refuse(str(error))
    except KeyboardInterrupt:
        _refuse("stopped; nothing was published, and the next run makes good what is missing")
    except Exception as error:
        said = str(error).lower()
        if "no space left" not in said and "disk is full" not in said:
            raise  # a fault of ours, which its traceback explains best
        _refuse("the disk is full; make room and run again (health-assets doctor says where)")


def _refuse(message: str) -> NoReturn:
    errors.print(f"[red]error[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1) from None


def grid(title: str, *columns: str) -> Table:
    """A table without lines, its first column a title."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column(f"[bold not dim]{title}[/]", no_wrap=True)
    for column in columns:
        shown.add_column(column, justify="right", no_wrap=True)
    return shown


def line(markup: str) -> Text:
    """A line of the page, with its markup."""
    return Text.from_markup(markup)


def coloured(word: str) -> str:
    """A band or a level in the colour of its urgency."""
    colour = {"healthy": "green", "champion": "green", "at_risk": "yellow", "high": "yellow", "critical": "red"}.get(
        word
    )
    return f"[{colour}]{word}[/]" if colour else word
