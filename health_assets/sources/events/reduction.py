"""Events -> one row per account, user, event name and day, in Narwhals: the same plan on Polars, DuckDB and Spark.

Every value that decides anything is an integer or a text that is compared byte by byte, so that all engines give the same rows.
Names and keys are grouped as they are written; they are parsed with the rows that come back. Which engine reads what is in
engines.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import and_
from typing import Any

import narwhals as nw

from health_assets.contracts.words import BLANK_WORDS
from health_assets.sources.events.times import BLANKS, DAY, SECOND, as_local, as_utc, midnight, moment_of_text

MINUTE = 60 * SECOND
MINUTES_PER_DAY = 24 * 60
MOMENT, LEFT_OUT, VERSION = "_moment", "_left_out", "_version"  # that engines.py adds to the columns of ours
AT, WALL, DAY_NUMBER, PROBLEM, COUNT, SECONDS, NANOS = (
    "_at", "_wall", "_day", "_problem", "_count", "_seconds", "_nanos",
)  # fmt: skip
PER_SECOND = {"s": 1, "ms": 1_000, "us": SECOND}
EARLIEST_EPOCH, LATEST_EPOCH = 100_000_000, 253_402_300_800  # seconds, in 1973 and at the end of 9999
LARGEST = 10**12  # a count or a duration beyond it is none
SAMPLE = 100  # rejected rows of a kind that come back with a month
REJECTED = {
    1: "account_id__not_null",
    2: "event_name__not_null",
    4: "event_id__not_null",
    8: "event_timestamp__not_null",
    16: "event_timestamp__unreadable",
    32: "event_count__min",
}
NULLED = {64: "event_count", 128: "duration_seconds"}  # the value becomes null, the row stays
FIRST_NULLED = 64
INTEGER, DECIMAL = r"^[+]?[0-9]{1,12}([.]0+)?$", r"^[+]?[0-9]{1,12}([.][0-9]{1,9})?$"
WIDEST = date(1990, 1, 1)  # rows of earlier days are counted on the day before


@dataclass(frozen=True)
class Reading:
    """How the events of a company are read, on any engine."""

    timezone: str  # whose days are meant
    zones: tuple[str, str]  # of times that name none, and of days alone
    first: date  # between these days the zones are exact
    last: date
    unit: str | None  # of an epoch
    gap_minutes: int  # without an event end a session


def read(events: nw.LazyFrame[Any], reading: Reading) -> nw.LazyFrame[Any]:
    """The events with their moment, wall time and numbers, and what is wrong with each as a sum of the keys above."""
    schema = events.collect_schema()
    given = set(schema.names())
    counted = _number(events, "event_count") if "event_count" in given else None
    lasted = _number(events, "duration_seconds") if "duration_seconds" in given else None
    is_blank = {name: _is_blank(name) for name in ("account_id", "user_id", "event_name", "event_id") if name in given}
    keyed = is_blank.get("account_id", is_blank.get("user_id"))
    events = _with_moment(events, schema["event_timestamp"], reading).with_columns(*_numbers(counted, lasted))
    is_timeless = nw.col("event_timestamp").is_null()
    if schema["event_timestamp"] == nw.String:
        is_timeless = is_timeless | _is_blank_word("event_timestamp")
    problems = {
        1: keyed,
        2: is_blank["event_name"],
        4: is_blank.get("event_id"),
        8: is_timeless,
        16: ~is_timeless & nw.col(AT).is_null(),
        32: nw.col(COUNT) < 1,
        64: _is_lost(events, "event_count", COUNT) if counted is not None else None,
        128: _is_lost(events, "duration_seconds", SECONDS) if lasted is not None else None,
    }
    found = [
        nw.when(is_so).then(nw.lit(key)).otherwise(nw.lit(0)) for key, is_so in problems.items() if is_so is not None
    ]
    return events.with_columns(
        as_local(nw.col(AT), reading.timezone, reading.first, reading.last).alias(WALL),
        nw.sum_horizontal(*found).cast(nw.Int64).alias(PROBLEM),
    ).with_columns(nw.col(COUNT).fill_null(1))


def by_day(events: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Rows, and rows that are left out, by local day since 1990; null where no time can be read."""
    start = midnight(WIDEST, "UTC")
    number = nw.when(nw.col(WALL) >= start).then((nw.col(WALL) - start) // DAY)
    early = nw.when(nw.col(WALL) < start).then(nw.lit(-1)).otherwise(number)
    counted = events.select(early.cast(nw.Int64).alias(DAY_NUMBER), nw.col(LEFT_OUT).cast(nw.Int64))
    return counted.group_by(DAY_NUMBER).agg(nw.len().alias("rows"), nw.col(LEFT_OUT).sum())


def reduced(events: nw.LazyFrame[Any], reading: Reading, first: date, end: date) -> nw.LazyFrame[Any]:
    """One row per account, user, event name and day: events, sessions that begin, duration, and the rows it stands for.

    Args:
        events: as `read` returns them.
        reading: how they are read.
        first: the first day.
        end: the day after the last.
    """
    read_from = first - timedelta(days=1 + reading.gap_minutes // MINUTES_PER_DAY)  # sessions run into the first day
    names = events.collect_schema().names()
    who = [name for name in ("account_id", "user_id") if name in names]
    start, begin = midnight(first, "UTC"), midnight(read_from, "UTC")
    rows = _of_days(events, read_from, end).filter(~nw.col(LEFT_OUT), nw.col(PROBLEM) % FIRST_NULLED == 0)
    rows = rows.with_columns(((nw.col(WALL) - begin) // DAY).alias(DAY_NUMBER))
    rows = _one_per_key(rows, who) if "event_id" in names else _alone(rows)
    return (
        rows.with_columns(_begins_session(who, reading.gap_minutes).alias("sessions_begun"))
        .filter(nw.col(WALL) >= start)
        .group_by(*who, "event_name", DAY_NUMBER)
        .agg(
            nw.col(AT).min(),
            nw.col(COUNT, "sessions_begun", SECONDS, NANOS, "superseded", "collapsed").sum(),
            nw.col(SECONDS).count().alias("durations"),
            nw.len().alias("rows"),
        )
    )


def rejected(events: nw.LazyFrame[Any], first: date | None, end: date | None) -> nw.LazyFrame[Any]:
    """Rows that are quarantined or lose a value: for each kind of problem how many, and the first of them by value.

    Args:
        events: as `read` returns them.
        first: the first day; None for the rows without a readable time.
        end: the day after the last.
    """
    inside = _of_days(events, first, end) if first and end else events.filter(nw.col(AT).is_null())
    wrong = inside.filter(~nw.col(LEFT_OUT), nw.col(PROBLEM) > 0).with_columns(nw.lit(1).alias("_one"))
    order = [
        name
        for name in ("event_id", "account_id", "user_id", "event_name", AT, COUNT, SECONDS, NANOS)
        if name in wrong.collect_schema().names()
    ]
    placed = wrong.with_columns(
        nw.col("_one").sum().over(PROBLEM).alias("rows"), nw.col("_one").cum_sum().over(PROBLEM, order_by=order)
    )
    return placed.filter(nw.col("_one") <= SAMPLE).drop("_one")


def superseded(events: nw.LazyFrame[Any], first: date, end: date) -> nw.LazyFrame[Any]:
    """The first rows by key whose place another row of their key and day takes."""
    names = events.collect_schema().names()
    who = [name for name in ("account_id", "user_id") if name in names]
    rows = _of_days(events, first, end).filter(~nw.col(LEFT_OUT), nw.col(PROBLEM) % FIRST_NULLED == 0)
    rows = rows.with_columns(((nw.col(WALL) - midnight(first, "UTC")) // DAY).alias(DAY_NUMBER))
    several = rows.join(_repeated_keys(rows), on=["event_id", DAY_NUMBER], how="semi")
    lost = _versions(several, who).filter(~nw.col("_is_newest"), nw.col("_is_version"))
    return lost.sort("event_id", DAY_NUMBER, AT, "event_name").head(SAMPLE)


def _of_days(events: nw.LazyFrame[Any], first: date, end: date) -> nw.LazyFrame[Any]:
    """The events of local days; the bounds in UTC let an engine skip what is far away."""
    start, stop = midnight(first, "UTC"), midnight(end, "UTC")
    near = (nw.col(AT) >= start - DAY) & (nw.col(AT) < stop + DAY)
    return events.filter(near, nw.col(WALL) >= start, nw.col(WALL) < stop)


def _versions(rows: nw.LazyFrame[Any], who: Sequence[str]) -> nw.LazyFrame[Any]:
    """Which row of each key and day is the newest, and which others are versions of their own and not copies.

    The newest is the last by `newest_by` of the source, then by time, name and the other values.
    """
    compared = [AT, "event_name", *who, COUNT, SECONDS, NANOS]
    order = [*([VERSION] if VERSION in rows.collect_schema().names() else []), *compared]
    key = ["event_id", DAY_NUMBER]
    following = [nw.col(name).shift(-1).over(key, order_by=order).alias(f"_next_{name}") for name in compared]
    rows = rows.with_columns(nw.col("event_id").shift(-1).over(key, order_by=order).alias("_next"), *following)
    is_newest = nw.col("_next").is_null()
    is_copy = reduce(and_, (_equal(name, f"_next_{name}") for name in compared))
    return rows.with_columns(is_newest.alias("_is_newest"), (is_newest | ~is_copy).alias("_is_version"))


def _equal(name: str, other: str) -> nw.Expr:
    ours, theirs = nw.col(name), nw.col(other)
    return (ours == theirs).fill_null(False) | (ours.is_null() & theirs.is_null())


def _one_per_key(rows: nw.LazyFrame[Any], who: Sequence[str]) -> nw.LazyFrame[Any]:
    """The newest row of each key and day, with the number of others that it supersedes, and of copies.

    Only rows whose key returns on a day are sorted: sorting all costs ten times as much as the rest of the plan.
    """
    key, columns = ["event_id", DAY_NUMBER], rows.collect_schema().names()
    repeated = _repeated_keys(rows)
    several = _versions(rows.join(repeated, on=key, how="semi"), who)
    several = several.with_columns(nw.col("_is_version").cast(nw.Int64).alias("_one"), nw.lit(1).alias("_row"))
    versions, copies = nw.col("_one").sum().over(key), nw.col("_row").sum().over(key)
    several = several.with_columns(
        (versions - 1).cast(nw.Int64).alias("superseded"), (copies - versions).cast(nw.Int64).alias("collapsed")
    ).filter(nw.col("_is_newest"))
    alone = _alone(rows.join(repeated, on=key, how="anti"))
    wanted = [*columns, "superseded", "collapsed"]
    return nw.concat([alone.select(*wanted), several.select(*wanted)], how="vertical")


def _repeated_keys(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The keys that return on a day, with the day."""
    key = ["event_id", DAY_NUMBER]
    return rows.group_by(*key).agg(nw.len().alias("_copies")).filter(nw.col("_copies") > 1).select(*key)


def _alone(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Rows without keys are all kept."""
    return rows.with_columns(nw.lit(0).cast(nw.Int64).alias(name) for name in ("superseded", "collapsed"))


def _begins_session(who: Sequence[str], gap_minutes: int) -> nw.Expr:
    """1 for an event before which its user did nothing for the gap; 0 for others, and for events that name no user."""
    if "user_id" not in who:
        return nw.lit(0)
    previous = nw.col(AT).shift(1).over(*who, order_by=[AT, "event_name"])
    continues = (nw.col(AT) - previous <= gap_minutes * MINUTE).fill_null(False)
    return nw.when(continues | _is_blank("user_id")).then(nw.lit(0)).otherwise(nw.lit(1))


def _with_moment(events: nw.LazyFrame[Any], dtype: Any, reading: Reading) -> nw.LazyFrame[Any]:
    """Microseconds since 1970; null where there is no time, or none that can be read."""
    at, days = nw.col(MOMENT), (reading.first, reading.last)
    if dtype == nw.String:
        at = moment_of_text(at, reading.zones, *days)
    elif dtype.is_numeric():
        per_second = PER_SECOND[str(reading.unit)]
        is_one = (at >= EARLIEST_EPOCH * per_second) & (at < LATEST_EPOCH * per_second)
        at = nw.when(is_one).then(at).cast(nw.Int64) * (SECOND // per_second)
    elif dtype == nw.Date:
        at = as_utc(at, reading.zones[1], *days)
    elif dtype.time_zone is None:
        at = as_utc(at, reading.zones[0], *days)
    return events.with_columns(at.alias(AT))


def _number(events: nw.LazyFrame[Any], name: str) -> nw.Expr:
    """A finite number of at most 12 digits that is not negative; null for any other value."""
    dtype = events.collect_schema()[name]
    value: nw.Expr = nw.col(name)
    if dtype == nw.String:
        text = value.str.strip_chars(BLANKS)
        pattern = INTEGER if name == "event_count" else DECIMAL
        value = nw.when(text.str.contains(pattern)).then(text)
    value = value.cast(nw.Float64)
    return nw.when((value >= (0 if name == "duration_seconds" else -LARGEST)) & (value <= LARGEST)).then(value)


def _numbers(counted: nw.Expr | None, lasted: nw.Expr | None) -> list[nw.Expr]:
    """How many events a row is, and its duration as whole seconds and nanoseconds; null where the row does not say."""
    nothing = nw.lit(None).cast(nw.Int64)
    count = nothing if counted is None else nw.when(counted == counted.floor()).then(counted).cast(nw.Int64)
    if lasted is None:
        return [count.alias(COUNT), nothing.alias(SECONDS), nothing.alias(NANOS)]
    nanos = ((lasted - lasted.floor()) * 1e9 + 0.5).floor().cast(nw.Int64)
    return [count.alias(COUNT), lasted.floor().cast(nw.Int64).alias(SECONDS), nanos.alias(NANOS)]


def _is_lost(events: nw.LazyFrame[Any], name: str, read_as: str) -> nw.Expr:
    """Whether the row says something in a column that is no number of its kind."""
    is_there, dtype = ~nw.col(name).is_null(), events.collect_schema()[name]
    if dtype == nw.String:
        is_there = is_there & ~_is_blank_word(name)
    elif dtype.is_float():
        is_there = is_there & ~nw.col(name).is_nan()
    return is_there & nw.col(read_as).is_null()


def _is_blank(name: str) -> nw.Expr:
    return nw.col(name).is_null() | (nw.col(name).str.strip_chars(BLANKS) == "").fill_null(False)


def _is_blank_word(name: str) -> nw.Expr:
    text = nw.col(name).str.strip_chars(BLANKS).str.to_lowercase()
    return text.is_in(BLANK_WORDS).fill_null(False)
