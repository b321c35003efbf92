"""Orders and their value by the age of the person behind the account.

Ages are in dim_account; spend by account in mart/commerce/customer_value.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, banded, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.settings import Settings
from health_assets.tables import identity, table

UNKNOWN = "unknown"


class OrderValueByAgeGroup(Contract):
    """Which age group places the most valuable orders? Groups without an account have no row."""

    age_group = dy.String(primary_key=True, description="Years of age; unknown = age unknown")
    youngest_age = Count("Youngest age of the group in years, to sort by; null = unknown", nullable=True)
    account_count = Count("Accounts")
    buyer_count = Count("Accounts with an order")
    order_count = Count("Orders to date")
    total_spend = Money("Net spend to date: orders less refunds", min=None)
    average_order_value = Money("Net spend / orders; null = no order", min=None, nullable=True)

    @dy.rule()
    def buyer_count__within_accounts(cls) -> pl.Expr:
        """No more accounts bought than there are."""
        return pl.col("buyer_count") <= pl.col("account_count")


@table(OrderValueByAgeGroup)
def mart_order_value_by_age_group(
    mart_customer_value: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """Accounts by age group."""
    groups = settings.commerce.age_groups
    youngest = pl.col("age_group").replace_strict(groups, default=None, return_dtype=pl.Int64)
    return (
        mart_customer_value.join(dim_account.select("account_id", "age"), on="account_id", how="left", validate="1:1")
        .group_by(age_group=banded(pl.col("age"), groups).fill_null(UNKNOWN))
        .agg(
            account_count=pl.len().cast(pl.Int64),
            buyer_count=(pl.col("order_count") > 0).sum().cast(pl.Int64),
            order_count=pl.col("order_count").sum(),
            total_spend=sum_of(pl.col("total_spend")),
        )
        .with_columns(
            youngest_age=youngest, average_order_value=safe_ratio(pl.col("total_spend"), pl.col("order_count"))
        )
        .sort("youngest_age", nulls_last=True)
        .select(OrderValueByAgeGroup.column_names())
    )


@identity(of=mart_order_value_by_age_group)
def total_spend__of_all_groups_is_that_of_the_accounts(
    mart_order_value_by_age_group: pl.LazyFrame, mart_customer_value: pl.LazyFrame
) -> pl.LazyFrame:
    """The accounts and the spend of all age groups add up to those of mart.customer_value."""
    grouped = mart_order_value_by_age_group.select(
        grouped_spend=pl.col("total_spend").sum(), grouped_count=pl.col("account_count").sum()
    )
    single = mart_customer_value.select(pl.col("total_spend").sum(), account_count=pl.len())
    return grouped.join(single, how="cross").filter(
        ((pl.col("grouped_spend") - pl.col("total_spend")).abs() >= CENT)
        | (pl.col("grouped_count") != pl.col("account_count"))
    )
