"""Polars expressions that two or more tables use: ratios, bands, months, periods of days, trailing windows."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import TypeVar
from zoneinfo import ZoneInfo

import polars as pl

from health_assets.settings import Settings

DECIMALS_OF_MONEY = 6  # rounding errors of sums and exchange rates must not become an expansion
CENT = 0.01  # sums of money that differ by less are equal
SLOW_TAIL = 0.9  # the quantile that gives p90_resolution_hours its name
QUARTILES = 4
Label = TypeVar("Label", bound=str)  # name of a band
ONCE = pl.lit(1, pl.Int64)  # the size of a thing that is counted
FLOAT_DECIMALS = 9  # digits beyond these depend on the order in which floats were added
_EXACT_UNIT = 10.0**-12  # floats are added as whole multiples of this


@dataclass(frozen=True)
class Period:
    """The days that one call of a monthly transform makes rows for, both ends included."""

    first_day: date
    last_day: date

    def starting(self, days_before: int) -> date:
        """The day so many days before the first: where a trailing window must begin to read."""
        return self.first_day - timedelta(days=days_before)

    def holds(self, day: pl.Expr) -> pl.Expr:
        """Whether a day is one of the period."""
        return on_days(day, self.first_day, self.last_day)


def on_days(day: pl.Expr, first: date, last: date) -> pl.Expr:
    """Whether first <= day <= last, as comparisons that DuckDB evaluates itself: `is_between` would read the whole table."""
    return (day >= first) & (day <= last)


def on_any_of(day: pl.Expr, days: Iterable[date]) -> pl.Expr:
    """Whether a day is one of several, as comparisons that DuckDB evaluates itself: `is_in` would read the whole table."""
    return reduce(or_, (day == one for one in days), pl.lit(False))


def safe_ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Divide the numerator by the denominator; null where the denominator is 0 or null.

    Rounded where only the order of a sum of floats would show, or how Polars divides: by one value for all rows it
    multiplies by the reciprocal, and 3 / 5 is 0.6000000000000001. When it has one value depends on how rows come.
    """
    return pl.when(denominator != 0).then(numerator / denominator).round(FLOAT_DECIMALS)


def exact_sum(values: pl.Expr) -> pl.Expr:
    """The sum of floats, added as integers so that their order does not matter; 0 without a value."""
    in_units = (values / _EXACT_UNIT).round().cast(pl.Int128)
    return (in_units.sum().cast(pl.Float64) * _EXACT_UNIT).round(FLOAT_DECIMALS)


def mean_of(values: pl.Expr) -> pl.Expr:
    """The mean of the values that are not null, bit-identical in any order; null without a value."""
    return safe_ratio(exact_sum(values), values.count())


def relative_change(now: pl.Expr, before: pl.Expr, min_events: int) -> pl.Expr:
    """Ratio of `now` to `before`, less 1; null where fewer than `min_events` came before, as small numbers change by chance."""
    return pl.when(before >= min_events).then(safe_ratio(now, before) - 1)


