"""Products and their plans, with who has them on the as-of day. What accounts do in them does not belong here."""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money
from health_assets.contracts.contract import Contract
from health_assets.scoring.recurring_revenue import is_paid_on
from health_assets.tables import table

UNNAMED = "unknown"


class Product(Contract):
    """Which products and plans do accounts pay for, and what is one worth?"""

    product_name = dy.String(primary_key=True, description="Product; `unknown` where subscriptions do not name it")
    plan_tier = dy.String(
        primary_key=True, description="Plan, lower case; `unknown` where subscriptions do not name it"
    )
    active_subscription_count = Count("Subscriptions that are paid for on the as-of day")
    active_account_count = Count("Accounts with at least one of them")
    mrr = Money("Recurring revenue of these subscriptions on the as-of day")
    median_mrr = Money("Median recurring amount of these subscriptions; null where there are none", nullable=True)


@table(Product)
def dim_product(staged_subscriptions: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Products that were ever sold by the as-of day, also those that nobody has any more."""
    runs = is_paid_on(as_of)
    return (
        staged_subscriptions.filter(pl.col("start_date") <= as_of)
        .with_columns(pl.col("product_name", "plan_tier").fill_null(UNNAMED))
        .group_by("product_name", "plan_tier")
        .agg(
            active_subscription_count=runs.sum().cast(pl.Int64),
            active_account_count=pl.col("account_id").filter(runs).n_unique().cast(pl.Int64),
            mrr=pl.col("mrr_amount").filter(runs).sum(),
            median_mrr=pl.col("mrr_amount").filter(runs).median(),
        )
        .sort("product_name", "plan_tier")
        .select(Product.column_names())
    )
