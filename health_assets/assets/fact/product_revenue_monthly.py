"""Month-end recurring revenue of each account by product.

Movements of an account as a whole belong in fact/revenue_monthly.py, retention by product in
mart/revenue/revenue_retention_by.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import TOLERANCE
from health_assets.contracts.breakdowns import UNKNOWN
from health_assets.contracts.columns import AccountId, Money
from health_assets.contracts.contract import Contract
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import is_ever_paid, month_end_mrr
from health_assets.settings import Settings
from health_assets.tables import identity, table


class ProductRevenueMonthly(Contract):
    """How much does each account pay for each product?

    Months with MRR only. Without product names, as with paid invoices, all revenue is that of the product `unknown`. Empty without
    subscriptions and paid invoices.
    """

    account_id = AccountId(primary_key=True)
    product_name = dy.String(primary_key=True, description="Product; `unknown` where subscriptions do not name it")
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    mrr = Money("Recurring revenue at month end, for the as-of month on the as-of day")


@table(ProductRevenueMonthly)
def fact_product_revenue_monthly(
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    fact_revenue_monthly: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """By product where the contract names it."""
    if settings.revenue.basis == "paid_invoices":
        paying = fact_revenue_monthly.filter(pl.col("mrr") > 0, pl.col("movement").is_not_null())
        by_product = paying.select("account_id", "month", "mrr", product_name=pl.lit(UNKNOWN))
    else:
        subscriptions = price_periods(staged_subscriptions, history_subscriptions, settings)
        periods = subscriptions.filter(is_ever_paid(), pl.col("first_paid_date") <= as_of).select(
            "account_id",
            "end_date",
            start_date="first_paid_date",
            mrr="mrr_amount",
            product_name=pl.col("product_name").fill_null(UNKNOWN),
        )
        by_product = month_end_mrr(periods, as_of, ["account_id", "product_name"]).join(
            fact_revenue_monthly, on="account_id", how="semi"
        )
    return by_product.sort("account_id", "product_name", "month").select(ProductRevenueMonthly.column_names())


@identity(of=fact_product_revenue_monthly)
def mrr__of_all_products_is_that_of_the_account(
    fact_product_revenue_monthly: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """In each month the products of an account together have its MRR."""
    by_account = fact_product_revenue_monthly.group_by("account_id", "month").agg(of_products=pl.col("mrr").sum())
    with_history = fact_revenue_monthly.filter(pl.col("movement").is_not_null()).select("account_id", "month", "mrr")
    both = with_history.join(by_account, on=["account_id", "month"], how="full", coalesce=True, validate="1:1")
    return both.filter((pl.col("mrr").fill_null(0) - pl.col("of_products").fill_null(0)).abs() >= TOLERANCE)
