"""Figures as people read them: rounded half away from zero, as everywhere in this product."""

from decimal import ROUND_HALF_UP, Decimal
from typing import SupportsFloat

NOT_MEASURED = "[dim]not measured[/]"


def figure(value: SupportsFloat, decimals: int = 0, sign: str = "") -> str:
    """A number with its thousands set apart; with sign "+" a positive number has one too, and nothing is "-0"."""
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact + 0:{sign},.{decimals}f}"


def count_of_accounts(count: int) -> str:
    """The count with its noun: "1 account", "1,200 accounts"."""
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
