"""Figures, words and lines as the pages of the terminal show them."""

from typing import SupportsFloat

from rich.table import Table
from rich.text import Text

from health_assets.figures import figure

NOT_MEASURED = "[dim]not measured[/]"


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


def count_of_accounts(count: int) -> str:
    """ "1 account", "1,200 accounts"."""
    return "1 account" if count == 1 else f"{count:,} accounts"


def money(amount: SupportsFloat | None) -> str:
    """An amount without cents."""
    return NOT_MEASURED if amount is None else figure(amount)


def pct(share: float | None) -> str:
    """A share in %."""
    return NOT_MEASURED if share is None else f"{figure(share, 1)} %"


def signed(change: float | None) -> str:
    """A change with its sign; nothing where none is known."""
    return "" if change is None else f"{change:+.1f}"
