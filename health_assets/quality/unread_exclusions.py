"""What a source says of rows that are none, or were paid back, in columns that nothing reads: cancelled, deleted, test, refunded.

Such a row would count as any other.
"""

from collections.abc import Collection, Iterator
from functools import partial
from typing import NamedTuple

import polars as pl

from health_assets.contracts.contract import WARN, Contract, Expectation
from health_assets.contracts.words import BLANK_WORDS
from health_assets.settings import Settings
from health_assets.settings.source import Description, Source
from health_assets.sources.conditions import condition
from health_assets.sources.file_names import label
from health_assets.sources.formats import described_files, is_blank, leaves, text_of
from health_assets.sources.numbers import FALSE, TRUE, number
from health_assets.sources.readers import collected, opened_rows, unknown_columns
from health_assets.sources.suggested_columns import words_of
from health_assets.tables import TABLES, Table

EXCLUDED = {
    "deleted", "removed", "trashed", "trash", "test", "sandbox", "spam", "preview", "void", "voided", "internal", "demo", "dummy", "bot",
    "bots", "crawler", "synthetic", "synthetics", "excluded", "duplicate", "merged",
}  # fmt: skip
TAKEN_BACK = {"cancelled", "canceled", "cancel", "cancellation"}
ADJUSTED = {"adjusted"}  # an amount that takes the place of the one that is read
PAID_BACK = {"refund", "refunded", "refunds", "credit", "creditnote", "creditmemo", "sc"}
BESIDES = {  # words that such a name or value may have besides
    "is", "at", "on", "date", "time", "mode", "flag", "reason", "amount", "total", "by", "fivetran", "airbyte", "sdc",
    "from", "calculations", "traffic", "note", "memo",
    "adjustment", "has", "was", "net", "order", "payment", "invoice", "account", "customer", "company", "user", "ticket", "survey",
    "response", "record",
}  # fmt: skip
# words by which rows of a source do not count, or not whole; of all other sources EXCLUDED
SIGNS = dict.fromkeys(
    ("orders", "payments", "invoices"), EXCLUDED | TAKEN_BACK | PAID_BACK | ADJUSTED | {"draft", "proforma"}
)
AMOUNTS = {"orders": "total_amount", "invoices": "amount", "payments": "amount_paid"}
GIVEN_BACK = "_is_given_back"
EVENTS_SEEN = 200_000  # rows of the newest file of events, which are too large to be read whole once more
EXCLUSIONS = Expectation(
    "columns__exclusions_are_read",
    "rule",
    (),
    severity=WARN,
    description="No column is left unread that says that a row was cancelled, deleted, a test or paid back, by its name or by "
    "its words: such a row would count as any other",
)


class Said(NamedTuple):
    """What a column says of rows that do not count: by its name (no word), or by a word."""

    column: str
    word: str | None
    rows: int
    kept: str  # the condition that leaves them out


def is_read_again(table: Table) -> bool:
    """Whether a table is of files of which a column can be read once more."""
    return table.is_staged and any(name.startswith("raw_") for name in table.inputs[:1])


def exclusions_of(table: Table, settings: Settings) -> str:
    """What the unread columns of a staged table's source say; blank where it is not connected."""
    rows, name = TABLES[table.inputs[0]].rows, table.name.removeprefix("staged_")
    return unread_exclusions(name, rows, settings, is_large=table.monthly) if rows and name in settings.sources else ""


def unread_exclusions(name: str, rows: type[Contract], settings: Settings, *, is_large: bool = False) -> str:
    """The columns that say so, with the number of rows, and the setting that reads them; blank if there are none."""
    found = collected(name, settings, partial(_found, name, rows, settings, is_large))
    words = [
        f"{one.column} {'has a value' if one.word is None else f'is {one.word!r}'} in {one.rows:,} {'row' if one.rows == 1 else 'rows'}"
        for one in found
    ]
    of = f" of the newest file's first {EVENTS_SEEN:,}" if is_large else ""
    return f"{'; '.join(words)}{of}, and is not read; {_advice(name, found)}" if words else ""


def _found(name: str, rows: type[Contract], settings: Settings, is_large: bool, by_row: Collection[str]) -> list[Said]:
    """What the columns say, over all files; those that Polars cannot read are read row by row."""
    unread = unknown_columns(name, rows, settings)
    files = [] if is_known(settings.sources[name]) else described_files(name, settings.sources[name])
    found: dict[tuple[str, str | None], Said] = {}
    for file, _, description in files[-1:] if is_large else files:
        if is_blank(file):
            continue
        columns, limit = unread.get(label(file), []), EVENTS_SEEN if is_large else None
        opened = opened_rows(file, description, is_by_row=file in by_row)
        for said in _said(name, opened, columns, description, limit, settings.plausibility.words_of_a_column):
            before = found.get((said.column, said.word))
            found[said.column, said.word] = said._replace(rows=said.rows + (before.rows if before else 0))
    return list(found.values())


