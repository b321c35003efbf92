"""The load that was published last: what each later one is compared with, column by column and key by key.

It is written into the snapshot, so that it is published in one step with it, and from there copied to the warehouse (schema
`loads`): by the run itself, or by the next one where a run was killed in between or the warehouse was rebuilt. Sources of
event scale are described by column only. What counts as implausible is in quality/load_comparison.py.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from health_assets.contracts.contract import ON_LOAD_DAY, available_from, dtypes, meta
from health_assets.tables import TABLES, Table
from health_assets.warehouse.history import LOADS as REMEMBERED_LOADS
from health_assets.warehouse.history import restore_history
from health_assets.warehouse.sql import literal, registered, table_of

SCHEMA = "loads"
COLUMNS: dict[str, Any] = {
    "relation": pl.String,
    "column_name": pl.String,
    "row_count": pl.Int64,  # rows of the table
    "filled": pl.Int64,  # rows in which the column is not null
    "total": pl.Float64,  # sum of a number
    "amounts": pl.Int64,  # numbers that are not 0
    "median": pl.Float64,  # of those, without sign
    "words": pl.List(
        pl.String
    ),  # distinct values of a text that is no key, null if there are more than about MOST_WORDS
    "as_of_date": pl.Date,
}
ACCEPTED: dict[str, Any] = {
    "as_of_date": pl.Date,
    "relation": pl.String,
    "check_name": pl.String,
    "finding": pl.String,  # what stopped the load
    "accepted_by": pl.String,  # user of the operating system
    "accepted_at": pl.Datetime("us"),  # UTC
}
MOST_WORDS = 50
ROWS_BY_MONTH = f"{SCHEMA}.rows_by_month"  # of each source with a day: its rows up to the as-of day
SOURCE_SETTINGS = f"{SCHEMA}.source_settings"  # how each source was described, as JSON
MONTHS: dict[str, Any] = {"relation": pl.String, "month": pl.Date, "row_count": pl.Int64}
DESCRIPTIONS: dict[str, Any] = {"relation": pl.String, "description": pl.String}
MOST_KEYS = 2_000_000  # a source with more rows is described by column only
LAST = "last_published"


def create_loads(connection: duckdb.DuckDBPyConnection) -> None:
    """The schema and the table of columns, where they are missing."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(f"create table if not exists {table_of(f'{SCHEMA}.columns', COLUMNS)}")
    connection.execute(f"create table if not exists {table_of(f'{SCHEMA}.accepted', ACCEPTED)}")
    connection.execute(f"create table if not exists {table_of(ROWS_BY_MONTH, MONTHS)}")
    connection.execute(f"create table if not exists {table_of(SOURCE_SETTINGS, DESCRIPTIONS)}")
    connection.execute("create table if not exists internal.published (run_id varchar)")


def keys_of(table: Table) -> str:
    """The relation that holds the keys and dated values of a source as they were published last."""
    return f"{SCHEMA}.{table.name.removeprefix('staged_')}"


def compared_by_key(table: Table) -> bool:
    """Whether the rows of a source are few enough to be compared one by one."""
    return table.is_staged and not table.monthly


def dated_columns(table: Table) -> list[str]:
    """The columns that may only change where a record is corrected: all but those that describe the load day."""
    columns = table.contract.columns().items()
    return [name for name, column in columns if meta(column, "effective_from") != ON_LOAD_DAY["effective_from"]]


def word_columns(table: Table) -> list[str]:
    """The columns that hold a word of the contract, or true and false."""
    return [name for name, dtype in dtypes(table.contract).items() if isinstance(dtype, pl.Enum) or dtype == pl.Boolean]


