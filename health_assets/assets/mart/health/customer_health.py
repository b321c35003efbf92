"""Health on the as-of day: who needs attention first, and who is on the way down.

The days before are in mart/health/customer_health_daily.py; why an account may leave is mart/health/churn_risk.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily
from health_assets.columns import AsOfDate, Count, Money
from health_assets.tables import table

TREND_DAYS = 30


class CustomerHealth(CustomerHealthDaily):
    """Which accounts need attention today, and in which order?"""

    as_of_date = AsOfDate(primary_key=False)
    trend_30d = dy.Float64(
        nullable=True,
        min=-100,
        max=100,
        description="Score minus the score 30 days before, in points; null where either is, or the scorecard changed",
    )
    mrr = Money("Monthly recurring revenue; null = not known", nullable=True)
    intervention_priority = Count(
        "Order of attention: 1 = lowest score, then highest MRR, then account_id; accounts without a score come last"
    )


@table(CustomerHealth)
def mart_customer_health(
    mart_customer_health_daily: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date
) -> pl.LazyFrame:
    """Health, trend and priority of the as-of day."""
    earlier = mart_customer_health_daily.filter(pl.col("as_of_date") == as_of - timedelta(days=TREND_DAYS)).select(
        "account_id", "scorecard_version", earlier_score="health_score"
    )
    return (
        mart_customer_health_daily.filter(pl.col("as_of_date") == as_of)
        .join(earlier, on=["account_id", "scorecard_version"], how="left", validate="1:1")
        .join(dim_account.select("account_id", "mrr"), on="account_id", how="left", validate="1:1")
        .with_columns(trend_30d=pl.col("health_score") - pl.col("earlier_score"))
        .sort("health_score", "mrr", "account_id", descending=[False, True, False], nulls_last=True)
        .with_row_index("intervention_priority", offset=1)
        .with_columns(pl.col("intervention_priority").cast(pl.Int64))
        .select(CustomerHealth.column_names())
    )
