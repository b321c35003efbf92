"""Hours that run only while the company is open: cumulative business time over a calendar of business days.

Two moments are compared by the business time that has passed before each of them, so that no row needs a loop. Without a
calendar every hour counts.
"""

from datetime import date, timedelta

import polars as pl

from health_assets.settings.support import BusinessHours

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2100, 1, 1)  # as far as timestamps may reach
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1) // MICROSECOND
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]  # from 1, as Polars counts them


def business_days(hours: BusinessHours, timezone: str) -> pl.DataFrame:
    """The days on which the company is open.

    Args:
        hours: of the settings; `timezone` there comes before that of the company.
        timezone: of the company.

    Returns:
        grain: business day; opens_at (UTC), open_for and open_before: microseconds of the day and of all days before it.
    """
    zone = hours.timezone or timezone
    day = pl.col("day")
    weekdays = [number for number, name in enumerate(WEEKDAYS, start=1) if name in hours.days]
    opened = pl.col("closes_at") - pl.col("opens_at")
    return (
        pl.DataFrame({"day": pl.date_range(FIRST_DAY, LAST_DAY, eager=True)})
        .filter(day.dt.weekday().is_in(weekdays), ~day.is_in(hours.holidays))
        .select(opens_at=_utc(day, hours.opens, zone), closes_at=_utc(day, hours.closes, zone))
        .select("opens_at", open_for=opened.dt.total_microseconds())
        .with_columns(open_before=pl.col("open_for").cum_sum() - pl.col("open_for"))
    )


def hours_between(earlier: pl.Expr, later: pl.Expr, calendar: pl.DataFrame | None) -> pl.Expr:
    """Hours from one UTC moment to another, inside business hours if a calendar is given; null if the second is first."""
    if calendar is None:
        passed = (later - earlier).dt.total_microseconds()
    else:
        passed = _open_time_before(later, calendar) - _open_time_before(earlier, calendar)
    return pl.when(later >= earlier).then(passed / HOUR)


def moment_after(start: pl.Expr, hours: pl.Expr, calendar: pl.DataFrame | None) -> pl.Expr:
    """The first UTC moment at which so many hours have passed since another; business hours if a calendar is given."""
    microseconds = (hours * HOUR).round().cast(pl.Int64)
    if calendar is None:
        return start + pl.duration(microseconds=microseconds)
    open_time = _open_time_before(start, calendar) + microseconds
    day = _last(pl.lit(calendar["open_before"]).search_sorted(open_time, side="left"))
    past_opening = open_time - _of(calendar, "open_before", day)
    return pl.when(open_time.is_not_null()).then(
        _of(calendar, "opens_at", day) + pl.duration(microseconds=past_opening)
    )


def _open_time_before(moment: pl.Expr, calendar: pl.DataFrame) -> pl.Expr:
    """Microseconds of business time from the first day of the calendar to a moment."""
    day = _last(pl.lit(calendar["opens_at"]).search_sorted(moment, side="right"))
    past_opening = (moment - _of(calendar, "opens_at", day)).dt.total_microseconds()
    open_time = _of(calendar, "open_before", day) + pl.min_horizontal(past_opening, _of(calendar, "open_for", day))
    return pl.when(moment.is_not_null()).then(open_time)


def _last(days: pl.Expr) -> pl.Expr:
    """The place of the last of so many business days."""
    return (days.cast(pl.Int64) - 1).clip(0)


def _of(calendar: pl.DataFrame, name: str, day: pl.Expr) -> pl.Expr:
    return pl.lit(calendar[name]).gather(day)


def _utc(day: pl.Expr, minutes: int, zone: str) -> pl.Expr:
    """The UTC moment of a wall time: the earlier of two when the clock went back, an hour on where it jumped ahead."""
    local = day.cast(pl.Datetime("us")) + pl.duration(minutes=minutes)
    zoned = pl.coalesce(
        moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        for moment in (local, local.dt.offset_by("1h"))
    )
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
