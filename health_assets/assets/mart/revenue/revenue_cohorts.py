"""Retention of accounts and revenue by the month in which accounts first paid, for each month since.

Cohorts by usage of the product are in mart/engagement/engagement_cohorts.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import TOLERANCE
from health_assets.contracts.columns import Count, Money, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_offset, percent
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.tables import identity, table


class RevenueCohorts(Contract):
    """Of the accounts that began to pay in the same month, how many still pay, and how much?

    Every offset from 0 to the as-of month has a row, even if no account still pays. Empty without revenue history.
    """

    cohort_month = dy.Date(primary_key=True, description="First paying month of its accounts")
    month_offset = Count("Months since the cohort month", primary_key=True)
    month = dy.Date(description="First day of the month that is measured", metadata={"available_from": True})
    cohort_account_count = Count("Accounts of the cohort, fixed at offset 0")
    cohort_mrr = Money("MRR of the cohort at offset 0, fixed")
    active_account_count = Count("Accounts of the cohort that pay in the month")
    mrr = Money("MRR of the cohort in the month")
    account_retention_pct = Pct("Accounts that pay / accounts of the cohort")
    revenue_retention_pct = Pct("MRR / MRR at offset 0", max=None)

    @dy.rule()
    def month__is_cohort_month_plus_offset(cls) -> pl.Expr:
        """The month is as many months after the cohort month as `month_offset` says."""
        return month_offset(pl.col("cohort_month"), pl.col("month")) == pl.col("month_offset")

    @dy.rule()
    def active_account_count__within_cohort(cls) -> pl.Expr:
        """No more accounts of a cohort are active than it has."""
        return pl.col("active_account_count") <= pl.col("cohort_account_count")


@table(RevenueCohorts)
def mart_revenue_cohorts(fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """One row per cohort and month; each account has a row for every month up to the as-of month, so no offset is missing."""
    first = pl.col("movement") == "new"
    members = fact_revenue_monthly.with_columns(
        cohort_month=pl.col("month").filter(first).first().over("account_id")
    ).filter(pl.col("month") >= pl.col("cohort_month"))
    size = (
        members.filter(first)
        .group_by("cohort_month")
        .agg(cohort_account_count=pl.len().cast(pl.Int64), cohort_mrr=sum_of(pl.col("mrr")))
    )
    return (
        members.group_by("cohort_month", "month")
        .agg(sum_of(pl.col("mrr")), active_account_count=(pl.col("mrr") > 0).sum().cast(pl.Int64))
        .join(size, on="cohort_month", how="left", validate="m:1")
        .with_columns(
            month_offset=month_offset(pl.col("cohort_month"), pl.col("month")),
            account_retention_pct=percent(pl.col("active_account_count"), pl.col("cohort_account_count")),
            revenue_retention_pct=percent(pl.col("mrr"), pl.col("cohort_mrr")),
        )
        .sort("cohort_month", "month_offset")
        .select(RevenueCohorts.column_names())
    )


@identity(of=mart_revenue_cohorts)
def mrr__of_all_cohorts_is_that_of_the_accounts(
    mart_revenue_cohorts: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """In each month the cohorts together have the MRR of all accounts."""
    by_account = (
        fact_revenue_monthly.filter(pl.col("movement").is_not_null())
        .group_by("month")
        .agg(account_mrr=pl.col("mrr").sum())
    )
    by_cohort = mart_revenue_cohorts.group_by("month").agg(pl.col("mrr").sum())
    both = by_account.join(by_cohort, on="month", how="full", coalesce=True, validate="1:1")
    return both.filter((pl.col("account_mrr").fill_null(0) - pl.col("mrr").fill_null(0)).abs() >= TOLERANCE)
