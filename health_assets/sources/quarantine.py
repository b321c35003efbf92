"""What may enter the staged layer: rows that satisfy their contract; the others go to quarantine with their reasons.

Rows in = rows kept + rows quarantined + equal duplicates collapsed (and lines summed) + rows left out by `where`, always.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from health_assets.contracts.contract import Contract, available_from, decides, dtypes, row_rules, vocabularies
from health_assets.settings.source import Source
from health_assets.sources.advice import one_of
from health_assets.sources.duplicates import one_row_per_key
from health_assets.sources.parsing import FILE, LEFT_OUT, NOT_READ, OUTSIDE, RECORD, ROW, TEXT

QUARANTINE_SCHEMA: dict[str, Any] = {
    FILE: pl.String,
    ROW: pl.Int64,
    "month": pl.Date,
    "reasons": pl.List(pl.String),
    "hint": pl.String,
    "record": pl.String,
}
UNREADABLE_SCHEMA: dict[str, Any] = {
    "month": pl.Date,
    "column_name": pl.String,
    "word": pl.String,
    "row_count": pl.Int64,
    "samples": pl.List(pl.String),
}


MALFORMED, UNKNOWN_CURRENCY, SUPERSEDED = "row__malformed", "currency__unknown", "grain__superseded"
LOAD_COUNTS = ("rows_read", "rows_kept", "rows_quarantined", "duplicates_collapsed", "rows_left_out", "values_blanked")
SUMMED = "rows_summed"  # events that are part of a reduced row; only of an engine's loads
SAMPLES = 3  # rows that are shown for a word
WORDS_KEPT = 50  # of a column and month, the most frequent; their values are all counted


@dataclass(frozen=True)
class FilteredRows:
    """The rows of one staged table, separated by its contract."""

    kept: pl.DataFrame  # in the contract's columns
    rejected: pl.DataFrame  # QUARANTINE_SCHEMA
    loads: pl.DataFrame  # month (null where the table is not monthly, or the row has no readable time) and LOAD_COUNTS
    unreadable: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=UNREADABLE_SCHEMA))
    # the values of rows kept or quarantined that had to become null, by column and word


NOTHING_READ = FilteredRows(
    pl.DataFrame(), pl.DataFrame(schema=QUARANTINE_SCHEMA), pl.DataFrame(schema={"month": pl.Date})
)


def filter_rows(
    parsed: pl.LazyFrame,
    contract: type[Contract],
    existing: dict[str, pl.Series],
    source: Source | None = None,
    *,
    monthly: bool = False,
) -> FilteredRows:
    """Split parsed rows (with file, row and record) into those that satisfy the contract and those that do not.

    Args:
        parsed: what a staged transform returned.
        contract: of the staged table.
        existing: column -> the keys that exist; a row with any other key is an orphan.
        source: how the company describes the source; says what rows of one key are.
        monthly: count by the month from which a row is known.
    """
    parsed = _with_reader_columns(parsed)
    deciding, blanked = _not_read(parsed, contract)
    rules = deciding | row_rules(contract) | _orphans(existing)
    rules[MALFORMED] = pl.col(TEXT).is_null()
    month = pl.col(str(available_from(contract))).dt.truncate("1mo") if monthly else pl.lit(None)
    read = (
        parsed.with_columns(
            pl.all_horizontal(pl.lit(True), *(rule.fill_null(True) for rule in rules.values())).alias("_sound"),
            pl.sum_horizontal(pl.lit(0), *(text.is_not_null() for text in blanked.values())).alias("_blanked"),
            month.cast(pl.Date).alias("month"),
        ).collect()  # by the default engine, which streams
    )
    if not read.select(_is_in_file_order()).item():  # of one file it is, and sorting costs as much as parsing
        read = read.sort(FILE, ROW, maintain_order=True)
    rows = read.filter(~pl.col(LEFT_OUT))
    sound, unsound = rows.filter("_sound"), rows.filter(~pl.col("_sound"))
    kept, superseded = one_row_per_key(sound, contract, source)
    rejected = [_explained(unsound, rules, existing, contract)]
    if superseded.height:
        rejected.append(_explained(superseded, {SUPERSEDED: pl.lit(False)}, existing, contract))
    rejected_rows = pl.concat(rejected)
    return FilteredRows(
        kept.select(list(dtypes(contract))),
        rejected_rows,
        _loads(read, sound, kept, superseded, rejected_rows),
        _unreadable(rows.filter(pl.col("_blanked") > 0), blanked),
    )


def _is_in_file_order() -> pl.Expr:
    file, row = pl.col(FILE), pl.col(ROW)
    follows = (file > file.shift()) | ((file == file.shift()) & (row >= row.shift()))
    return follows.fill_null(True).all()


def _with_reader_columns(parsed: pl.LazyFrame) -> pl.LazyFrame:
    """Rows that were made without a file have nothing that the reader says of them."""
    given = parsed.collect_schema()
    absent = {TEXT: pl.lit(None, pl.String), LEFT_OUT: pl.lit(False)}
    return parsed.with_columns(value.alias(name) for name, value in absent.items() if name not in given).with_columns(
        pl.col(LEFT_OUT).fill_null(False)
    )


def _loads(
    read: pl.DataFrame, sound: pl.DataFrame, kept: pl.DataFrame, superseded: pl.DataFrame, rejected: pl.DataFrame
) -> pl.DataFrame:
    """LOAD_COUNTS by month; sound rows that are neither kept nor superseded are equal to another, or lines that were summed."""
    counts = read.group_by("month").agg(
        rows_read=pl.len(),
        rows_left_out=pl.col(LEFT_OUT).sum(),
        values_blanked=pl.col("_blanked").filter(~pl.col(LEFT_OUT)).sum(),
    )
    others = {"rows_kept": kept, "rows_quarantined": rejected, "_sound": sound, "_superseded": superseded}
    for name, rows in others.items():
        by_month = rows.group_by("month").agg(pl.len().alias(name))
        counts = counts.join(by_month, on="month", how="left", nulls_equal=True, validate="1:1")
    whole = counts.with_columns(pl.exclude("month").cast(pl.Int64).fill_null(0))
    collapsed = pl.col("_sound") - pl.col("rows_kept") - pl.col("_superseded")
    return whole.with_columns(duplicates_collapsed=collapsed).select("month", *LOAD_COUNTS)


def _not_read(parsed: pl.LazyFrame, contract: type[Contract]) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr]]:
    """What could not be read: by rule where it costs the row (true = readable), by column the text where it does not."""
    columns, deciding = contract.columns(), dict[str, pl.Expr]()
    blanked = {name: pl.col(OUTSIDE).struct.field(name) for name in _fields(parsed, OUTSIDE)}
    for name in _fields(parsed, NOT_READ):
        text = pl.col(NOT_READ).struct.field(name)
        if name == "currency":
            deciding[UNKNOWN_CURRENCY] = text.is_null()
        elif decides(columns[name]):
            deciding[f"{name}__unreadable"] = text.is_null() | pl.col(name).is_not_null()
        else:
            blanked[name] = pl.coalesce(text, blanked[name]) if name in blanked else text
    return deciding, blanked


def _fields(parsed: pl.LazyFrame, name: str) -> list[str]:
    noted = parsed.collect_schema().get(name)
    return [entry.name for entry in noted.fields] if isinstance(noted, pl.Struct) else []


def _unreadable(rows: pl.DataFrame, blanked: dict[str, pl.Expr]) -> pl.DataFrame:
    """The values that had to become null, by month, column and word, the most frequent words of each."""
    if rows.is_empty():
        return pl.DataFrame(schema=UNREADABLE_SCHEMA)
    place = pl.format("{} row {}", FILE, ROW)
    counted = [
        rows.lazy()
        .select("month", place=place, word=text)
        .filter(pl.col("word").is_not_null())
        .group_by("month", "word", maintain_order=True)
        .agg(row_count=pl.len().cast(pl.Int64), samples=pl.col("place").head(SAMPLES))
        .sort(pl.col("row_count"), "word", descending=[True, False])
        .group_by("month", maintain_order=True)
        .head(WORDS_KEPT)
        .select(pl.lit(name).alias("column_name"), "month", "word", "row_count", "samples")
        for name, text in blanked.items()
    ]
    return pl.concat(counted).select(list(UNREADABLE_SCHEMA)).collect()


def _orphans(existing: dict[str, pl.Series]) -> dict[str, pl.Expr]:
    return {f"{column}__orphan": pl.col(column).is_in(keys.implode()) for column, keys in existing.items()}


def _explained(
    rows: pl.DataFrame, rules: dict[str, pl.Expr], existing: dict[str, pl.Series], contract: type[Contract]
) -> pl.DataFrame:
    """The rejected rows in the shape of quarantine: file, row, reasons, a hint, the record as JSON."""
    if rows.is_empty():
        return pl.DataFrame(schema=QUARANTINE_SCHEMA)
    broken = [pl.when(~rule.fill_null(True)).then(pl.lit(name)) for name, rule in rules.items()]
    is_malformed = pl.col(TEXT).is_not_null()
    reasons = pl.col("reasons").list.set_difference(_said_already(rows, contract)).list.sort()
    return (
        rows.with_columns(reasons=pl.concat_list(broken).list.drop_nulls())
        .with_columns(reasons=pl.when(is_malformed).then(pl.concat_list(pl.lit(MALFORMED))).otherwise(reasons))
        .select(
            FILE,
            pl.col(ROW).cast(pl.Int64),
            "month",
            "reasons",
            hint=pl.coalesce(_hints(rows, existing, contract)),
            record=pl.when(is_malformed)
            .then(pl.struct(FILE, ROW, TEXT).struct.json_encode())
            .otherwise(pl.col(RECORD).struct.json_encode()),
        )
    )


def _said_already(rows: pl.DataFrame, contract: type[Contract]) -> pl.Expr:
    """Reasons that follow from another: a value is missing because it, or what it is computed from, cannot be read."""
    reason, none = pl.element(), pl.lit([], pl.List(pl.String))
    given = _fields(rows.lazy(), RECORD)
    computed = [f"{name}__not_null" for name in dtypes(contract) if name not in given]
    is_cause = reason.str.ends_with("__unreadable") | (reason.str.ends_with("__not_null") & ~reason.is_in(computed))
    amounts = [f"{name}__not_null" for name, dtype in rows.schema.items() if dtype.is_float()]
    unreadable = reason.filter(reason.str.ends_with("__unreadable")).str.replace("__unreadable", "__not_null")
    follow = [
        pl.col("reasons").list.eval(unreadable),
        pl.when(pl.col("reasons").list.eval(is_cause).list.any()).then(pl.lit(computed, pl.List(pl.String))),
        pl.when(pl.col("reasons").list.contains(UNKNOWN_CURRENCY)).then(pl.lit(amounts, pl.List(pl.String))),
    ]
    for name, vocabulary in vocabularies(contract).items():
        is_cause = pl.col("reasons").list.eval(reason.str.starts_with(f"{name}__")).list.any()
        follow.append(pl.when(is_cause).then(pl.lit([f"{vocabulary.computes}__not_null"], pl.List(pl.String))))
    return pl.concat_list(each.fill_null(none) for each in follow)


def _hints(rows: pl.DataFrame, existing: dict[str, pl.Series], contract: type[Contract]) -> Iterator[pl.Expr]:
    """What puts a row right, the most certain first; null where that does not apply."""
    reasons = pl.col("reasons").list
    amiss = "it has more values than the header has columns, or a quote amiss; quote values whole"
    yield pl.when(pl.col(TEXT).is_not_null()).then(pl.lit(amiss))
    for column, keys in existing.items():
        yield _hint(column, keys)
    if "account_id" in dtypes(contract):
        nobody = (
            'it names no account; leave such rows out with `where` of the source, for example "customer_id is not null"'
        )
        yield pl.when(reasons.contains("account_id__not_null") & (reasons.len() == 1)).then(pl.lit(nobody))
    other = "another row of its key counts; say with `duplicates` of the source whether such rows are versions or lines"
    yield pl.when(reasons.contains(SUPERSEDED)).then(pl.lit(other))
    if "currency" in _fields(rows.lazy(), RECORD):
        currency = pl.col(RECORD).struct.field("currency").cast(pl.String).str.strip_chars().str.to_uppercase()
        rate = pl.format("give the rate of {} in fx_rates of the settings", currency.fill_null("its currency"))
        yield pl.when(reasons.contains(UNKNOWN_CURRENCY)).then(rate)
    for name, vocabulary in vocabularies(contract).items():
        if name in _fields(rows.lazy(), RECORD):
            word = pl.col(RECORD).struct.field(name).cast(pl.String)
            mapped = f"values: {{{{{name}: {{{{{{}}: {vocabulary.words[-1]}}}}}}}}}"
            said = f"{name} {{}} is not known; map it to {one_of(vocabulary.words)}, for example {mapped}"
            yield pl.when(reasons.contains(f"{name}__is_known")).then(pl.format(said, word, word))


def _hint(column: str, keys: pl.Series) -> pl.Expr:
    """For an orphan whose key differs from an existing one only in case and punctuation: that key."""

    def bare(key: pl.Expr) -> pl.Expr:
        return key.str.to_uppercase().str.replace_all(r"[^A-Z0-9]", "")

    known = keys.to_frame("key").select(bare=bare(pl.col("key")), key="key").unique("bare", keep="none")
    near = bare(pl.col(column)).replace_strict(known["bare"], known["key"], default=None, return_dtype=pl.String)
    return pl.when(pl.col("reasons").list.contains(f"{column}__orphan")).then(
        pl.format("{} exists; map the spelling with `keys` in the settings", near)
    )