def is_known(source: Source) -> bool:
    """Whether the columns of a source are of this product's making, or are named by its engine."""
    return bool(source.engine or all(one.preset for one in source.descriptions))


def _says_so(name: str, text: str) -> bool:
    signs, words = SIGNS.get(name, EXCLUDED), set(words_of(text))
    return bool(words & signs) and words <= signs | BESIDES


def _said(
    name: str, rows: pl.LazyFrame, columns: list[str], description: Description, limit: int | None, few: int
) -> Iterator[Said]:
    """What each column says in the rows that count; a negative amount says of itself that it was given back."""
    rows = rows.filter(condition(description.where)) if description.where else rows
    rows = rows if limit is None else rows.head(limit)
    schema = rows.collect_schema()
    rows, schema, columns = _with_inner(rows, schema, columns, description)
    flat = [column for column in columns if column in schema and not schema[column].is_nested()]
    flat = [column for column in flat if limit is None or _says_so(name, column.rpartition(".")[2])]
    if not flat:
        return
    ours = AMOUNTS.get(name, "")
    amount = next((theirs for theirs, mapped in description.mapped if mapped == ours), ours)
    is_given_back = (
        number(text_of(amount, schema[amount]).cast(pl.String), description.decimal, description.thousands) < 0
        if amount in schema
        else pl.lit(False)
    )
    texts = rows.select(
        *(text_of(column, schema[column]).cast(pl.String).str.strip_chars() for column in flat),
        is_given_back.fill_null(False).alias(GIVEN_BACK),
    ).collect()
    for column in flat:
        counts = _of_values(texts, column)
        if not counts.height:
            continue
        if _says_so(name, column.rpartition(".")[2]):
            yield Said(column, None, int(counts["rows"].sum()), _without(column, schema[column], counts))
        elif counts.height <= few:
            for word, every, positive in counts.rows():
                count = positive if PAID_BACK & set(words_of(word)) else every
                if count and _says_so(name, word):
                    yield Said(column, word, count, f"{_quoted(column)} <> '{word}'")


def _without(column: str, dtype: pl.DataType, counts: pl.DataFrame) -> str:
    """The condition for the rows of which a column with such a name says nothing."""
    if dtype == pl.Boolean:
        return f"not {_quoted(column)}"
    if dtype != pl.String:
        return f"{_quoted(column)} is null"
    is_flag = counts[column].str.to_lowercase().is_in(TRUE).all()
    return f"{_quoted(column)} <> '{counts[column][0]}'" if is_flag else f"coalesce({_quoted(column)}, '') = ''"


def _with_inner(
    rows: pl.LazyFrame, schema: pl.Schema, columns: list[str], description: Description
) -> tuple[pl.LazyFrame, pl.Schema, list[str]]:
    """The rows with the values inside nested columns that nothing reads, by their dotted names."""
    used = {theirs for theirs, _ in description.mapped}
    where = description.where or ""
    inner = {
        name: value
        for column, dtype in schema.items()
        for name, value in leaves(column, pl.col(column), dtype)
        if name != column and name not in used and _quoted(name) not in where and name not in where
    }
    rows = rows.with_columns(value.alias(name) for name, value in inner.items())
    return rows, rows.collect_schema(), [*columns, *inner]


def _quoted(column: str) -> str:
    """A column as SQL names it, inside a nested one too."""
    return ".".join(f'"{part}"' for part in column.split(".")) if "." in column else f'"{column}"'


def _of_values(texts: pl.DataFrame, column: str) -> pl.DataFrame:
    """The values that say something, each with its rows, and those of them that give nothing back."""
    text = pl.col(column)
    is_nothing = text.str.to_lowercase().is_in([*BLANK_WORDS, *FALSE, "[]", "{}"])
    is_zero = (number(text) == 0).fill_null(False)
    return (
        texts.filter(text.is_not_null() & ~is_nothing & ~is_zero)
        .group_by(column)
        .agg(rows=pl.len(), positive=(~pl.col(GIVEN_BACK)).sum())
        .sort(column)
    )


def _advice(name: str, found: list[Said]) -> str:
    paid_back = next((one for one in found if one.word is None and PAID_BACK & set(words_of(one.column))), None)
    adjusted = next((one for one in found if one.word is None and ADJUSTED & set(words_of(one.column))), None)
    others = [one for one in found if one not in (paid_back, adjusted)]
    said = []
    if adjusted:
        said.append(f'read it where it has a value, with a query: coalesce("{adjusted.column}", <the amount>)')
    if others:
        said.append(f"leave rows out that do not count, for example sources.{name}.where: {others[0].kept}")
    if any(one.word and PAID_BACK & set(words_of(one.word)) for one in others):
        said.append("or make the amounts of what was given back negative with a query")
    if paid_back:
        instead = f"sources.orders.columns: {{{paid_back.column}: refunded_amount}}"
        said.append(f"lower the amount by what was paid back{f', {instead}' if name == 'orders' else ' with a query'}")
    return "; ".join(said)
