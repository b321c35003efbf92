"""Active accounts by the segment of their lifetime value: what they pay, and how healthy they are.

The segment of one account is in mart/revenue/customer_lifetime_value.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.mart.revenue.customer_lifetime_value import CLV_SEGMENTS
from health_assets.contracts.columns import Count, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import exact_sum, mean_of, safe_ratio
from health_assets.tables import identity, table


class ClvSegments(Contract):
    """What are active accounts of high and of low lifetime value worth, and how healthy are they?

    Accounts too young for a segment are left out; a segment without an account has no row.
    """

    clv_segment = dy.Enum(CLV_SEGMENTS, primary_key=True, description="By lifetime value")
    account_count = Count("Active accounts")
    mean_health_score = Score("Mean health of those with a score")
    mean_tenure_months = dy.Float64(min=0, description="Mean of their tenure months")
    mean_mrr = Money("Mean MRR; null = unknown", nullable=True)
    lifetime_value = Money("Sum of lifetime values", min=None)
    mean_lifetime_value = Money("Mean lifetime value", min=None)
    monthly_clv_rate = dy.Float64(
        nullable=True,
        description="Sum of lifetime values / sum of months, in the reporting currency; null without months",
    )
    net_expansion = Money("Sum of net expansion; null = no revenue history", min=None, nullable=True)


@table(ClvSegments)
def mart_clv_segments(
    mart_customer_lifetime_value: pl.LazyFrame, dim_account: pl.LazyFrame, mart_customer_health: pl.LazyFrame
) -> pl.LazyFrame:
    """One row per segment that has active accounts, the most valuable first."""
    value, months = pl.col("lifetime_value"), pl.col("tenure_months")
    moved = pl.col("net_expansion")
    return (
        mart_customer_lifetime_value.filter(pl.col("clv_segment").is_not_null())
        .join(dim_account.filter("is_active").select("account_id", "mrr"), on="account_id", how="inner", validate="1:1")
        .join(mart_customer_health.select("account_id", "health_score"), on="account_id", how="left", validate="1:1")
        .group_by("clv_segment")
        .agg(
            account_count=pl.len().cast(pl.Int64),
            mean_health_score=mean_of(pl.col("health_score")),
            mean_tenure_months=mean_of(months),
            mean_mrr=mean_of(pl.col("mrr")),
            lifetime_value=exact_sum(value),
            mean_lifetime_value=mean_of(value),
            monthly_clv_rate=safe_ratio(exact_sum(value), exact_sum(months)),
            net_expansion=pl.when(moved.count() > 0).then(exact_sum(moved)),
        )
        .sort("clv_segment")
        .select(ClvSegments.column_names())
    )


@identity(of=mart_clv_segments)
def accounts__match_their_segments(
    mart_clv_segments: pl.LazyFrame, mart_customer_lifetime_value: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """Each active account with a segment is in one of them."""
    active = dim_account.filter("is_active").select("account_id")
    segmented = (
        mart_customer_lifetime_value.filter(pl.col("clv_segment").is_not_null())
        .join(active, on="account_id", how="semi")
        .select(segmented=pl.len())
    )
    return (
        mart_clv_segments.select(account_count=pl.col("account_count").sum())
        .join(segmented, how="cross")
        .filter(pl.col("account_count") != pl.col("segmented"))
    )
