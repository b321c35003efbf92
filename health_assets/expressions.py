"""Polars expressions that two or more tables use: ratios, bands, months, periods of days, trailing windows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from health_assets.settings import Settings

CENT = 0.01  # sums of money that differ by less are equal
SLOW_TAIL = 0.9  # the quantile that gives p90_resolution_hours its name
QUARTILES = 4


@dataclass(frozen=True)
class Period:
    """The days that one call of a monthly transform makes rows for, both ends included."""

    first_day: date
    last_day: date

    def starting(self, days_before: int) -> date:
        """The day so many days before the first: where a trailing window must begin to read."""
        return self.first_day - timedelta(days=days_before)


def safe_ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """numerator / denominator; null where there is nothing to divide by."""
    return pl.when(denominator != 0).then(numerator / denominator)


def percent(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """100 x numerator / denominator; null where there is nothing to divide by."""
    return safe_ratio(100.0 * numerator, denominator)


def banded(value: pl.Expr, floors: Mapping[str, float]) -> pl.Expr:
    """The first band whose floor the value reaches (>=), from the highest floor down; null stays null."""
    ordered = sorted(floors.items(), key=lambda band: -band[1])
    return first_match((value >= floor, band) for band, floor in ordered)


def up_to(value: pl.Expr, ceilings: Mapping[str, float], above: str) -> pl.Expr:
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


def days_between(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Whole days from one day to a later one."""
    return (later - earlier).dt.total_days()


def month_offset(earlier: pl.Expr, later: pl.Expr) -> pl.Expr:
    """Calendar months from the month of one day to that of another; negative where the second is before the first."""
    years = later.dt.year().cast(pl.Int64) - earlier.dt.year().cast(pl.Int64)
    return 12 * years + later.dt.month().cast(pl.Int64) - earlier.dt.month().cast(pl.Int64)


def day_panel(members: pl.LazyFrame, key: str, since: str, first_day: date, last_day: date) -> pl.LazyFrame:
    """One row per member and day, from the later of `first_day` and the member's own first day (`since`) on."""
    days = pl.LazyFrame({"day": pl.date_range(first_day, last_day, eager=True)}) if first_day <= last_day else None
    if days is None:
        days = pl.LazyFrame(schema={"day": pl.Date})
    return members.select(key, since).join(days, how="cross").filter(pl.col("day") >= pl.col(since)).select(key, "day")


def trailing_sum(column: str, days: int, key: str = "account_id") -> pl.Expr:
    """Sum over the `days` days that end with the row's own, on a dense panel sorted by key and day."""
    running = pl.col(column).cum_sum()
    return (running - running.shift(days, fill_value=0)).over(key)


def is_fresh(source: str, latest: pl.Expr, day: pl.Expr, settings: Settings) -> pl.Expr:
    """Whether a source whose latest row is of `latest` has not been silent for longer than it may by `day`; without a limit
    it may for ever. Null where there is no row."""
    limit = settings.stale_after_days.get(source)
    return latest.is_not_null() if limit is None else days_between(latest, day) <= limit


def while_fresh(panel: pl.LazyFrame, source: str, rows: pl.LazyFrame, dated: str, settings: Settings) -> pl.LazyFrame:
    """The rows of a panel (with `day`) on days on which a source had begun and had not been silent longer than it may."""
    feed = rows.select(day=pl.col(dated), feed_day=pl.col(dated)).drop_nulls().unique().sort("day")
    return (
        panel.sort("day")
        .join_asof(feed, on="day")
        .filter(is_fresh(source, pl.col("feed_day"), pl.col("day"), settings))
        .drop("feed_day")
    )


def covered_days(occurrences: pl.LazyFrame, key: str, thing: str, day: str, days: int) -> pl.LazyFrame:
    """When a thing is among those of a trailing window: each occurrence covers its day and the `days - 1` after it.

    Where coverages of the same thing touch, the later one takes over, so that the thing counts once.
    Grain: key x thing x occurrence day; `first_day`, `end_day` (the first day not covered) and `size` 1.
    """
    return (
        occurrences.select(key, thing, day)
        .unique()
        .sort(key, thing, day)
        .select(
            key,
            first_day=day,
            end_day=pl.min_horizontal(
                pl.col(day).dt.offset_by(f"{days}d"), pl.col(day).shift(-1).over(key, thing, order_by=day)
            ),
            size=pl.lit(1, pl.Int64),
        )
    )


def distinct_in_window(occurrences: pl.LazyFrame, key: str, thing: str, day: str, days: int, name: str) -> pl.LazyFrame:
    """How the number of distinct things in a trailing window changes by day: +1 and -1, to be summed up over a panel.

    Exact, and linear in the occurrences.
    Grain: key x day of change; `name` is the change of the count.
    """
    covered = covered_days(occurrences, key, thing, day, days)
    return (
        pl.concat(
            [
                covered.select(key, "size", day="first_day"),
                covered.select(key, -pl.col("size"), day="end_day"),
            ]
        )
        .group_by(key, "day")
        .agg(pl.col("size").sum().alias(name))
    )


def counts_by_day(
    members: pl.LazyFrame, since: str, counted: Mapping[str, pl.LazyFrame], period: Period, key: str = "account_id"
) -> pl.LazyFrame:
    """How many things each member has on each day of a period, from the member's own first day (`since`) on.

    Linear in the things, where a row per thing and day would be as many times as many as its window has days.

    Args:
        members: one row per `key`, with `since`.
        since: first day of a member; its things may have begun before.
        counted: name of a count -> its things, with `key`, `first_day`, `end_day` (the first day on which it counts no
            longer; null: for ever) and `size`.
        period: the days that are asked for.
        key: to whom the things belong.

    Returns:
        grain: key x day, sorted; one column per count, the sum of the sizes.
    """
    everybody = members.select(key, since, _first=pl.lit(period.first_day))
    return (
        day_panel(everybody, key, "_first", period.first_day, period.last_day)
        .join(_changes_by_day(counted, period, key), on=[key, "day"], how="left", validate="1:1")
        .sort(key, "day")
        .with_columns(pl.col(*counted).fill_null(0).cum_sum().over(key))
        .join(everybody.select(key, since), on=key, how="left", validate="m:1")
        .filter(pl.col("day") >= pl.col(since))
        .select(key, "day", *counted)
        .sort(key, "day")
    )


def _changes_by_day(counted: Mapping[str, pl.LazyFrame], period: Period, key: str) -> pl.LazyFrame:
    """By how much each count changes on each day; what began before the period stands on its first day."""
    things = pl.concat(those.with_columns(name=pl.lit(name)) for name, those in counted.items()).with_columns(
        first_day=pl.max_horizontal("first_day", pl.lit(period.first_day))
    )
    inside = things.filter(
        pl.col("first_day") <= period.last_day,
        pl.col("end_day").is_null() | (pl.col("end_day") > pl.col("first_day")),
    )
    return (
        pl.concat(
            [
                inside.select(key, "name", "size", day="first_day"),
                inside.select(key, "name", -pl.col("size"), day="end_day").drop_nulls("day"),
            ]
        )
        .group_by(key, "day")
        .agg(pl.col("size").filter(pl.col("name") == name).sum().alias(name) for name in counted)
    )
