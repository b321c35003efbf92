"""Tables as DuckDB is told to lay them out: the dtypes of a contract as types of columns."""

from collections.abc import Mapping

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
