"""SQL for DuckDB: tables with the dtypes of a contract, values as literals, registered frames.

A value that is bound to a statement, and a frame that is registered as such, make DuckDB import pandas and
pyarrow.dataset: half a second of every run that has no other use for them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

import duckdb
import polars as pl
from polars._typing import PolarsDataType

SQL_TYPES = {
    pl.String: "varchar",
    pl.Enum: "varchar",
    pl.Boolean: "boolean",
    pl.Int8: "tinyint",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Date: "date",
    pl.Datetime: "timestamp",
}

SEVERAL = 500_000  # rows of a table; for fewer, threads that wait for each other take up to twice the CPU time of one


def table_of(relation: str, schema: Mapping[str, PolarsDataType]) -> str:
    """What follows `create table`: a relation with its columns."""
    return f"{relation} ({', '.join(f'{name} {sql_type(dtype)}' for name, dtype in schema.items())})"


def sql_type(dtype: PolarsDataType) -> str:
    """The type of a column.

    Raises:
        KeyError: no table has had a column of that dtype so far.
    """
    if isinstance(dtype, pl.List):
        return f"{sql_type(dtype.inner)}[]"
    if isinstance(dtype, pl.Struct):
        return f"struct({', '.join(f'{field.name} {sql_type(field.dtype)}' for field in dtype.fields)})"
    return SQL_TYPES[dtype.base_type()]


def literal(value: str | date | Sequence[str] | Sequence[date]) -> str:
    """A value as a SQL literal; several as a list in parentheses, `(null)` if there is none."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, date):
        return f"date '{value}'"
    return f"({', '.join(literal(one) for one in value) or 'null'})"


def use_one_thread_if_small(connection: duckdb.DuckDBPyConnection) -> None:
    """One thread of DuckDB, until `insert` appends to a large table or if there is one already."""
    (largest,) = connection.execute("select coalesce(max(estimated_size), 0) from duckdb_tables()").fetchone() or (0,)
    if largest <= SEVERAL:
        connection.execute("set threads = 1")


@contextmanager
def registered(cursor: duckdb.DuckDBPyConnection, name: str, rows: pl.DataFrame) -> Iterator[None]:
    """Inside the block one statement may read a frame, once, by name."""
    cursor.register(name, rows.__arrow_c_stream__(None))
    try:
        yield
    finally:
        cursor.unregister(name)


def insert(cursor: duckdb.DuckDBPyConnection, relation: str, rows: pl.DataFrame) -> None:
    """Append rows to a table, by the names of its columns."""
    if rows.height > SEVERAL:
        cursor.execute("reset threads")
    if rows.height:
        with registered(cursor, "incoming", storable(rows)):
            cursor.execute(f"insert into {relation} by name select * from incoming")


def storable(rows: pl.DataFrame) -> pl.DataFrame:
    """Enums as text: DuckDB would create a type for each list of words."""
    return rows.cast({pl.Enum: pl.String})
