"""A warehouse that an earlier version wrote: its records are taken over, and months that cannot be made anew stay as they are.

A table with other columns than its contract has is written anew from the files. Where these go back less far than the table
does, the older months are carried over column by column; what they did not have is null.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import polars as pl

from health_assets.contracts.contract import available_from, dtypes
from health_assets.tables import Table
from health_assets.warehouse.marts_file import internal_of, months_table
from health_assets.warehouse.sql import literal, sql_type

OF_0_1 = "house"  # the schema in which 0.1.0 kept what internal has now
LAYOUT = 3  # raised when an earlier version of this package could not use the warehouse any more; 0.1.0 has none
INSTEAD = {  # relation -> column that 0.1.0 did not have -> SQL of what it meant there
    "staged.usage_events": {"event_count": "1"},
    "mart.customer_health_daily": {"breadth": "1", "measure_scores": "{'measure_1': null}"},
}


class LaterVersionError(Exception):
    """The warehouse was written by a later version of this package."""


def upgrade(connection: duckdb.DuckDBPyConnection) -> None:
    """Take over which months an earlier version has written, and drop what nothing reads any more.

    Raises:
        LaterVersionError: a later version has written the warehouse.
    """
    connection.execute("create table if not exists internal.layout (version integer)")
    (written,) = connection.execute("select coalesce(max(version), 0) from internal.layout").fetchone() or (0,)
    if written > LAYOUT:
        raise LaterVersionError(
            "was written by a later version of health-assets; install that version again, or move the file aside: the next run "
            "rebuilds the warehouse from the source files and the snapshot"
        )
    connection.execute(f"delete from internal.layout; insert into internal.layout values ({LAYOUT})")
    found = connection.execute(
        f"select count(*) from duckdb_tables() where schema_name = '{OF_0_1}' and table_name = 'months'"
    )
    if found.fetchone() != (0,):
        columns = "relation, month, fingerprint, row_count"
        connection.execute(f"insert or ignore into internal.months ({columns}) select {columns} from {OF_0_1}.months")
    connection.execute(f"drop schema if exists {OF_0_1} cascade; drop table if exists internal.accepted")
    connection.execute("drop table if exists internal.published_file")
    connection.execute("alter table internal.months drop column if exists is_published")
    for added in ("rows_left_out", "rows_summed"):
        connection.execute(f"alter table quarantine.loads add column if not exists {added} bigint")


@contextmanager
def kept_aside(cursor: duckdb.DuckDBPyConnection, table: Table, *, is_held: bool) -> Iterator[None]:
    """Inside the block a monthly table with other columns is laid out anew; then its rows are carried over.

    Months that are made anew replace them. A row without a value that the contract requires, or with a word that it does not
    know, stays behind.
    """
    if not is_held:
        yield
        return
    aside, months_aside = (f"{internal_of(table.relation)}.{name}" for name in ("aside", "months_aside"))
    months = months_table(table.relation)
    cursor.execute(f"create or replace table {aside} as from {table.relation}")
    of_table = f"from {months} where relation = {literal(table.relation)}"
    cursor.execute(f"create or replace table {months_aside} as {of_table}")
    yield
    known, wanted = available_from(table.contract), dtypes(table.contract)
    held = {
        name
        for name, stored, *_ in cursor.execute(f"describe {aside}").fetchall()
        if not (isinstance(wanted.get(name), pl.Struct) and stored.endswith("[]"))  # a list becomes no struct
    }
    if known in held:
        instead = {} if wanted.keys() <= held else INSTEAD.get(table.relation, {})
        values = {
            name: f"try_cast({instead.get(name, name)} as {sql_type(dtype)})"
            for name, dtype in wanted.items()
            if name in held or name in instead
        }
        cursor.execute(
            f"insert into {table.relation} ({', '.join(values)}) select {', '.join(values.values())} from {aside} "
            f"where {' and '.join(_is_sound(table, values))}"
        )
        cursor.execute(
            f"insert into {months} by name from {months_aside} where month in "
            f"(select distinct date_trunc('month', {known})::date from {table.relation})"
        )
    cursor.execute(f"drop table {aside}; drop table {months_aside}")


def _is_sound(table: Table, values: dict[str, str]) -> Iterator[str]:
    """SQL: the conditions for a row that an earlier version wrote."""
    yield "true"
    for name, column in table.contract.columns().items():
        if not column.nullable:
            yield f"{values[name]} is not null" if name in values else "false"
        if isinstance(column.dtype, pl.Enum) and name in values:
            yield f"({name} is null or {name} in {literal(list(column.dtype.categories))})"
