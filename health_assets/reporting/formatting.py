"""Numbers and dates as people read them, in plain text: rounded half away from zero, as everywhere in this product.

Colour and markup belong in cli/terminal.py, Slack's in alerts/message.py.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import SupportsFloat

NOT_MEASURED = "not measured"


def number(value: SupportsFloat | None, decimals: int = 0, sign: str = "") -> str:
    """A number with thousands separators, or "not measured"; sign "+" also marks a gain, and zero is never "-0"."""
    if value is None:
        return NOT_MEASURED
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact + 0:{sign},.{decimals}f}"


def plain_number(value: SupportsFloat | None, decimals: int = 2) -> str:
    """As it is typed into a pocket calculator: without thousands separators and trailing zeros."""
    shown = number(value, decimals).replace(",", "")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def money(amount: SupportsFloat | None, currency: str = "") -> str:
    """An amount without cents, e.g. "USD 1,200"."""
    return number(amount) if amount is None or not currency else f"{currency} {number(amount)}"


def pct(value: SupportsFloat | None, decimals: int = 1) -> str:
    """A percentage, 0-100, e.g. "97.1%"."""
    return NOT_MEASURED if value is None else f"{number(value, decimals)}%"


def measured_share(coverage: float, breadth: float) -> str:
    """How much is behind a score: how much of the connected measures has a value, and how much is connected at all."""
    return (
        f"{pct(100 * coverage, 0)} of the connected measures, by weight, have a value; "
        f"{pct(100 * breadth, 0)} of the scorecard's weight is connected"
    )


def probability(value: SupportsFloat) -> str:
    """A probability, 0-1, in %; one that rounds to 0 is "under 0.1%"."""
    return "under 0.1%" if 0 <= float(value) < 0.0005 else pct(100 * float(value))


def next_step(step: str, owner_role: str, days: SupportsFloat) -> str:
    """A step of the playbook with the role that takes it; the owner of the account is named apart from it.

    E.g. "Call the account (Customer Success Manager, within 5 days)".
    """
    return f"{step} ({owner_role}, within {counted(days, 'day')})"


def since_in_words(first_day: date | None, days: int | None) -> str:
    """Since when something holds: "since 2026-11-16", "for more than 90 days", or nothing where it is not known.

    Args:
        first_day: None = not known.
        days: for which it holds at least, the last one included; None = not known.
    """
    if first_day:
        return f"since {first_day}"
    return f"for more than {counted(days - 1, 'day')}" if days and days > 1 else ""


def owner_of(account_owner: str | None) -> str:
    """The owner of an account, e.g. "owner Lena Fischer", or "no owner"."""
    return f"owner {account_owner}" if account_owner else "no owner"


def hours(value: SupportsFloat | None) -> str:
    """Hours with their unit, e.g. "18.6 h"."""
    return NOT_MEASURED if value is None else f"{number(value, 1)} h"


def minutes(value: SupportsFloat | None) -> str:
    """Minutes with their unit, e.g. "86.5 min"."""
    return NOT_MEASURED if value is None else f"{number(value, 1)} min"


def counted(count: SupportsFloat, noun: str) -> str:
    """The count with its noun, e.g. "1 account", "1,200 accounts"; the plural is formed with an s."""
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def spaced(word: str) -> str:
    """A word of the settings as it is written in text, e.g. "at risk" for at_risk."""
    return word.replace("_", " ")


def month_name(day: date) -> str:
    """The month of a day, e.g. "November 2026"."""
    return f"{day:%B %Y}"


def day_and_month(day: date) -> str:
    """A day as people write it, e.g. "28 November"."""
    return f"{day.day} {day:%B}"


def full_day(day: date) -> str:
    """A day with its year, e.g. "28 November 2025"."""
    return f"{day_and_month(day)} {day.year}"


def minute(moment: datetime) -> str:
    """A timestamp to the minute, e.g. "2026-11-28 06:19"."""
    return f"{moment:%Y-%m-%d %H:%M}"
