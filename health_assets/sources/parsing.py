"""Text as files have it -> typed columns as contracts expect them, driven by the contract's dtypes.

A value that cannot be read becomes null here. That it was there is kept in the column NOT_READ, which quarantine.py goes by.
"""

import re
from collections.abc import Callable, Collection, Mapping

import polars as pl
from dataframely.columns import Column

from health_assets.contracts.columns import LARGEST_AMOUNT
from health_assets.contracts.contract import Contract, decides, meta
from health_assets.contracts.expressions import local_date
from health_assets.contracts.words import BLANK_WORDS, normalized
from health_assets.settings import Settings
from health_assets.settings.source import Description, Source
from health_assets.sources.moments import Zones, moment
from health_assets.sources.numbers import boolean, currency_in, duration_factor, minor_units, number

FILE, ROW = "source_file", "source_row"  # the place of a row: file, and number within it from 1 after the header
TEXT = "source_text"  # a row that cannot be split into columns, as text; null for every other row
PART = "source_part"  # by which of the source's descriptions the file is read, from 1
LEFT_OUT = "is_left_out"  # whether the `where` of the source leaves the row out
VERSION = "source_version"  # what `newest_by` of the source says
ABOUT_THE_FILE = (TEXT, PART, LEFT_OUT, VERSION)
RECORD = "_record"  # the row as the file has it, carried along by staged transforms
NOT_READ = "_not_read"  # by column the text that could not be read, else null
OUTSIDE = "_outside"  # by column the text whose value became null because it is out of bounds, else null


def parsed(raw: pl.LazyFrame, contract: type[Contract], settings: Settings, source: str) -> pl.LazyFrame:
    """The raw columns that the contract names, in its dtypes; everything else is carried along untouched."""
    given = raw.collect_schema()
    spelling = settings.sources.get(source)
    if PART not in given:
        raw = raw.with_columns(pl.lit(1, pl.Int64).alias(PART))
    columns = {name: column for name, column in contract.columns().items() if name in given}
    texts = {name: pl.col(RECORD).struct.field(name) for name in columns}

    def value(name: str, column: Column) -> pl.Expr:
        read = by_description(
            spelling, lambda one: typed(name, column.dtype, given[name], settings, one, column, list(given))
        )
        if name != "currency":
            return read
        written = [pl.col(amount) for amount, of in columns.items() if meta(of, "money") and given[amount] == pl.String]
        return pl.coalesce(read, *(currency_in(text, settings.reporting_currency) for text in written))

    def is_there(name: str, column: Column) -> pl.Expr:
        return by_description(spelling, lambda one: _is_there(texts[name], name, given[name], one, column))

    not_read = {
        name: pl.when(is_there(name, column) & pl.col(name).is_null()).then(texts[name])
        for name, column in columns.items()
        if column.dtype != pl.String
    }
    if "currency" in columns:
        known = [settings.reporting_currency, *settings.fx_rates]
        not_read["currency"] = pl.when(~pl.col("currency").str.to_uppercase().is_in(known)).then(
            pl.coalesce(texts["currency"], "currency")
        )
    inside = {name: _within_bounds(name, column) for name, column in columns.items() if _may_be_blanked(column)}
    outside = {name: pl.when(~is_inside).then(texts[name]) for name, is_inside in inside.items()}
    return (
        raw.with_columns(pl.struct(name for name in given if name not in ABOUT_THE_FILE).alias(RECORD))
        .with_columns(value(name, column).alias(name) for name, column in columns.items())
        .with_columns(_noted(NOT_READ, not_read), _noted(OUTSIDE, outside))
        .with_columns(pl.when(is_inside).then(pl.col(name)).alias(name) for name, is_inside in inside.items())
    )


def by_description(source: Source | None, of: Callable[[Description | None], pl.Expr]) -> pl.Expr:
    """What holds for a row by the description that its file is read by."""
    if source is None or not source.other_descriptions:
        return of(source)
    cases = (pl.when(pl.col(PART) == number).then(of(one)) for number, one in enumerate(source.descriptions, 1))
    return pl.coalesce(cases)


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


def _is_there(value: pl.Expr, name: str, given: pl.DataType, spelling: Description | None, column: Column) -> pl.Expr:
    """Whether the file says something: blanks, words for them, and those that the settings call blank do not."""
    if given == pl.String:
        text = value.str.strip_chars().str.to_lowercase()
        blank = {theirs.strip().lower() for theirs, ours in _values(name, spelling).items() if not ours}
        known_blank = [theirs for theirs, ours in (meta(column, "words") or {}).items() if ours is None]
        return value.is_not_null() & ~text.is_in([*BLANK_WORDS, *blank]) & ~normalized(text).is_in(known_blank)
    return value.is_not_null() & value.is_not_nan() if given.is_float() else value.is_not_null()


def _values(name: str, spelling: Description | None) -> dict[str, str | None]:
    return spelling.values.get(name, {}) if spelling else {}


def is_key(name: str) -> bool:
    """Whether a column holds keys, which are compared exactly."""
    return name.endswith("_id")


