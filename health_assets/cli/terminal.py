"""What every command shares: the console, options, days, expected errors as one message, and the look of the output."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from health_assets import settings
from health_assets.reporting.formatting import spaced


class SafeConsole(Console):
    """A console that prints no control characters of a company's files: a terminal would obey them."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """Of what is about to be written; rich's own control codes are not in the text of a segment."""
        return super()._render_buffer(
            one if one.control else Segment(_printable(one.text), one.style) for one in buffer
        )


def _printable(text: str) -> str:
    return "".join(one for one in text if one == "\n" or one.isprintable())


LOG_WIDTH = 160  # of output that goes to a file; a terminal knows its own width
console = SafeConsole(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else LOG_WIDTH)
DEMO_SETTINGS = Path("data/demo/settings.yml")  # that `demo` writes
LABEL_WIDTH = 24  # of the labels on the status page
COMMAND = re.compile(
    r"\bhealth-assets (?:run|status|alerts(?: (?:list|retry|test|replay))?+|doctor|check|pull|init|ui|prune|account"
    r"|dashboard|report|export|erase)\b"
    r"(?: --(?!settings)[a-z-]++)*+(?! --settings)"
)
errors = SafeConsole(stderr=True)
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", help=f"The company's settings file; by default the one that {settings.SETTINGS_VARIABLE} names."
    ),
]
AsOfDay = Annotated[
    str | None, typer.Option("--as-of", help="A day of the published history; by default the day of the snapshot.")
]


class CommandError(Exception):
    """A command cannot do what it was given; the message says why and what to do."""


def day_of(given: str, option: str) -> date:
    """A day that was given as text.

    Raises:
        CommandError: it is not a day.
    """
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise CommandError(f"{option}: {given!r} is not a day; write it as 2025-01-31") from None


def copyable(text: str, settings_file: Path | None) -> str:
    """The text with `--settings` in the commands that it names, as it was given to this command; unchanged without one."""
    if settings_file is None:
        return text
    option = f" --settings {shlex.quote(str(settings_file))}"
    return COMMAND.sub(lambda found: found[0] + option, text)


@contextmanager
def expected_errors(settings_file: Path | None = None) -> Iterator[None]:
    """Turn expected errors into one message and exit code 1, without a traceback; commands in it are `copyable`."""
    from health_assets.alerts import AlertError
    from health_assets.connectors.api import PullError
    from health_assets.sources.formats import SourceError
    from health_assets.warehouse.disk import DiskError, trouble
    from health_assets.warehouse.snapshot import SnapshotError
    from health_assets.warehouse.storage import WarehouseError

    known = (SourceError, WarehouseError, SnapshotError, AlertError, DiskError, PullError)
    expected = (settings.SettingsError, CommandError, *known)
    try:
        yield
    except expected as error:
        _exit_with(copyable(str(error), settings_file) + _settings_used(error, settings_file))
    except KeyboardInterrupt:
        _exit_with("interrupted; nothing was published, and the next run recomputes what is missing")
    except Exception as error:
        if (found := trouble(error, _files(settings_file))) is None:
            raise  # a bug, which its traceback explains best
        _exit_with(copyable(found, settings_file))


def _settings_used(error: Exception, settings_file: Path | None) -> str:
    """Which settings a command without `--settings` used, where it found nothing published by them."""
    from health_assets.warehouse.snapshot import NothingPublishedError

    if settings_file or not isinstance(error, NothingPublishedError):
        return ""
    if named := os.environ.get(settings.SETTINGS_VARIABLE):
        used = f"the settings are those that {settings.SETTINGS_VARIABLE} names, {named}"
    else:
        used = "no settings file was given, so the default settings were used"
    of_demo = f", or the demo's with --settings {DEMO_SETTINGS}" if DEMO_SETTINGS.exists() else ""
    return f"; {used}: name yours with --settings FILE{of_demo}"


def _files(settings_file: Path | None) -> list[Path]:
    """The files that are written for a company, as far as its settings can be read."""
    try:
        company = settings.load(settings_file)
    except settings.SettingsError:
        return []
    return [company.warehouse, company.published, company.dagster_home / "dagster.yaml"]


def _exit_with(message: str) -> NoReturn:
    errors.print(f"[red]error[/] {escape(message)}", highlight=False, soft_wrap=True)
    raise typer.Exit(1) from None


def grid(title: str, *columns: str) -> Table:
    """A table without lines: a first column of names, then numbers."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column(title, no_wrap=True)
    for column in columns:
        shown.add_column(column, justify="right", no_wrap=True)
    return shown


def labelled(sentences: Mapping[str, str] | Iterable[tuple[str, str]], label_width: int = LABEL_WIDTH) -> Table:
    """Sentences (markup) with a label each; the sentences are aligned and wrapped in a column of their own."""
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True, min_width=label_width)
    shown.add_column()
    for label, sentence in sentences.items() if isinstance(sentences, Mapping) else sentences:
        shown.add_row(label, sentence)
    return shown


def coloured(word: str, low: Iterable[str] = (), shown: str | None = None) -> str:
    """A risk level or health band in the colour of its urgency; bands in `low` are yellow whatever their name.

    Args:
        word: the level or band.
        low: bands.
        shown: in place of the word.
    """
    text = escape(shown or spaced(word))
    colours = {"healthy": "green", "champion": "green", "at_risk": "yellow", "high": "yellow", "critical": "red"}
    colour = colours.get(word) or ("yellow" if word in low else None)
    return f"[{colour}]{text}[/]" if colour else text
