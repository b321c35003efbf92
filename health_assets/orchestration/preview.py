"""The first rows of a table as the Dagster UI shows them: few columns, the worst or the newest rows first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from health_assets.contracts.contract import RawContract, available_from, dtypes
from health_assets.sources.parsing import RECORD
from health_assets.tables import Table
from health_assets.warehouse.sql import literal

ROWS = 5
COLUMNS = 8
CHARACTERS = 40  # of a value
LAST = ("source_file", "source_row")  # what comes before them says more
FIRST = (  # after the grain, where a table has them
    "company_name",
    "mrr",
    "health_score",
    "health_band",
    "churn_risk_score",
    "risk_level",
    "attention_level",
    "trend_30d",
    "next_step",
)
LEFT_OUT = {*RawContract.column_names(), RECORD, "scorecard", "scorecard_version", "reporting_currency"} - {*LAST}
WORST = {  # column -> which end of it is the worst
    "attention_rank": "asc nulls last",
    "churn_risk_score": "desc nulls last",
    "health_score": "asc nulls last",
    "risk_score": "desc nulls last",
}
ESCAPES = str.maketrans(
    {"|": "\\|", "<": "&lt;", ">": "&gt;", "&": "&amp;", "`": "\\`", "*": "\\*", "[": "\\[", "]": "\\]"}
)


def preview(table: Table, cursor: duckdb.DuckDBPyConnection) -> str:
    """A Markdown table of the first rows; one sentence where there are none."""
    shown = columns(table)
    order = ", ".join(_order(table))
    names = ", ".join(f'"{name}"' for name in shown)
    newest = _newest(table, cursor)
    found = cursor.execute(f"select {names} from {table.relation} where {newest} order by {order} limit {ROWS}")
    rows = found.fetchall()
    if not rows:
        return "No rows."
    filled = [place for place in range(len(shown)) if any(row[place] is not None for row in rows)][:COLUMNS]
    lines = [[shown[place] for place in filled], ["---"] * len(filled)]
    lines += [[_in_words(row[place]) for place in filled] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def columns(table: Table) -> list[str]:
    """The columns that can be shown, those of the grain first, where a row comes from last."""
    of_table = dtypes(table.contract)
    key = table.contract.primary_key()
    plain = [name for name, dtype in of_table.items() if not dtype.is_nested() and name not in LEFT_OUT]
    ordered = dict.fromkeys([*(name for name in (*key, *FIRST) if name in plain), *plain])
    return [name for name in ordered if name not in LAST] + [name for name in ordered if name in LAST]


def _order(table: Table) -> Iterator[str]:
    """The newest day first, within it the worst; equal rows by their key."""
    of_table, key = dtypes(table.contract), table.contract.primary_key()
    yield from (f'"{name}" desc nulls last' for name in key if of_table[name].is_temporal())
    known = available_from(table.contract)
    if known and known not in key:
        yield f'"{known}" desc nulls last'
    yield from (f'"{name}" {end}' for name, end in WORST.items() if name in of_table)
    yield from (f'"{name}"' for name in key if not of_table[name].is_temporal())
    if not key:
        yield "1"


def _newest(table: Table, cursor: duckdb.DuckDBPyConnection) -> str:
    """Of a table with many months only the rows of the last week that has any.

    The day is looked up first: DuckDB skips the rows of other days only where the query names it.
    """
    known = available_from(table.contract)
    if not (table.monthly and known):
        return "true"
    (newest,) = cursor.execute(f'select max("{known}")::date from {table.relation}').fetchone() or (None,)
    return f'"{known}" >= {literal(newest)} - interval 7 day' if newest else "true"


def _in_words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = " ".join(str(value).split())
    text = "".join(character for character in text if character.isprintable())
    return (text if len(text) <= CHARACTERS else text[: CHARACTERS - 1] + "…").translate(ESCAPES)


def short_type(dtype: pl.DataType | type[pl.DataType]) -> str:
    """A column's type in one or two words: the words of an enum are in the check of its values."""
    inner = getattr(dtype, "inner", None)
    return f"List of {short_type(inner)}" if inner is not None else str(dtype).split("(")[0]
