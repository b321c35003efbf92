"""Months that the last snapshot has as the warehouse has them: a copy of its file is the start of the next snapshot.

Copying a file takes a tenth of the time of writing its rows. A month counts as published until it is written again
(storage.py), and the file as that snapshot for as long as nothing has touched it.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from health_assets.contracts.contract import available_from
from health_assets.tables import TABLES
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

FILE = "internal.published_file"


def note_published(warehouse: Warehouse, link: Path, as_of: date) -> None:
    """Record which months the newest snapshot holds whole, and which file that is."""
    path, size, modified = _stamp(link)
    with warehouse.transaction() as cursor:
        cursor.execute(f"update internal.months set is_published = last_day(month) <= {literal(as_of)}")
        cursor.execute(
            f"create or replace table {FILE} as select {literal(path)} as path, {size} as size, {modified} as modified"
        )


def changed_since(warehouse: Warehouse, link: Path, as_of: date) -> dict[str, date]:
    """Relation of a monthly table -> the month from which the newest snapshot differs from what is to be published.

    That of the as-of day always differs. A table whose first month differs is left out, and so are all if the file is not
    the one that was recorded.
    """
    cursor = warehouse.connection.cursor()
    if not link.exists() or cursor.execute(f"select path, size, modified from {FILE}").fetchone() != _stamp(link):
        return {}
    months = cursor.execute(
        "select relation, coalesce(min(month) filter (where not is_published), max(month) + interval 1 month)::date as first "
        "from internal.months group by relation having min(month) < first"
    )
    monthly = {table.relation for table in TABLES.values() if table.monthly}
    this_month = as_of.replace(day=1)
    return {relation: min(first, this_month) for relation, first in months.fetchall() if relation in monthly}


def cut_back(cursor: duckdb.DuckDBPyConnection, database: str, kept: Mapping[str, date]) -> None:
    """Delete all from a copied snapshot, attached, but the months of some tables before a day."""
    named = f"database_name = {literal(database)} and not internal"
    schemas = cursor.execute(f"select schema_name from duckdb_schemas() where {named}").fetchall()
    tables = cursor.execute(f"select schema_name, table_name from duckdb_tables() where {named}").fetchall()
    made_of_them = cursor.execute(
        f"select 'view', schema_name, view_name from duckdb_views() where {named} union "
        f"select case function_type when 'table_macro' then 'macro table' else 'macro' end, schema_name, function_name "
        f"from duckdb_functions() where {named}"
    ).fetchall()
    for kind, schema, name in made_of_them:
        cursor.execute(f'drop {kind} {database}.{schema}."{name}"')
    for schema, name in tables:
        if first := kept.get(f"{schema}.{name}"):
            cursor.execute(f'delete from {database}.{schema}."{name}" where {from_month(f"{schema}.{name}", first)}')
        else:
            cursor.execute(f'drop table {database}.{schema}."{name}"')
    for (schema,) in schemas:
        if schema != "main" and not any(relation.startswith(f"{schema}.") for relation in kept):
            cursor.execute(f"drop schema {database}.{schema} cascade")
    cursor.execute(f"checkpoint {database}")  # so that what was deleted makes room for what is written


def from_month(relation: str, first: date) -> str:
    """SQL: whether a row of a monthly table belongs to a month or to a later one."""
    contract = next(table.contract for table in TABLES.values() if table.relation == relation)
    return f"{available_from(contract)} >= {literal(first)}"


def _stamp(link: Path) -> tuple[str, int, int]:
    path = link.resolve()
    stat = path.stat()
    return str(path), stat.st_size, stat.st_mtime_ns
