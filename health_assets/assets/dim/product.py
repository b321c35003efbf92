"""Products and their plans, with the accounts that pay for them on the as-of day.

Revenue of products over time is in fact/product_revenue_monthly.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import is_paid_on, sum_of
from health_assets.settings import Settings
from health_assets.tables import identity, table

UNNAMED = "unknown"


class Product(Contract):
    """Which products and plans do accounts pay for, and what is one worth?"""

    product_name = dy.String(primary_key=True, description="Product; `unknown` where subscriptions do not name it")
    plan_tier = dy.String(
        primary_key=True, description="Plan, lower case; `unknown` where subscriptions do not name it"
    )
    active_subscription_count = Count("Subscriptions that are paid on the as-of day")
    active_account_count = Count("Accounts with at least one of these subscriptions")
    mrr = Money("Recurring revenue of these subscriptions on the as-of day")
    median_mrr = Money("Median recurring amount of these subscriptions; null where there are none", nullable=True)


@table(Product)
def dim_product(
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Products that were sold by the as-of day to accounts that had signed up, even if none pays for them any more."""
    runs = is_paid_on(as_of)
    return (
        price_periods(staged_subscriptions, history_subscriptions, settings)
        .filter(pl.col("start_date") <= as_of)
        .join(dim_account, on="account_id", how="semi")
        .with_columns(pl.col("product_name", "plan_tier").fill_null(UNNAMED))
        .group_by("product_name", "plan_tier")
        .agg(
            active_subscription_count=runs.sum().cast(pl.Int64),
            active_account_count=pl.col("account_id").filter(runs).n_unique().cast(pl.Int64),
            mrr=sum_of(pl.col("mrr_amount").filter(runs)),
            median_mrr=pl.col("mrr_amount").filter(runs).median(),
        )
        .sort("product_name", "plan_tier")
        .select(Product.column_names())
    )


@identity(of=dim_product)
def mrr__of_all_products_is_that_of_the_subscriptions(
    dim_product: pl.LazyFrame, fact_subscriptions: pl.LazyFrame
) -> pl.LazyFrame:
    """The products together have the paid subscriptions, and the MRR of these."""
    paid = fact_subscriptions.filter("is_paid").select(paid=pl.len(), total=pl.col("mrr").sum())
    return (
        dim_product.select(pl.col("active_subscription_count", "mrr").sum())
        .join(paid, how="cross")
        .filter(
            (pl.col("active_subscription_count") != pl.col("paid")) | ((pl.col("mrr") - pl.col("total")).abs() >= CENT)
        )
    )
