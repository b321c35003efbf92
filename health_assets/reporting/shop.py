"""A shop: spend and how concentrated it is, buyers who return, accounts that are flagged."""

import duckdb
import polars as pl

from health_assets.reporting.reader import Row, frame, row, rows

TABLES = ("mart.revenue_concentration", "mart.order_retention_monthly", "mart.commerce_flags")


def concentration(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Spend to date and the share of the top buyers; None without an order."""
    found = rows(
        connection,
        """
        select total_spend, top_share_pct, top_account_count, buyer_count
        from mart.revenue_concentration where dimension_type = 'all'
        """,
    )
    return found[0] if found else None


def latest_buyers(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Of the last closed month: last month's buyers who ordered again, and all buyers with two orders or more."""
    found = rows(
        connection,
        """
        select month, 100 * monthly_retention_rate as retained_pct, 100 * repeat_purchase_rate as repeat_pct
        from mart.order_retention_monthly where not is_partial order by month desc limit 1
        """,
    )
    return found[0] if found else None


def monthly_buyers(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Net spend of each month, and the share of last month's buyers who ordered again, in %; null for a month in progress."""
    return frame(
        connection,
        """
        select month, spend, case when not is_partial then 100 * monthly_retention_rate end as retained_pct
        from mart.order_retention_monthly order by month
        """,
    )


def flagged_count(connection: duckdb.DuckDBPyConnection) -> int:
    """Accounts with repeated late payments or frequent tickets."""
    return int(row(connection, "select count(*) as account_count from mart.commerce_flags")["account_count"])
