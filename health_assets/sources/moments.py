"""Days and times as files have them -> UTC: ISO and its variants, the formats of the settings, epochs, Excel's serial days.

Each way is tried on what the ways before it could not read, so a column in one plain format is read once.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache, partial
from typing import NamedTuple

import polars as pl
from babel.dates import get_month_names

UTC_TIME = pl.Datetime("us")
EARLIEST_EPOCH = 100_000_000  # seconds, in 1973: a smaller number is a day without separators, or no date at all
TICKS = {"s": 1_000_000, "ms": 1_000, "us": 1}  # microseconds
FIRST_YEAR = 100  # that is written with more than two digits
EXCEL_EPOCH, DAY_SECONDS = datetime(1899, 12, 30), 86_400
MONTH_IN_LETTERS = ("%b %d, %Y", "%d %b %Y", "%d-%b-%Y", "%d/%b/%Y", "%B %d, %Y", "%d %B %Y")
WRITTEN_OUT = (
    *MONTH_IN_LETTERS,
    *(day.replace("%Y", "%y") for day in MONTH_IN_LETTERS),
)  # which no two people read differently
LANGUAGES = ("de", "fr", "es", "it", "nl", "pt", "sv", "pl")  # in which months are read by their names
NAMED_MONTH = r"^(\d{1,2})\.?(?:er|º)?[\s-]+(?:de\s+|di\s+)?(\p{L}{3,})\.?[\s-]+(?:de\s+|del\s+)?(\d{4})(.*)$"
ZONE = r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
SEPARATED = rf"^(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?:[T\s]+(\d{{1,2}}):(\d{{2}})(?::(\d{{2}})(?:[.,](\d{{1,9}}))?)?)?{ZONE}"
COMPACT = rf"^(\d{{4}})(\d{{2}})(\d{{2}})(?:[T\s]?(\d{{2}}):?(\d{{2}})(?::?(\d{{2}})(?:[.,](\d{{1,9}}))?)?)?{ZONE}"
Reader = Callable[[pl.Series], pl.Series]


class Zones(NamedTuple):
    """Where a time that names no zone was written down, and where a day begins."""

    times: str
    days: str


def moment(value: pl.Expr, given: pl.DataType, zones: Zones, formats: list[str], unit: str | None) -> pl.Expr:
    """A UTC moment; times without a zone are those of the source, days begin where the company is.

    Args:
        value: the column, its blanks null.
        given: its dtype.
        zones: of times that name none, and of days.
        formats: tried before ISO, one after the other.
        unit: s, ms or us of an epoch, or excel.
    """
    if isinstance(given, pl.Datetime):
        if given.time_zone:
            return value.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(UTC_TIME)
        return utc(value.cast(UTC_TIME), zones.times)
    if given == pl.Date:
        return utc(value.cast(UTC_TIME), zones.days)
    ways = list(_ways(zones, formats, unit))
    return value.cast(pl.String).map_batches(partial(_first_that_reads, ways=ways), UTC_TIME, is_elementwise=True)


def reads(text: pl.Series, date_format: str) -> int:
    """How many texts are in a format."""
    return _formatted(text, date_format, Zones("UTC", "UTC")).count()


def utc(local: pl.Expr, timezone: str) -> pl.Expr:
    """Local wall time to UTC: the earlier of two when the clock went back, an hour on where it jumped ahead."""
    if timezone == "UTC":
        return local
    zoned = local.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    after_the_jump = local.dt.offset_by("1h").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(zoned, after_the_jump).dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _ways(zones: Zones, formats: list[str], unit: str | None) -> Iterator[Reader]:
    """The ways in which a text may be read, in the order in which they are tried."""
    if unit in TICKS:
        yield partial(_epoch, ticks=TICKS[unit])
    if unit == "excel":
        yield partial(_serial_day, zones=zones)
    for date_format in formats:
        yield partial(_formatted, date_format=date_format, zones=zones)
    yield partial(_iso_local, zones=zones)
    yield _iso_zoned
    yield partial(_iso_variant, pattern=SEPARATED, zones=zones)
    yield partial(_iso_variant, pattern=COMPACT, zones=zones)
    for day in WRITTEN_OUT:
        for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %I:%M %p", ", %I:%M:%S %p"):
            yield partial(_formatted, date_format=day + time, zones=zones)
    yield partial(_in_another_language, zones=zones)


def _first_that_reads(text: pl.Series, ways: list[Reader]) -> pl.Series:
    """Each text by the first way that reads it."""
    read = pl.Series(text.name, [None], UTC_TIME).new_from_index(0, len(text))
    for way in ways:
        open_rows = (read.is_null() & text.is_not_null()).arg_true()
        if open_rows.is_empty():
            break
        if len(open_rows) == len(text):
            read = way(text).cast(UTC_TIME)
        else:
            read = read.scatter(open_rows, way(text.gather(open_rows)).cast(UTC_TIME))
    return read.alias(text.name)


def _iso_local(text: pl.Series, zones: Zones) -> pl.Series:
    def read(iso: pl.Expr) -> pl.Expr:
        local = _with_time(iso).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
        return _local(local, iso.str.len_bytes() == 10, zones)

    return _of(text, read)


def _iso_zoned(text: pl.Series) -> pl.Series:
    def read(iso: pl.Expr) -> pl.Expr:
        zoned = _with_time(iso).str.replace("Z$", "+00:00")
        return _zoned(zoned, "%Y-%m-%dT%H:%M:%S%.f%:z")

    return _of(text, read)


def _with_time(text: pl.Expr) -> pl.Expr:
    iso = text.str.replace(" ", "T", literal=True)
    return pl.when(iso.str.len_bytes() == 10).then(iso + "T00:00:00").otherwise(iso)


def _iso_variant(text: pl.Series, pattern: str, zones: Zones) -> pl.Series:
    """Year, month, day with other separators or none, an hour of one digit, no seconds, other ways to write a zone."""

    def read(raw: pl.Expr) -> pl.Expr:
        found = raw.str.extract_groups(pattern)
        year, month, day, hour, minute, second, fraction, zone = (
            found.struct.field(str(group)) for group in range(1, 9)
        )
        date = pl.concat_str([year, month.str.zfill(2), day.str.zfill(2)], separator="-")
        time = pl.concat_str(
            [hour.fill_null("00").str.zfill(2), minute.fill_null("00"), second.fill_null("00")], separator=":"
        )
        iso = pl.concat_str([date, pl.lit("T"), time, pl.lit("."), fraction.fill_null("0")])
        offset = pl.when(zone.str.contains("^[+-]")).then(
            zone.str.replace(":", "", literal=True).str.pad_end(5, "0").str.replace(r"^(...)(..)$", "${1}:${2}")
        )
        local = _local(iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False), hour.is_null(), zones)
        zoned = _zoned(iso + offset.fill_null("+00:00"), "%Y-%m-%dT%H:%M:%S%.f%:z")
        return pl.when(zone.is_null()).then(local).otherwise(zoned)

    return _of(text, read)


def _in_another_language(text: pl.Series, zones: Zones) -> pl.Series:
    """A day whose month has its name in another language, such as `22. März 2024` or `1er févr. 2024 14:05`."""

    def iso(raw: pl.Expr) -> pl.Expr:
        day, name, year, rest = (raw.str.extract(NAMED_MONTH, group) for group in range(1, 5))
        month = name.str.to_lowercase().replace_strict(_months(), default=None, return_dtype=pl.String)
        return pl.concat_str([year, pl.lit("-"), month, pl.lit("-"), day.str.zfill(2), rest.str.strip_prefix(",")])

    return _iso_variant(_of(text, iso), SEPARATED, zones)


@cache
def _months() -> dict[str, str]:
    """The names of months and what they are shortened to, but those that are another month in another language."""
    numbers = defaultdict(set)
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for month, name in get_month_names(width, context, language).items():
                    numbers[name.lower().strip(".")].add(f"{month:02d}")
    return {name: next(iter(found)) for name, found in numbers.items() if len(found) == 1}


def _formatted(text: pl.Series, date_format: str, zones: Zones) -> pl.Series:
    """A format of the settings: with a zone, with a time, or a day alone, which is its local midnight.

    A year of two digits is none of four: 26 is not the year 26.
    """
    read = _in_format(text, date_format, zones)
    if "%Y" not in date_format:
        return read
    return _of(read, lambda moment: pl.when(moment.dt.year() >= FIRST_YEAR).then(moment))


def _in_format(text: pl.Series, date_format: str, zones: Zones) -> pl.Series:
    if re.search(r"%:{0,3}z|%#z", date_format):
        return _of(text, lambda raw: _zoned(raw, date_format))
    if re.search(r"%-?[HIklMSTRrXcspf]", date_format):
        with_seconds = re.search(r"%-?[STrXcs]", date_format)
        filled = date_format if with_seconds else f"{date_format} %S"
        ending = "" if with_seconds else " 00"
        return _of(
            text, lambda raw: utc((raw + ending).str.to_datetime(filled, time_unit="us", strict=False), zones.times)
        )
    return _of(text, lambda raw: utc(raw.str.to_date(date_format, strict=False).cast(UTC_TIME), zones.days))


def _epoch(text: pl.Series, ticks: int) -> pl.Series:
    def read(raw: pl.Expr) -> pl.Expr:
        microseconds = (raw.cast(pl.Float64, strict=False) * ticks).round()
        is_later = microseconds >= EARLIEST_EPOCH * TICKS["s"]
        return pl.when(is_later).then(microseconds).cast(pl.Int64, strict=False).cast(UTC_TIME)

    return _of(text, read)


def _serial_day(text: pl.Series, zones: Zones) -> pl.Series:
    """Days since the end of 1899, as Excel counts them; to the second, since a time of day is a binary fraction."""

    def read(raw: pl.Expr) -> pl.Expr:
        seconds = (raw.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False) * DAY_SECONDS).round()
        inside = pl.when(seconds.is_between(0, 100_000 * DAY_SECONDS)).then(seconds)
        local = pl.lit(EXCEL_EPOCH).cast(UTC_TIME) + pl.duration(seconds=inside.cast(pl.Int64))
        return _local(local, inside % DAY_SECONDS == 0, zones)

    return _of(text, read)


def _local(local: pl.Expr, is_day: pl.Expr, zones: Zones) -> pl.Expr:
    if zones.times == zones.days:
        return utc(local, zones.days)
    return pl.when(is_day).then(utc(local, zones.days)).otherwise(utc(local, zones.times))


def _zoned(text: pl.Expr, date_format: str) -> pl.Expr:
    return text.str.to_datetime(date_format, time_unit="us", strict=False, time_zone="UTC").dt.replace_time_zone(None)


def _of(text: pl.Series, read: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    return text.to_frame("text").select(read(pl.col("text"))).to_series()
