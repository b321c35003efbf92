"""A mart as it is: chosen columns of its rows, in a stated order, up to a limit."""

from collections.abc import Sequence

import duckdb
import polars as pl

from health_assets.reporting.reader import frame, holds, row


def rows_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[str] = ("*",),
    order_by: str = "all",
    limit: int | None = None,
    where: str = "true",
) -> pl.DataFrame:
    """Rows of a table of the snapshot. The arguments are names and SQL of this package, never text from outside."""
    chosen = ", ".join(columns)
    return frame(connection, f"select {chosen} from {relation} where {where} order by {order_by} limit ?", [limit])


def named_rows_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    order_by: str = "all",
    limit: int | None = None,
    where: str = "true",
) -> pl.DataFrame:
    """Rows of a table with the name of the account first, where they are of accounts; otherwise as `rows_of`."""
    columns = frame(connection, f"from {relation} limit 0").columns
    if "account_id" not in columns:
        return rows_of(connection, relation, order_by=order_by, limit=limit, where=where)
    if "company_name" in columns:
        return rows_of(
            connection,
            relation,
            ("company_name", "account_id", "* exclude (company_name, account_id)"),
            order_by,
            limit,
            where,
        )
    named = (
        f"(select names.company_name, table_rows.* from {relation} as table_rows "
        "left join dim.account as names using (account_id))"
    )
    return rows_of(connection, named, order_by=order_by, limit=limit, where=where)


def row_count(connection: duckdb.DuckDBPyConnection, relation: str, where: str = "true") -> int:
    """How many rows a table of the snapshot has; the arguments are those of `rows_of`."""
    return int(row(connection, f"select count(*) as row_count from {relation} where {where}")["row_count"])


def published_marts(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
    """Those of the named marts that the snapshot has."""
    return [name for name in names if holds(connection, name)]
