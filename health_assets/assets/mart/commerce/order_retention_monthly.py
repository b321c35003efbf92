"""Month by month: how many accounts ordered, how many of them had ordered the month before, and how many came back ever.

Retention by signup month belongs in mart/commerce/order_cohorts.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_of, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.tables import identity, table


class OrderRetentionMonthly(Contract):
    """Do accounts that order in one month order again in the next, and do first-time buyers come back?"""

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    is_partial = dy.Bool(description="The as-of month before its last day: counts so far, rates null")
    order_count = Count("Orders in the month")
    spend = Money("Net spend of the month: orders less refunds", min=None)
    gross_spend = Money("Amount of the orders of the month, whether or not refunded later")
    average_order_value = Money("Net spend / orders; null = no order", min=None, nullable=True)
    active_account_count = Count("Accounts with an order in the month")
    new_buyer_count = Count("Of these, accounts with their first order")
    previous_active_account_count = Count(
        "Accounts with an order in the month before; null = first month", nullable=True
    )
    retained_account_count = Count("Accounts with an order in both months; null = first month", nullable=True)
    lost_account_count = Count("Accounts with an order in the month before and none in this one", nullable=True)
    monthly_retention_rate = Share("Retained / active in the month before; null also while the month is partial")
    monthly_churn_rate = Share("Lost / active in the month before = 1 - retention; null as that is")
    buyer_count_to_date = Count("Accounts with an order up to the month's end")
    repeat_buyer_count_to_date = Count("Accounts with at least two orders up to the month's end")
    repeat_purchase_rate = Share("Accounts with at least two orders / with at least one, up to the month's end")

    @dy.rule()
    def monthly_churn_rate__and_retention_make_one(cls) -> pl.Expr:
        """Churn and retention rate of a month make 1."""
        return (pl.col("monthly_churn_rate") + pl.col("monthly_retention_rate") - 1).abs() < 1e-9

    @dy.rule()
    def active_account_count__holds_retained_and_new(cls) -> pl.Expr:
        """Active buyers include those who stayed and those who are new."""
        return pl.col("active_account_count") >= pl.col("retained_account_count") + pl.col("new_buyer_count")


@table(OrderRetentionMonthly)
def mart_order_retention_monthly(fact_orders: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Every month from the first order to the as-of day, also one without an order."""
    active, retained = pl.col("previous_active_account_count"), pl.col("retained_account_count")
    lost = pl.col("lost_account_count")
    return (
        _months(fact_orders, as_of)
        .join(_by_month(fact_orders), on="month", how="left", validate="1:1")
        .with_columns(pl.exclude("month").fill_null(0))
        .sort("month")
        .with_columns(
            is_partial=pl.col("month").dt.month_end() > as_of,
            average_order_value=safe_ratio(pl.col("spend"), pl.col("order_count")),
            previous_active_account_count=pl.col("active_account_count").shift(1),
            buyer_count_to_date=pl.col("new_buyer_count").cum_sum(),
            repeat_buyer_count_to_date=pl.col("second_order_count").cum_sum(),
        )
        .with_columns(retained_account_count=pl.when(active.is_not_null()).then(retained))
        .with_columns(lost_account_count=active - retained)
        .with_columns(
            monthly_retention_rate=pl.when(~pl.col("is_partial")).then(safe_ratio(retained, active)),
            monthly_churn_rate=pl.when(~pl.col("is_partial")).then(safe_ratio(lost, active)),
            repeat_purchase_rate=safe_ratio(pl.col("repeat_buyer_count_to_date"), pl.col("buyer_count_to_date")),
        )
        .select(OrderRetentionMonthly.column_names())
    )


def _months(fact_orders: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    return (
        fact_orders.select(month=pl.col("order_month").min())
        .drop_nulls()
        .select(pl.date_ranges("month", month_of(pl.lit(as_of)), "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
    )


def _by_month(fact_orders: pl.LazyFrame) -> pl.LazyFrame:
    """What was ordered in each month in which something was."""
    number, month = pl.col("order_number"), pl.col("order_month")
    ordered = fact_orders.group_by(month="order_month").agg(
        order_count=pl.col("is_order").sum().cast(pl.Int64),
        spend=sum_of(pl.col("net_amount")),
        gross_spend=sum_of(pl.col("gross_amount")),
        active_account_count=pl.col("account_id").filter("is_order").n_unique().cast(pl.Int64),
        new_buyer_count=(number == 1).sum().cast(pl.Int64),
        second_order_count=(number == 2).sum().cast(pl.Int64),
    )
    retained = (
        fact_orders.filter("is_order")
        .select("account_id", "order_month")
        .unique()
        .filter(month.shift(1).over("account_id", order_by="order_month") == month.dt.offset_by("-1mo"))
        .group_by(month="order_month")
        .agg(retained_account_count=pl.len().cast(pl.Int64))
    )
    return ordered.join(retained, on="month", how="left", validate="1:1")


@identity(of=mart_order_retention_monthly)
def order_count__is_that_of_the_orders(
    mart_order_retention_monthly: pl.LazyFrame, fact_orders: pl.LazyFrame
) -> pl.LazyFrame:
    """The orders of all months add up to those in fact.orders."""
    ordered = fact_orders.select(orders=pl.col("is_order").sum())
    monthly = mart_order_retention_monthly.select(pl.col("order_count").sum())
    return ordered.join(monthly, how="cross").filter(pl.col("orders") != pl.col("order_count"))
