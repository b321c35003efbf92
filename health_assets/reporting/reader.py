"""How every page, report and command reads the published snapshot: one connection, rows by column name."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from health_assets.reporting.scope import Scope, connected
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError, snapshot
from health_assets.warehouse.sql import literal

Row = dict[str, Any]
PLACEHOLDER = re.compile(r"\$(\d+)|\?")
EVERYTHING = Scope()


@contextmanager
def published(company: Settings, scope: Scope = EVERYTHING) -> Iterator[duckdb.DuckDBPyConnection]:
    """The newest snapshot of a company, read-only; all accounts, or those of a scope.

    Raises:
        SnapshotError: nothing has been published yet, or the snapshot lacks a table or column that is read.
    """
    with snapshot(company.published) as connection:
        try:
            if scope.is_all:
                yield connection
                return
            connection.close()  # a process opens a file in one way at a time
            with connected(os.path.realpath(company.published), scope) as part:
                yield part
        except (duckdb.BinderException, duckdb.CatalogException) as error:
            raise outdated(company.published, error) from None


def outdated(link: Path, error: duckdb.Error) -> SnapshotError:
    """The error for a snapshot whose tables or columns are not those of this version."""
    return SnapshotError(
        f"{link}: was published by another version of health-assets ({str(error).splitlines()[0]}); "
        "run the pipeline again (health-assets run)"
    )


def rows(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """The rows of a query, each by column name."""
    answer = connection.execute(_with_values(query, parameters))
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def frame(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> pl.DataFrame:
    """The rows of a query as a frame, for charts, tables and files."""
    return connection.sql(_with_values(query, parameters)).pl()


def row(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()) -> Row:
    """The only row of a query that always has one, such as an aggregate."""
    (only,) = rows(connection, query, parameters)
    return only


def holds(connection: duckdb.DuckDBPyConnection, *relations: str) -> bool:
    """Whether the snapshot has all these tables; the table of a source that is not connected may be absent."""
    found = connection.sql(
        """
        select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()
        union all
        select schema_name || '.' || view_name from duckdb_views() where database_name = current_database()
        """
    ).fetchall()
    return {(relation,) for relation in relations} <= set(found)


def has_rows(connection: duckdb.DuckDBPyConnection, *relations: str) -> bool:
    """Whether each of these tables is there and has a row; without its source a table is absent or empty."""
    return holds(connection, *relations) and all(
        connection.sql(f"from {name} limit 1").fetchall() for name in relations
    )


def has_values(connection: duckdb.DuckDBPyConnection, relation: str, column: str) -> bool:
    """Whether a table is there and a column has a value in any row: what its source would have measured."""
    return holds(connection, relation) and bool(
        connection.sql(f"from {relation} where {column} is not null limit 1").fetchall()
    )


def _with_values(query: str, parameters: Sequence[Any]) -> str:
    """The query with literals for `?` or `$1`: a bound value would make DuckDB import pandas, half a second of every page."""
    values = [_as_literal(value) for value in parameters]
    unnumbered = iter(values)
    return PLACEHOLDER.sub(lambda found: values[int(found[1]) - 1] if found[1] else next(unnumbered), query)


def _as_literal(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return "null" if value is None else str(value).lower()
    if isinstance(value, datetime):
        return f"timestamp '{value}'"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_as_literal(one) for one in value)}]"
    return literal(value)
