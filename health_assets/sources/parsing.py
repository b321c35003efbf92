"""Text as files have it -> typed columns as contracts expectation, driven by the contract's dtypes.

A text that cannot be read becomes null here; that it was there is noticed by gate.py, never lost.
"""

import re

import polars as pl

from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings
from health_assets.settings.sections import Source

FILE, ROW = "source_file", "source_row"  # where a row stands: file, and number within it from 1 after the header
TEXT = "source_text"  # a row that cannot be split into columns, as it stands in the file; null for every other row
RECORD = "_record"  # the row as the file has it, carried along by staged transforms


def parsed(raw: pl.LazyFrame, contract: type[Contract], settings: Settings, source: str) -> pl.LazyFrame:
    """The raw columns that the contract names, in its dtypes; everything else is carried along untouched."""
    given = raw.collect_schema()
    spelling = settings.sources.get(source)
    columns = {
        name: typed(name, column.dtype, given[name], settings, spelling)
        for name, column in contract.columns().items()
        if name in given
    }
    record = pl.struct(name for name in given if name != TEXT)
    return raw.with_columns(record.alias(RECORD)).with_columns(**columns)


def _respelled(value: pl.Expr, name: str, dtype: pl.DataType, spelling: Source | None) -> pl.Expr:
    """Blanks to null, then the company's own values, keys and defaults."""
    if dtype != pl.String:
        return value
    text = value.str.strip_chars().replace("", None)
    if spelling is None:
        return text
    if mapping := spelling.values.get(name):
        lowered = {theirs.lower(): ours for theirs, ours in mapping.items()}
        text = text.str.to_lowercase().replace_strict(lowered, default=text, return_dtype=pl.String)
    if key := spelling.keys.get(name):
        text = text.str.replace(key["match"], key["replace"].replace("\\", "$"))
    if (default := spelling.defaults.get(name)) is not None:
        text = text.fill_null(str(default))
    return text


def typed(name: str, wanted: pl.DataType, given: pl.DataType, settings: Settings, spelling: Source | None) -> pl.Expr:
    """One column in the wanted dtype; null where it is blank or cannot be read."""
    value = _respelled(pl.col(name), name, given, spelling)
    unit = spelling.unit.get(name) if spelling else None
    if isinstance(wanted, pl.Datetime | pl.Date):
        moment = _moment(value, given, settings.timezone, spelling.date_format if spelling else None, unit)
        return moment if isinstance(wanted, pl.Datetime) else local_date(moment, settings.timezone)
    if wanted.is_numeric():
        number = _number(value) if given == pl.String else value.cast(pl.Float64, strict=False)
        number = pl.when(number.is_finite()).then(number / 100 if unit == "minor" else number)
        if spelling and (scale := spelling.scale.get(name)):
            number = _rescaled(number, scale, _CONTRACT_SCALES[name])
        if wanted.is_float():
            return number
        return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
    if wanted == pl.Boolean:
        return value if given == pl.Boolean else _boolean(value.cast(pl.String))
    if isinstance(wanted, pl.Enum):
        word = value.cast(pl.String).str.to_lowercase().str.replace_all(r"[\s-]+", "_")
        return word.cast(wanted, strict=False)
    return value.cast(pl.String)


def _number(text: pl.Expr) -> pl.Expr:
    """A number with an optional currency sign and thousands separators; "1.234,5" and "EUR 5" are not guessed at."""
    plain = r"^([-+]?)\s*[$€£¥]?\s*([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*[$€£¥]?$"
    stripped = pl.when(text.str.contains(r"\d")).then(text.str.replace(plain, "$1$2").str.replace_all(",", ""))
    return pl.when(text.str.contains(plain)).then(stripped.cast(pl.Float64, strict=False))


def _boolean(text: pl.Expr) -> pl.Expr:
    word = text.str.to_lowercase()
    return (
        pl.when(word.is_in(["true", "t", "yes", "y", "1", "1.0"]))
        .then(pl.lit(True))
        .when(word.is_in(["false", "f", "no", "n", "0", "0.0"]))
        .then(pl.lit(False))
    )


def _moment(value: pl.Expr, given: pl.DataType, timezone: str, date_format: str | None, unit: str | None) -> pl.Expr:
    """A UTC moment; times without a zone are the company's local time, days are their local midnight."""
    if isinstance(given, pl.Datetime):
        if given.time_zone:
            return value.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
        return _utc(value.cast(pl.Datetime("us")), timezone)
    if given == pl.Date:
        return _utc(value.cast(pl.Datetime("us")), timezone)
    if unit in ("s", "ms", "us"):
        ticks = value.cast(pl.Int64, strict=False)
        return pl.from_epoch(ticks, time_unit=unit).cast(pl.Datetime("us"))  # type: ignore[call-overload,no-any-return]
    text = value.cast(pl.String)
    iso = text.str.replace(" ", "T", literal=True)
    iso = pl.when(iso.str.len_bytes() == 10).then(iso + "T00:00:00").otherwise(iso)
    naive = iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    zoned = (
        iso.str.replace("Z$", "+00:00")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False, time_zone="UTC")
        .dt.replace_time_zone(None)
    )
    ways = [_utc(naive, timezone), zoned]
    if date_format:
        ways.insert(0, _formatted(text, date_format, timezone))
    return pl.coalesce(ways)


def _formatted(text: pl.Expr, date_format: str, timezone: str) -> pl.Expr:
    """A moment in the company's own format: with a zone, with a time, or a day alone, which is its local midnight."""
    if re.search(r"%:{0,3}z|%#z", date_format):
        zoned = text.str.to_datetime(date_format, time_unit="us", strict=False, time_zone="UTC")
        return zoned.dt.replace_time_zone(None)
    if re.search(r"%-?[HIklMSTRrXcspf]", date_format):
        return _utc(text.str.to_datetime(date_format, time_unit="us", strict=False), timezone)
    return _utc(text.str.to_date(date_format, strict=False).cast(pl.Datetime("us")), timezone)


def _utc(local: pl.Expr, timezone: str) -> pl.Expr:
    """Local wall time to UTC: the earlier of two when the clock went back, an hour on where it jumped ahead."""
    if timezone == "UTC":
        return local
    zoned = local.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    after_the_jump = local.dt.offset_by("1h").dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    return pl.coalesce(zoned, after_the_jump).dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _rescaled(number: pl.Expr, theirs: tuple[float, float], ours: tuple[float, float]) -> pl.Expr:
    return ours[0] + (number - theirs[0]) * (ours[1] - ours[0]) / (theirs[1] - theirs[0])


_CONTRACT_SCALES = {"satisfaction_score": (1, 5), "nps_score": (0, 10)}