def described(cursor: duckdb.DuckDBPyConnection, table: Table, as_of: date) -> pl.DataFrame:
    """The columns of a staged table as they are now; grain: column. The rows are read once, and once more for words."""
    columns, key = dtypes(table.contract), table.contract.primary_key()
    texts = [
        name
        for name, dtype in columns.items()
        if dtype in (pl.String, pl.Enum) and not table.monthly and name not in key and not name.endswith("_id")
    ]
    measures = {"row_count": "count(*)"}
    for name, dtype in columns.items():
        measures[f"{name}/filled"] = f"count({name})"
        if dtype.is_numeric():
            measures[f"{name}/total"] = f"sum({name}::double)"
            measures[f"{name}/amounts"] = f"count(*) filter (where {name} <> 0)"
        if dtype.is_float():
            measures[f"{name}/median"] = median_of(cursor, table, name)
    measures |= {f"{name}/distinct": f"approx_count_distinct({name})" for name in texts}
    found = _one_row(cursor, table, measures)
    few = [name for name in texts if 0 < found[f"{name}/distinct"] <= MOST_WORDS]
    words = _one_row(cursor, table, {name: f"list_sort(list(distinct {name}))" for name in few}) if few else {}
    rows = [
        {
            "relation": table.relation,
            "column_name": name,
            "row_count": found["row_count"],
            **{measure: found.get(f"{name}/{measure}") for measure in ("filled", "total", "amounts", "median")},
            "words": [word for word in words[name] if word is not None] if name in words else None,
            "as_of_date": as_of,
        }
        for name in columns
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def median_of(cursor: duckdb.DuckDBPyConnection, table: Table, column: str, inside: str = "true") -> str:
    """SQL: the median of the amounts of a column that are not 0, without sign, of the rows that meet a condition.

    Of more rows than MOST_KEYS it is read off a histogram, which takes a third of the time and is at most 0.5 % off.
    """
    met = f"{column} <> 0 and {inside}"
    (rows,) = cursor.execute(f"select count(*) from {table.relation}").fetchone() or (0,)
    if rows <= MOST_KEYS:
        return f"median(abs({column})) filter (where {met})"
    bins = f"select round(100 * ln(abs({column}))) as bin, count(*) as amounts from {table.relation} where {met} group by 1"
    summed = f"select bin, sum(amounts) over (order by bin) as up_to, sum(amounts) over () as total from ({bins})"
    return f"(select exp(min(bin) / 100) from ({summed}) where 2 * up_to >= total)"


def _one_row(cursor: duckdb.DuckDBPyConnection, table: Table, measures: dict[str, str]) -> dict[str, Any]:
    chosen = ", ".join(f'{measure} as "{name}"' for name, measure in measures.items())
    return cursor.sql(f"select {chosen} from {table.relation}").pl().row(0, named=True)


def counted_by_month(table: Table, as_of: date) -> str:
    """A query of the rows of a staged table by month, up to the as-of day; grain: month."""
    day = f"{available_from(table.contract)}::date"
    return (
        f"select date_trunc('month', {day})::date as month, count(*) as row_count from {table.relation} "
        f"where {day} <= {literal(as_of)} group by 1"
    )


def write_loads(
    cursor: duckdb.DuckDBPyConnection,
    tables: Iterable[Table],
    as_of: date,
    database: str = "",
    descriptions: Mapping[str, str] | None = None,
    profiles: Mapping[str, pl.DataFrame] | None = None,
) -> None:
    """Write what the staged tables hold now, as that which was published last, to the warehouse or an attached database.

    Args:
        cursor: of the warehouse.
        tables: that it holds.
        as_of: day of the run.
        database: attached, to write to; by default the warehouse itself.
        descriptions: source -> its settings as JSON.
        profiles: relation -> what `described` has found, of tables that were not written since.
    """
    schema = f"{database}.{SCHEMA}" if database else SCHEMA
    staged = [table for table in tables if table.is_staged]
    known = profiles or {}
    columns = [
        known[table.relation] if table.relation in known else described(cursor, table, as_of) for table in staged
    ]
    with registered(cursor, "described", pl.concat(columns) if columns else pl.DataFrame(schema=COLUMNS)):
        cursor.execute(f"create schema if not exists {schema}")
        cursor.execute(f"create or replace table {schema}.columns as from described")
    dated = [table for table in staged if available_from(table.contract)]
    cursor.execute(f"create or replace table {schema}.{table_of(ROWS_BY_MONTH, MONTHS).removeprefix(f'{SCHEMA}.')}")
    for table in dated:
        counts = f"select {literal(table.relation)} as relation, * from ({counted_by_month(table, as_of)})"
        cursor.execute(f"insert into {schema}.rows_by_month by name {counts}")
    described_as = [(f"staged.{source}", text) for source, text in (descriptions or {}).items()]
    with registered(cursor, "described", pl.DataFrame(described_as, schema=DESCRIPTIONS, orient="row")):
        cursor.execute(f"create or replace table {schema}.source_settings as from described")
    for table, description in zip(staged, columns, strict=True):
        name = keys_of(table).split(".")[1]
        if compared_by_key(table) and description["row_count"][0] <= MOST_KEYS:
            chosen = ", ".join(dict.fromkeys([*dated_columns(table), *word_columns(table)]))
            cursor.execute(f"create or replace table {schema}.{name} as select {chosen} from {table.relation}")
        else:
            cursor.execute(f"drop table if exists {schema}.{name}")


def write_accepted(
    cursor: duckdb.DuckDBPyConnection, accepted: Iterable[tuple[str, str, str, str]], as_of: date, database: str
) -> None:
    """Write who published a load although it was stopped, with what the warehouse already holds, to an attached database."""
    cursor.execute(f"create table {database}.{SCHEMA}.accepted as from {SCHEMA}.accepted")
    at = datetime.now(UTC).replace(tzinfo=None)
    rows = [(as_of, *entry, at) for entry in accepted]
    if rows:
        with registered(cursor, "added", pl.DataFrame(rows, schema=ACCEPTED, orient="row")):
            cursor.execute(f"insert into {database}.{SCHEMA}.accepted from added")


def adopt(connection: duckdb.DuckDBPyConnection, link: Path) -> None:
    """Copy to the warehouse what the snapshot holds of its load, unless the warehouse has it."""
    if not link.exists():
        return
    with _attached(connection, link) as is_there:
        if not is_there:
            return
        run = connection.execute(f"select run_id from {LAST}.about").fetchone()
        if run == connection.execute("select run_id from internal.published").fetchone():
            return
        names = connection.execute(
            f"select table_name from duckdb_tables() where database_name = '{LAST}' and schema_name = '{SCHEMA}'"
        ).fetchall()
        connection.execute("begin")
        for (name,) in names:
            connection.execute(f"create or replace table {SCHEMA}.{name} as from {LAST}.{SCHEMA}.{name}")
        restore_history(connection, LAST)
        connection.execute(
            f"update {REMEMBERED_LOADS} set is_published = true where (source, load_day) in "
            f"(select (source, load_day) from {LAST}.{REMEMBERED_LOADS})"
        )
        connection.execute(f"create or replace table internal.published as select run_id from {LAST}.about")
        connection.execute("commit")


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, link: Path) -> Iterator[bool]:
    """The snapshot, read-only, as LAST; False for one that cannot be read or was written before it held loads."""
    try:
        connection.execute(f"attach {literal(os.path.realpath(link))} as {LAST} (read_only)")
    except duckdb.Error:
        yield False  # it is replaced by the run; status and doctor say what is wrong with it
        return
    try:
        held = connection.execute(
            f"select count(*) from duckdb_columns() where database_name = '{LAST}' and column_name = 'run_id' "
            "and table_name = 'about'"
        ).fetchone()
        yield held == (1,)
    finally:
        connection.execute(f"detach {LAST}")


def held_tables(cursor: duckdb.DuckDBPyConnection) -> list[Table]:
    """The staged tables that the warehouse holds, in the order of their names."""
    names = cursor.execute("select table_name from duckdb_tables() where schema_name = 'staged'").fetchall()
    return [TABLES[f"staged_{name}"] for (name,) in sorted(names) if f"staged_{name}" in TABLES]
