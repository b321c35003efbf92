"""What a source says of rows that are none, or were paid back, in columns that nothing reads: cancelled, deleted, test, refunded.

Such a row would count as any other.
"""

import polars as pl

from health_assets.contracts.contract import WARN, Contract, Expectation
from health_assets.contracts.words import BLANK_WORDS
from health_assets.settings import Settings
from health_assets.settings.source import Description
from health_assets.sources.conditions import condition
from health_assets.sources.file_names import label
from health_assets.sources.formats import described_files, text_of
from health_assets.sources.numbers import FALSE
from health_assets.sources.readers import opened_rows, unknown_columns
from health_assets.sources.suggested_columns import words_of
from health_assets.tables import TABLES, Table

EXCLUDED = {"deleted", "removed", "test", "spam", "preview", "void", "voided"}
TAKEN_BACK = {"cancelled", "canceled", "cancel", "cancellation"}
PAID_BACK = {"refund", "refunded", "refunds"}
BESIDES = {  # words that such a name or value may have besides
    "is", "at", "on", "date", "time", "mode", "flag", "reason", "amount", "total", "by", "fivetran", "airbyte", "sdc",
    "order", "payment", "invoice", "account", "customer", "company", "user", "ticket", "survey", "response", "record",
}  # fmt: skip
# words by which rows of a source do not count, or not whole; of all other sources EXCLUDED
SIGNS = dict.fromkeys(("orders", "payments", "invoices"), EXCLUDED | TAKEN_BACK | PAID_BACK)
EXCLUSIONS = Expectation(
    "columns__exclusions_are_read",
    "rule",
    (),
    severity=WARN,
    description="No column is left unread that says that a row was cancelled, deleted, a test or paid back, by its name or by "
    "its words: such a row would count as any other",
)


def is_read_again(table: Table) -> bool:
    """Whether a table is of files of which a column can be read once more: those of events are too large."""
    return table.is_staged and not table.monthly and any(name.startswith("raw_") for name in table.inputs[:1])


def exclusions_of(table: Table, settings: Settings) -> str:
    """What the unread columns of a staged table's source say; blank where it is not connected."""
    rows, name = TABLES[table.inputs[0]].rows, table.name.removeprefix("staged_")
    return unread_exclusions(name, rows, settings) if rows and name in settings.sources else ""


def unread_exclusions(name: str, rows: type[Contract], settings: Settings) -> str:
    """The columns that say so, with the number of rows, and the setting that reads them; blank if there are none."""
    unread = unknown_columns(name, rows, settings)
    found: dict[tuple[str, str | None], int] = {}  # column and word, or a column whose name says it
    for file, _, description in described_files(name, settings.sources[name]):
        columns = unread.get(label(file), [])
        for counts in _counts(file, columns, description) if columns else ():
            column = counts.columns[0]
            if _says_so(name, column):
                found[column, None] = found.get((column, None), 0) + int(counts["rows"].sum())
            elif counts.height <= settings.plausibility.words_of_a_column:
                for word, count in counts.filter(
                    pl.Series([_says_so(name, one) for one in counts[column]], dtype=pl.Boolean)
                ).rows():
                    found[column, word] = found.get((column, word), 0) + count
    said = [
        f"{column} {'has a value' if word is None else f'is {word!r}'} in {count:,} {'row' if count == 1 else 'rows'}"
        for (column, word), count in found.items()
        if count
    ]
    return f"{'; '.join(said)}, and is not read; {_advice(name, list(found))}" if said else ""


def _says_so(name: str, text: str) -> bool:
    signs, words = SIGNS.get(name, EXCLUDED), set(words_of(text))
    return bool(words & signs) and words <= signs | BESIDES


def _counts(file: str, columns: list[str], description: Description) -> list[pl.DataFrame]:
    """For each column its values that say something, each with its rows, of the rows that count."""
    rows = opened_rows(file, description)
    rows = rows.filter(condition(description.where)) if description.where else rows
    schema = rows.collect_schema()
    flat = [column for column in columns if column in schema and not schema[column].is_nested()]
    texts = rows.select(text_of(column, schema[column]).cast(pl.String).str.strip_chars() for column in flat).collect()
    return [_of_values(texts[column]) for column in flat]


def _of_values(texts: pl.Series) -> pl.DataFrame:
    is_nothing = texts.str.to_lowercase().is_in([*BLANK_WORDS, *FALSE, "[]", "{}"])
    is_zero = (texts.cast(pl.Float64, strict=False) == 0).fill_null(False)
    return texts.filter(texts.is_not_null() & ~is_nothing & ~is_zero).value_counts(name="rows").sort(texts.name)


def _advice(name: str, found: list[tuple[str, str | None]]) -> str:
    paid_back = next((column for column, word in found if word is None and PAID_BACK & set(words_of(column))), None)
    others = [(column, word) for column, word in found if column != paid_back]
    said = []
    if others:
        column, word = others[0]
        kept = f"\"{column}\" <> '{word}'" if word else f"coalesce(\"{column}\", '') = ''"
        said.append(f"leave rows out that do not count, for example sources.{name}.where: {kept}")
    if paid_back:
        instead = f"sources.orders.columns: {{{paid_back}: refunded_amount}}"
        said.append(f"lower the amount by what was paid back{f', {instead}' if name == 'orders' else ' with a query'}")
    return "; ".join(said)
