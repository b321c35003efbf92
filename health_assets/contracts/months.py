"""The calendar of months: a month is known by its first day."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from health_assets.contracts.expressions import Period


def period_of(months: Sequence[date], as_of: date) -> Period:
    """The days of neighbouring months, up to the as-of day."""
    return Period(months[0], min(end_of_month(months[-1]), as_of))


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from one day's to another's."""
    return (
        pl.date_range(first.replace(day=1), last.replace(day=1), "1mo", eager=True).to_list() if first <= last else []
    )


def months_before(month: date, count: int) -> date:
    """The month so many months earlier."""
    return months_after(month, -count)


def months_after(month: date, count: int) -> date:
    """The month so many months later."""
    years, months = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, months + 1, 1)


def end_of_month(month: date) -> date:
    """The last day of a month."""
    return months_after(month, 1) - timedelta(days=1)


def measure_days(first: date, as_of: date) -> list[date]:
    """The last day of each month from that of one day on, and the as-of day."""
    return [min(end_of_month(month), as_of) for month in months_between(first, as_of)]
