"""Of the accounts that signed up together, how many order in each month since.

Retention of paid subscriptions belongs in mart/revenue/revenue_cohorts.py, from month to month over all accounts in
order_retention_monthly.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_of, month_offset, percent
from health_assets.tables import identity, table


class OrderCohorts(Contract):
    """When do the accounts that signed up together stop ordering?

    Every offset from 0 to the as-of month has a row, even without an order; later cells are absent, which means null
    in a matrix of cohorts and offsets.
    """

    cohort_month = dy.Date(primary_key=True, description="First day of the month in which its accounts signed up")
    month_offset = Count("Months since the cohort month", primary_key=True)
    month = dy.Date(description="First day of the month that is measured", metadata={"available_from": True})
    is_partial = dy.Bool(description="The as-of month before its last day: count so far, retention null")
    cohort_account_count = Count("Accounts of the cohort, the same in each month")
    active_account_count = Count(
        "Accounts of the cohort with an order in the month; null = before the company's first order", nullable=True
    )
    account_retention_pct = Pct("Accounts with an order / accounts of the cohort; null also while the month is partial")

    @dy.rule()
    def month__is_cohort_month_plus_offset(cls) -> pl.Expr:
        """The month is as many months after the cohort month as `month_offset` says."""
        return month_offset(pl.col("cohort_month"), pl.col("month")) == pl.col("month_offset")

    @dy.rule()
    def active_account_count__within_cohort(cls) -> pl.Expr:
        """No more accounts of a cohort are active than it has."""
        return pl.col("active_account_count") <= pl.col("cohort_account_count")


@table(OrderCohorts)
def mart_order_cohorts(dim_account: pl.LazyFrame, fact_orders: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """One row per signup month and month since, once there are orders."""
    orders = fact_orders.filter("is_order")
    ordered = (
        orders.group_by(cohort_month="signup_month", month="order_month")
        .agg(active_account_count=pl.col("account_id").n_unique().cast(pl.Int64))
        .sort("cohort_month", "month")
    )
    return (
        dim_account.group_by(cohort_month=month_of(pl.col("signup_date")))
        .agg(cohort_account_count=pl.len().cast(pl.Int64))
        .join(orders.select(first_order_month=pl.col("order_month").min()).drop_nulls(), how="cross")
        .with_columns(month=pl.date_ranges("cohort_month", month_of(pl.lit(as_of)), "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
        .join(ordered, on=["cohort_month", "month"], how="left", validate="1:1")
        .with_columns(
            month_offset=month_offset(pl.col("cohort_month"), pl.col("month")),
            is_partial=pl.col("month").dt.month_end() > as_of,
            active_account_count=pl.when(pl.col("month") >= pl.col("first_order_month")).then(
                pl.col("active_account_count").fill_null(0)
            ),
        )
        .with_columns(
            account_retention_pct=pl.when(~pl.col("is_partial")).then(
                percent(pl.col("active_account_count"), pl.col("cohort_account_count"))
            )
        )
        .sort("cohort_month", "month_offset")
        .select(OrderCohorts.column_names())
    )


@identity(of=mart_order_cohorts)
def cohort_account_count__of_all_cohorts_is_that_of_the_accounts(
    mart_order_cohorts: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """Each account belongs to one cohort."""
    cohorts = mart_order_cohorts.filter(pl.col("month_offset") == 0)
    both = cohorts.select(pl.col("cohort_account_count").sum(), cohorts=pl.len()).join(
        dim_account.select(accounts=pl.len()), how="cross"
    )
    return both.filter(pl.col("cohorts") > 0, pl.col("cohort_account_count") != pl.col("accounts"))
