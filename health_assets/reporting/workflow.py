"""The workflow that accounts run on the product: volume, quality, value, accounts at risk."""

import duckdb
import polars as pl

from health_assets.reporting.reader import Row, frame, rows


def latest_closed_month(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """The last closed month of all accounts together; None without one."""
    found = rows(
        connection,
        """
        select month, account_count, at_risk_account_count, tickets_processed,
               100 * data_error_rate as data_error_pct, 100 * denial_rate as denial_pct, value_to_cost
        from mart.operations_summary where not is_partial order by month desc limit 1
        """,
    )
    return found[0] if found else None


def monthly(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Items processed in each month, and the shares with data errors and denied, in %."""
    return frame(
        connection,
        """
        select month, is_partial, tickets_processed, 100 * data_error_rate as data_error_pct,
               100 * denial_rate as denial_pct
        from mart.operations_summary order by month
        """,
    )
