"""Accounts by the month in which they first paid: how many still use the product in each month since, and their health.

Whether they still pay, and the size of a cohort, is in mart/revenue/revenue_cohorts.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import mean_of, month_of, on_any_of, percent
from health_assets.contracts.months import measure_days
from health_assets.settings import Settings
from health_assets.tables import table

KEY = ["cohort_month", "month"]


class EngagementCohorts(Contract):
    """Of the accounts that started in the same month, how many still use the product, and how healthy are they?"""

    cohort_month = dy.Date(primary_key=True, description="First paid month of its accounts")
    month_offset = Count("Months since the cohort month", primary_key=True)
    month = dy.Date(description="First day of the month", metadata={"available_from": True})
    cohort_account_count = Count("Accounts of the cohort, fixed at offset 0")
    engaged_account_count = Count(
        "Accounts of the cohort with an active user in the month, paying or not; null = no event of the month, or none that names a user",
        nullable=True,
    )
    engagement_retention_pct = Pct("Engaged accounts / accounts of the cohort; null also where usage is not measured")
    scored_account_count = Count("Accounts of the cohort with a health score at month end")
    mean_health_score = Score("Mean health score of these accounts at month end, in the as-of month on the as-of day")

    @dy.rule()
    def engaged_account_count__within_cohort(cls) -> pl.Expr:
        """No more accounts of a cohort are engaged than it has."""
        return pl.col("engaged_account_count") <= pl.col("cohort_account_count")


@table(EngagementCohorts)
def mart_engagement_cohorts(
    mart_revenue_cohorts: pl.LazyFrame,
    fact_revenue_monthly: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per cohort and month since, up to the as-of month."""
    cohort_of = fact_revenue_monthly.filter(pl.col("movement") == "new").select("account_id", cohort_month="month")
    health = _health(mart_customer_health_daily, cohort_of, measure_days(settings.history_start, as_of))
    usage = fact_usage_daily.select("account_id", "active_user_count", month=month_of(pl.col("activity_date")))
    names_users = pl.col("active_user_count").is_not_null()
    measured_months = usage.filter(names_users).select("month", is_measured=pl.lit(True)).unique()
    return (
        mart_revenue_cohorts.select(*KEY, "month_offset", "cohort_account_count")
        .join(measured_months, on="month", how="left", validate="m:1")
        .join(_engaged(usage, cohort_of), on=KEY, how="left", validate="1:1")
        .join(health, on=KEY, how="left", validate="1:1")
        .with_columns(
            engaged_account_count=pl.when("is_measured").then(pl.col("engaged_account_count").fill_null(0)),
            scored_account_count=pl.col("scored_account_count").fill_null(0),
        )
        .with_columns(engagement_retention_pct=percent(pl.col("engaged_account_count"), pl.col("cohort_account_count")))
        .sort("cohort_month", "month_offset")
        .select(EngagementCohorts.column_names())
    )


def _engaged(usage: pl.LazyFrame, cohort_of: pl.LazyFrame) -> pl.LazyFrame:
    """Accounts of each cohort with an active user in each month."""
    return (
        usage.filter(pl.col("active_user_count") > 0)
        .select("account_id", "month")
        .unique()
        .join(cohort_of, on="account_id", how="inner", validate="m:1")
        .group_by(KEY)
        .agg(engaged_account_count=pl.len().cast(pl.Int64))
    )


def _health(health_daily: pl.LazyFrame, cohort_of: pl.LazyFrame, days: list[date]) -> pl.LazyFrame:
    """Accounts of each cohort with a health score at the end of each month, and its mean."""
    day = pl.col("as_of_date")
    return (
        health_daily.filter(on_any_of(day, days))
        .filter(pl.col("health_score").is_not_null())
        .select("account_id", "health_score", month=month_of(day))
        .join(cohort_of, on="account_id", how="inner", validate="m:1")
        .group_by(KEY)
        .agg(scored_account_count=pl.len().cast(pl.Int64), mean_health_score=mean_of(pl.col("health_score")))
    )
