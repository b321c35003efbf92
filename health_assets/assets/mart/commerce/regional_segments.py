"""Accounts, revenue and order value by sales region.

How concentrated the revenue of a region is belongs in mart/commerce/revenue_concentration.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, percent, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.tables import identity, table

UNKNOWN = "unknown"


class RegionalSegments(Contract):
    """Which regions bring the revenue, and how do their accounts buy and pay?"""

    region = dy.String(primary_key=True, description="Sales region of today; unknown = no value")
    account_count = Count("Accounts")
    buyer_count = Count("Accounts with an order")
    high_value_account_count = Count("Accounts of the value segment high")
    order_count = Count("Orders to date")
    total_spend = Money("Net spend to date, orders less refunds: the shop's revenue", min=None)
    revenue_share_pct = Pct("Net spend / that of all regions", min=None, max=None)
    average_order_value = Money("Net spend / orders; null = no order", min=None, nullable=True)
    late_payment_rate = Share("Payments late / due before the as-of day; null also where payments are not connected")


@table(RegionalSegments)
def mart_regional_segments(mart_customer_value: pl.LazyFrame, mart_payment_risk: pl.LazyFrame) -> pl.LazyFrame:
    """Accounts by region, the highest revenue first."""
    payments = mart_payment_risk.select("account_id", "due_payment_count", "late_payment_count")
    return (
        mart_customer_value.join(payments, on="account_id", how="left", validate="1:1")
        .group_by(pl.col("region").fill_null(UNKNOWN))
        .agg(
            pl.col("order_count", "due_payment_count", "late_payment_count").sum(),
            total_spend=sum_of(pl.col("total_spend")),
            account_count=pl.len().cast(pl.Int64),
            buyer_count=(pl.col("order_count") > 0).sum().cast(pl.Int64),
            high_value_account_count=(pl.col("value_segment") == "high").sum().cast(pl.Int64),
        )
        .sort("region")
        .with_columns(
            revenue_share_pct=percent(pl.col("total_spend"), pl.col("total_spend").sum()),
            average_order_value=safe_ratio(pl.col("total_spend"), pl.col("order_count")),
            late_payment_rate=safe_ratio(pl.col("late_payment_count"), pl.col("due_payment_count")),
        )
        .sort("total_spend", "region", descending=[True, False])
        .select(RegionalSegments.column_names())
    )


@identity(of=mart_regional_segments)
def total_spend__of_all_regions_is_that_of_the_accounts(
    mart_regional_segments: pl.LazyFrame, mart_customer_value: pl.LazyFrame
) -> pl.LazyFrame:
    """The accounts and the spend of all regions add up to those of mart.customer_value."""
    regions = mart_regional_segments.select(
        regional_spend=pl.col("total_spend").sum(), regional_count=pl.col("account_count").sum()
    )
    accounts = mart_customer_value.select(pl.col("total_spend").sum(), account_count=pl.len())
    return regions.join(accounts, how="cross").filter(
        ((pl.col("regional_spend") - pl.col("total_spend")).abs() >= CENT)
        | (pl.col("regional_count") != pl.col("account_count"))
    )
