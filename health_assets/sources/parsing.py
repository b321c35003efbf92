"""Text as files have it -> typed columns as contracts expect them, driven by the contract's dtypes.

A value that cannot be read becomes null here. That it was there is kept in the column NOT_READ, which quarantine.py goes by.
"""

import re
from collections.abc import Mapping

import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import Contract, decides, meta
from health_assets.contracts.expressions import local_date
from health_assets.contracts.words import BLANK_WORDS, normalized
from health_assets.settings import Settings
from health_assets.settings.sections import Source

FILE, ROW = "source_file", "source_row"  # where a row stands: file, and number within it from 1 after the header
TEXT = "source_text"  # a row that cannot be split into columns, as it stands in the file; null for every other row
RECORD = "_record"  # the row as the file has it, carried along by staged transforms
NOT_READ = "_not_read"  # by column the text that could not be read, else null
OUTSIDE = "_outside"  # by column the text whose value became null since it lies outside the column's bounds, else null


def parsed(raw: pl.LazyFrame, contract: type[Contract], settings: Settings, source: str) -> pl.LazyFrame:
    """The raw columns that the contract names, in its dtypes; everything else is carried along untouched."""
    given = raw.collect_schema()
    spelling = settings.sources.get(source)
    columns = {name: column for name, column in contract.columns().items() if name in given}
    values = {
        name: typed(name, column.dtype, given[name], settings, spelling, column) for name, column in columns.items()
    }
    texts = {name: pl.col(RECORD).struct.field(name) for name in columns}
    not_read = {
        name: pl.when(_is_there(texts[name], name, given[name], spelling, column) & pl.col(name).is_null()).then(
            texts[name]
        )
        for name, column in columns.items()
        if column.dtype != pl.String
    }
    if "currency" in columns:
        known = [settings.reporting_currency, *settings.fx_rates]
        not_read["currency"] = pl.when(~pl.col("currency").str.to_uppercase().is_in(known)).then(texts["currency"])
    inside = {name: _within_bounds(name, column) for name, column in columns.items() if _may_be_blanked(column)}
    outside = {name: pl.when(~is_inside).then(texts[name]) for name, is_inside in inside.items()}
    return (
        raw.with_columns(pl.struct(name for name in given if name != TEXT).alias(RECORD))
        .with_columns(**values)
        .with_columns(_noted(NOT_READ, not_read), _noted(OUTSIDE, outside))
        .with_columns(pl.when(is_inside).then(pl.col(name)).alias(name) for name, is_inside in inside.items())
    )


def _noted(name: str, texts: Mapping[str, pl.Expr]) -> pl.Expr:
    named = [text.cast(pl.String).alias(column) for column, text in texts.items()]
    return (pl.struct(named) if named else pl.lit(None)).alias(name)


def _may_be_blanked(column: Column) -> bool:
    """Whether a value outside its bounds becomes null: a year 9999 says the same as no end, an amount of 1e308 nothing."""
    has_bounds = any(getattr(column, bound, None) is not None for bound in ("min", "max"))
    return has_bounds and column.nullable and (not decides(column) or column.dtype.is_temporal())


def _within_bounds(name: str, column: Column) -> pl.Expr:
    rules = [rule for kind, rule in column.validation_rules(pl.col(name)).items() if kind != "nullability"]
    return pl.all_horizontal(*rules).fill_null(True)


def _is_there(value: pl.Expr, name: str, given: pl.DataType, spelling: Source | None, column: Column) -> pl.Expr:
    """Whether the file says something: blanks, words for them, and those that the settings call blank do not."""
    if given == pl.String:
        text = value.str.strip_chars().str.to_lowercase()
        blank = {theirs.strip().lower() for theirs, ours in _values(name, spelling).items() if not ours}
        known_blank = [theirs for theirs, ours in (meta(column, "words") or {}).items() if ours is None]
        return value.is_not_null() & ~text.is_in([*BLANK_WORDS, *blank]) & ~normalized(text).is_in(known_blank)
    return value.is_not_null() & value.is_not_nan() if given.is_float() else value.is_not_null()


def _values(name: str, spelling: Source | None) -> dict[str, str]:
    return spelling.values.get(name, {}) if spelling else {}


def _respelled(value: pl.Expr, name: str, dtype: pl.DataType, spelling: Source | None) -> pl.Expr:
    """Blanks to null, then the company's own values, keys and defaults."""
    if dtype != pl.String:
        return value
    text = value.str.strip_chars().replace("", None)
    if spelling is None:
        return text
    if mapping := _values(name, spelling):
        lowered = {theirs.strip().lower(): ours or None for theirs, ours in mapping.items()}
        text = text.str.to_lowercase().replace_strict(lowered, default=text, return_dtype=pl.String)
    if key := spelling.keys.get(name):
        text = text.str.replace(key["match"], key["replace"].replace("\\", "$"))
    if (default := spelling.defaults.get(name)) is not None:
        text = text.fill_null(str(default))
    return text


def _in_our_words(value: pl.Expr, column: Column | None) -> pl.Expr:
    """Words of other systems in the contract's; what is no such word stays as it is."""
    words = meta(column, "words") if column is not None else None
    return normalized(value).replace_strict(words, default=value, return_dtype=pl.String) if words else value


def typed(
    name: str,
    wanted: pl.DataType,
    given: pl.DataType,
    settings: Settings,
    spelling: Source | None,
    column: Column | None = None,
) -> pl.Expr:
    """One column in the wanted dtype; null where it is blank or cannot be read."""
    value = _respelled(pl.col(name), name, given, spelling)
    unit = spelling.unit.get(name) if spelling else None
    if isinstance(wanted, pl.Datetime | pl.Date):
        moment = _moment(value, given, settings.timezone, spelling.date_format if spelling else None, unit)
        return moment if isinstance(wanted, pl.Datetime) else local_date(moment, settings.timezone)
    if wanted.is_numeric():
        number = _number(_in_our_words(value, column)) if given == pl.String else value.cast(pl.Float64, strict=False)
        number = pl.when(number.is_finite()).then(number / 100 if unit == "minor" else number)
        if spelling and (scale := spelling.scale.get(name)):
            number = _rescaled(number, scale, _CONTRACT_SCALES[name])
        if wanted.is_float():
            return number
        return pl.when(number == number.floor()).then(number).cast(pl.Int64, strict=False)
    if wanted == pl.Boolean:
        return value if given == pl.Boolean else _boolean(value.cast(pl.String))
    if isinstance(wanted, pl.Enum):
        return _word(value.cast(pl.String), wanted, column)
    return value.cast(pl.String)


def _word(value: pl.Expr, wanted: pl.Enum, column: Column | None) -> pl.Expr:
    """A word of the contract, in any spelling of it; where the contract has a word for all others, that."""
    word = normalized(_in_our_words(value, column)).cast(wanted, strict=False)
    otherwise = meta(column, "otherwise") if column is not None else None
    return (
        word
        if otherwise is None
        else pl.when(value.is_not_null()).then(word.fill_null(pl.lit(otherwise, dtype=wanted)))
    )


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