def respelled(name: str, given: pl.DataType, spelling: Description | None) -> pl.Expr:
    """Blanks to null, then the company's own values, keys and defaults."""
    if given != pl.String and not (spelling and (name in spelling.values or name in spelling.keys or is_key(name))):
        return pl.col(name)
    stripped = pl.col(name).cast(pl.String).str.strip_chars()
    # not replace(), for which Polars would hold the whole column in memory
    text: pl.Expr = pl.when(stripped != "").then(stripped)
    if is_key(name):
        text = text.map_batches(_whole_numbers, pl.String, is_elementwise=True)
    if spelling is None:
        return text
    if mapping := _values(name, spelling):
        exact = {theirs.strip(): ours or None for theirs, ours in mapping.items()}
        words = exact if is_key(name) else {theirs.lower(): ours for theirs, ours in exact.items()}
        compared = text if is_key(name) else text.str.to_lowercase()
        text = compared.replace_strict(words, default=text, return_dtype=pl.String)
    if key := spelling.keys.get(name):
        text = text.str.replace(key.match, re.sub(r"\\(\d+)", r"${\1}", key.replace.replace("$", "$$")))
    if (default := spelling.defaults.get(name)) is not None:
        text = text.fill_null(str(default))
    return text


def _whole_numbers(keys: pl.Series) -> pl.Series:
    """Keys such as 17.0, as pandas writes whole numbers of a column with blanks, as 17; the pattern is tried where one may be."""
    return keys.str.replace(r"^(\d+)\.0$", "$1") if keys.str.ends_with(".0").any() else keys


def _in_our_words(value: pl.Expr, column: Column | None) -> pl.Expr:
    """Words of other systems in the contract's; what is no such word stays as it is."""
    words = meta(column, "words") if column is not None else None
    return normalized(value).replace_strict(words, default=value, return_dtype=pl.String) if words else value


def typed(
    name: str,
    wanted: pl.DataType,
    given: pl.DataType,
    settings: Settings,
    spelling: Description | None,
    column: Column | None = None,
    others: Collection[str] = (),
) -> pl.Expr:
    """One column in the wanted dtype; null where it is blank or cannot be read.

    Args:
        name: the column.
        wanted: the contract's dtype.
        given: the dtype that the file has.
        settings: of the company.
        spelling: how the source is described, if it is.
        column: of the contract, for its words.
        others: columns that the rows have as well, such as the currency of an amount.
    """
    value = respelled(name, given, spelling)
    unit = spelling.unit.get(name) if spelling else None
    if isinstance(wanted, pl.Datetime | pl.Date):
        zones = Zones((spelling and spelling.timezone) or settings.timezone, settings.timezone)
        read = moment(value, given, zones, spelling.formats_of(name) if spelling else [], unit)
        return read if isinstance(wanted, pl.Datetime) else local_date(read, settings.timezone)
    if wanted.is_numeric():
        return _number(value, name, wanted, given, settings, spelling, column, others)
    if wanted == pl.Boolean:
        return value if given == pl.Boolean else boolean(_in_our_words(value.cast(pl.String), column))
    if isinstance(wanted, pl.Enum):
        return _word(value.cast(pl.String), wanted, column)
    return value.cast(pl.String)


def _number(
    value: pl.Expr,
    name: str,
    wanted: pl.DataType,
    given: pl.DataType,
    settings: Settings,
    spelling: Description | None,
    column: Column | None,
    others: Collection[str],
) -> pl.Expr:
    """A finite number, in the unit and on the scale of the contract; of a count none that is not whole."""
    if given.is_numeric() and not _values(name, spelling):
        read = value.cast(pl.Float64, strict=False)
    else:
        text = _in_our_words(value.cast(pl.String), column)
        is_written = spelling is not None and given == pl.String
        is_percent = text.str.ends_with("%")
        text = text.str.strip_suffix("%").str.strip_chars_end()
        read = number(text, spelling.decimal, spelling.thousands) if is_written else number(text)  # type: ignore[union-attr]
        if not name.endswith("_pct") and not (spelling and name in spelling.scale):
            read = pl.when(is_percent).then(read / 100).otherwise(read)
        if column is not None and meta(column, "money") and "currency" not in others:
            read = read * _rate_of(text, settings)
    read = pl.when(read.is_finite()).then(read)
    if spelling and (unit := spelling.unit.get(name)):
        if unit == "minor":
            read = read / minor_units(pl.col("currency") if "currency" in others else None, settings)
        else:
            read = read * (duration_factor(name, unit) or 1.0)
    if spelling and (scale := spelling.scale.get(name)) and (ours := scale_of(column)):
        read = ours[0] + (read - scale[0]) * (ours[1] - ours[0]) / (scale[1] - scale[0])
    return read if wanted.is_float() else pl.when(read == read.floor()).then(read).cast(pl.Int64, strict=False)


def _rate_of(text: pl.Expr, settings: Settings) -> pl.Expr:
    """What an amount that names its currency is multiplied by; null where the settings have no rate."""
    rates = {settings.reporting_currency: 1.0} | settings.fx_rates
    named = currency_in(text, settings.reporting_currency)
    return (
        pl.when(named.is_null()).then(1.0).otherwise(named.replace_strict(rates, default=None, return_dtype=pl.Float64))
    )


def scale_of(column: Column | None) -> tuple[float, float] | None:
    """The range that another scale can be brought to: that of a column with both ends."""
    low, high = getattr(column, "min", None), getattr(column, "max", None)
    is_scale = isinstance(low, int | float) and isinstance(high, int | float) and high < LARGEST_AMOUNT
    return (float(low), float(high)) if is_scale else None  # type: ignore[arg-type]


def _word(value: pl.Expr, wanted: pl.Enum, column: Column | None) -> pl.Expr:
    """A word of the contract, in any spelling of it; where the contract has a word for all others, that."""
    word = normalized(_in_our_words(value, column)).cast(wanted, strict=False)
    otherwise = meta(column, "otherwise") if column is not None else None
    return (
        word
        if otherwise is None
        else pl.when(value.is_not_null()).then(word.fill_null(pl.lit(otherwise, dtype=wanted)))
    )