def percent(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """100 x numerator / denominator; null where the denominator is 0 or null.

    Rounded as ratios are: the same money, summed twice, is 100% of itself.
    """
    return safe_ratio(100.0 * numerator, denominator)


def banded(value: pl.Expr, floors: Mapping[str, float]) -> pl.Expr:
    """The first band whose floor the value reaches (>=), from the highest floor down; null stays null."""
    ordered = sorted(floors.items(), key=lambda band: -band[1])
    return first_match((value >= floor, band) for band, floor in ordered)


def up_to(value: pl.Expr, ceilings: Mapping[Label, float], above: str) -> pl.Expr:
    """The first band whose ceiling the value does not exceed (<=), else `above`; null stays null."""
    ordered = sorted(ceilings.items(), key=lambda band: band[1])
    return first_match([*((value <= ceiling, band) for band, ceiling in ordered), (value.is_not_null(), above)])


def first_match(cases: Iterable[tuple[pl.Expr, str]]) -> pl.Expr:
    """The label of the first condition that holds; null where none does."""
    return pl.coalesce(pl.when(condition).then(pl.lit(label)) for condition, label in cases)


def ntile(place: pl.Expr, count: pl.Expr, groups: int) -> pl.Expr:
    """SQL's ntile: 1 ... groups, of a place from 0 among so many; the first groups take the remainder."""
    size, larger = count // groups, count % groups
    in_larger = larger * (size + 1)  # members of the groups that hold one more
    return 1 + pl.when(place < in_larger).then(place // (size + 1)).otherwise(larger + (place - in_larger) // size)


def quartile(value: pl.Expr, within: str) -> pl.Expr:
    """1 ... 4 among the accounts of a day or month that have a value, lowest first, ties by account_id; else null."""
    place = pl.int_range(pl.len()).over(within, order_by=[value.is_null(), value, pl.col("account_id")])
    count = value.count().over(within).cast(pl.Int64)
    return pl.when(value.is_not_null()).then(ntile(place, count, QUARTILES))


def weighted_mean(parts: Iterable[tuple[pl.Expr, float]]) -> pl.Expr:
    """sum(w s) / sum(w) over the parts that are not null; null where none is."""
    parts = list(parts)
    return safe_ratio(pl.sum_horizontal(score * weight for score, weight in parts), weight_present(parts))


def weight_present(parts: Iterable[tuple[pl.Expr, float]]) -> pl.Expr:
    """Sum of the weights of the parts that are not null."""
    return pl.sum_horizontal(pl.when(score.is_not_null()).then(weight).otherwise(0.0) for score, weight in parts)


def rounded(value: pl.Expr, decimals: int) -> pl.Expr:
    """Rounded half away from zero, as metrics are everywhere in this product."""
    return value.round(decimals, mode="half_away_from_zero")


def in_reporting_currency(amount: str, settings: Settings) -> pl.Expr:
    """An amount at the fixed rates of the settings; null where the row's currency has none, so the row is quarantined."""
    rates = {settings.reporting_currency: 1.0} | settings.fx_rates
    return pl.col(amount) * pl.col("currency").replace_strict(rates, default=None, return_dtype=pl.Float64)


def month_of(day: pl.Expr) -> pl.Expr:
    """First day of the month of a day."""
    return day.dt.truncate("1mo")


def local_date(moment: pl.Expr, timezone: str) -> pl.Expr:
    """The company's local day of a UTC moment."""
    if timezone == "UTC":
        return moment.dt.date()
    return moment.dt.replace_time_zone("UTC").dt.convert_time_zone(timezone).dt.date()


def end_of_day(day: date, timezone: str) -> datetime:
    """The next local midnight, as UTC without a zone like every moment of the tables."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))
    return midnight.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def conditions(filter_: pl.Expr) -> list[pl.Expr]:
    """The conditions that a filter joins by `and`; a filter of another form is one condition."""
    inner = filter_.meta.pop()
    for one, other in itertools.permutations(inner, 2) if len(inner) == 2 else ():
        if (one & other).meta.eq(filter_):
            return [*conditions(one), *conditions(other)]
    return [filter_]


def days_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Whole days from one day to a later one."""
    return (later - earlier).dt.total_days()


def month_offset(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Calendar months from the month of one day to that of another; negative where the second is before the first."""
    years = later.dt.year().cast(pl.Int64) - earlier.dt.year().cast(pl.Int64)
    return 12 * years + later.dt.month().cast(pl.Int64) - earlier.dt.month().cast(pl.Int64)


def whole_months(earlier: pl.Expr, day: date) -> pl.Expr:
    """Months that have passed from one day to a later one: 31 January to 28 February is none."""
    calendar_months = month_offset(earlier, pl.lit(day))
    return calendar_months - (earlier.dt.day() > day.day).cast(pl.Int64)


def day_panel(members: pl.LazyFrame, key: str, since: str, first_day: date, last_day: date) -> pl.LazyFrame:
    """One row per member and day, from the later of `first_day` and the member's own first day (`since`) on."""
    days = pl.LazyFrame({"day": pl.date_range(first_day, last_day, eager=True)}) if first_day <= last_day else None
    if days is None:
        days = pl.LazyFrame(schema={"day": pl.Date})
    return members.select(key, since).join(days, how="cross").filter(pl.col("day") >= pl.col(since)).select(key, "day")
