"""Undated values in the warehouse: versions are written in the transaction of the staged table, and carried in the snapshot.

A load replaces what an earlier load of the same day, or an earlier one that was never published, had said. A load day
before the first adds its values for the days up to then; one between two loads adds nothing, since that day is known.
The contract of a history and how it is read are in contracts/history.py.
"""

from datetime import date, timedelta

import duckdb

from health_assets.contracts.contract import Contract, available_from, dtypes
from health_assets.contracts.history import VALID_FROM, VALID_TO, history_contract, remembered_columns
from health_assets.tables import Table
from health_assets.warehouse.sql import literal, sql_type, table_of

SCHEMA = "history"
LOADS = f"{SCHEMA}.loads"


def history_of(table: Table) -> str:
    """The relation of a staged table's history."""
    return f"{SCHEMA}.{table.name.removeprefix('staged_')}"


def create_history(connection: duckdb.DuckDBPyConnection) -> None:
    """The schema and the list of loads, where they are missing."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    connection.execute(
        f"create table if not exists {LOADS} "
        "(source varchar, load_day date, is_published boolean, primary key (source, load_day))"
    )


def remember(cursor: duckdb.DuckDBPyConnection, table: Table, load_day: date) -> None:
    """Take over what the staged table, just written, says without a date; called inside its transaction."""
    if not remembered_columns(table.contract):
        return
    contract, relation, source = history_contract(table.contract), history_of(table), table.name.removeprefix("staged_")
    _lay_out(cursor, relation, contract)
    _forget(cursor, relation, source, load_day)
    first, last = cursor.execute(
        f"select min(load_day), max(load_day) from {LOADS} where source = {literal(source)}"
    ).fetchone() or (None, None)
    key, values = ", ".join(table.contract.primary_key()), ", ".join(remembered_columns(table.contract))
    new = f"select {key}, {values}, {literal(load_day)}, %s from {table.relation} as now %s where not ({_are_all_null(table)})"
    known = available_from(table.contract)
    if known in table.contract.primary_key():
        of_the_day = f"and {known}::date = {literal(load_day)}"
        unknown = f"anti join {relation} using ({key})"
        cursor.execute(f"insert into {relation} {new % (literal(load_day), unknown)} {of_the_day}")
    elif last is None or load_day >= last:
        cursor.execute(
            f"update {relation} set {VALID_TO} = {literal(load_day - timedelta(days=1))} where rowid in ("
            f"select known.rowid from {relation} as known left join {table.relation} as now using ({key}) "
            f"where known.{VALID_TO} is null and {_differs(table)})"
        )
        unchanged = f"anti join (select {key} from {relation} where {VALID_TO} is null) using ({key})"
        cursor.execute(f"insert into {relation} {new % ('null', unchanged)}")
    elif load_day < first:
        cursor.execute(f"insert into {relation} {new % (literal(first - timedelta(days=1)), '')}")
    cursor.execute(f"insert or replace into {LOADS} values ({literal(source)}, {literal(load_day)}, false)")


def _lay_out(cursor: duckdb.DuckDBPyConnection, relation: str, contract: type[Contract]) -> None:
    """A history in the columns of its contract; what it holds of those that stay is kept, a new one begins as null."""
    wanted = dtypes(contract)
    cursor.execute(f"create table if not exists {table_of(relation, wanted)}")
    found = {name: kind for name, kind, *_ in cursor.execute(f"describe {relation}").fetchall()}
    if found == {name: sql_type(dtype).upper() for name, dtype in wanted.items()}:
        return
    aside = f"{relation}_before"
    cursor.execute(f"alter table {relation} rename to {aside.split('.')[1]}")
    cursor.execute(f"create table {table_of(relation, wanted)}")
    if set(contract.primary_key()) <= set(found):
        kept = {name: dtype for name, dtype in wanted.items() if name in found}
        values = ", ".join(f"try_cast({name} as {sql_type(dtype)})" for name, dtype in kept.items())
        cursor.execute(f"insert into {relation} ({', '.join(kept)}) select {values} from {aside}")
    cursor.execute(f"drop table {aside}")


def _forget(cursor: duckdb.DuckDBPyConnection, relation: str, source: str, load_day: date) -> None:
    """Undo the last loads of a source as far as they were not published, and that of this day."""
    undone = cursor.execute(
        f"select min(load_day) from {LOADS} as loads where source = {literal(source)} and load_day > coalesce("
        f"(select max(load_day) from {LOADS} where source = loads.source and is_published "
        f"and load_day <> {literal(load_day)}), date '0001-01-01')"
    ).fetchone()
    if not undone or undone[0] is None:
        return
    first = literal(undone[0])
    cursor.execute(f"delete from {relation} where {VALID_FROM} >= {first}")
    cursor.execute(f"update {relation} set {VALID_TO} = null where {VALID_TO} >= {first} - interval 1 day")
    cursor.execute(f"delete from {LOADS} where source = {literal(source)} and load_day >= {first}")


def _differs(table: Table) -> str:
    key = table.contract.primary_key()[0]
    changed = (f"known.{name} is distinct from now.{name}" for name in remembered_columns(table.contract))
    return f"(now.{key} is null or {' or '.join(changed)})"


def _are_all_null(table: Table) -> str:
    return " and ".join(f"{name} is null" for name in remembered_columns(table.contract))


def copy_history(cursor: duckdb.DuckDBPyConnection, database: str) -> None:
    """Write every history to an attached database, all loads as published."""
    cursor.execute(f"create schema {database}.{SCHEMA}")
    for name in _histories(cursor, "current_database()"):
        chosen = "* replace (true as is_published)" if name == LOADS.split(".")[1] else "*"
        cursor.execute(f"create table {database}.{SCHEMA}.{name} as select {chosen} from {SCHEMA}.{name}")


def restore_history(cursor: duckdb.DuckDBPyConnection, database: str) -> None:
    """Take every history over from an attached snapshot, if the warehouse has none of its own."""
    if cursor.execute(f"select count(*) from {LOADS}").fetchone() != (0,):
        return
    for name in _histories(cursor, literal(database)):
        if name == LOADS.split(".")[1]:
            cursor.execute(f"insert into {LOADS} by name from {database}.{LOADS}")
        else:
            cursor.execute(f"create or replace table {SCHEMA}.{name} as from {database}.{SCHEMA}.{name}")


def _histories(cursor: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    names = cursor.execute(
        f"select table_name from duckdb_tables() where database_name = {database} and schema_name = '{SCHEMA}' order by 1"
    )
    return [name for (name,) in names.fetchall()]
