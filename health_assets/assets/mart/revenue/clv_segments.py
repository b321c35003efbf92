"""What accounts have brought so far: lifetime value of each account, and the segments that follow from it.

What an account may still bring is a forecast and does not belong here; retention of revenue is in
mart/revenue/net_revenue_retention.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, banded, safe_ratio, whole_months
from health_assets.settings import Settings
from health_assets.tables import identity, table

CLV_SEGMENTS = ["high", "medium", "low", "entry"]


class CustomerLifetimeValue(Contract):
    """What has each account brought to date, and is it growing or shrinking?"""

    account_id = AccountId(primary_key=True)
    lifetime_value = Money("Paid or spent to date, as dim_account has it; null = not known", min=None, nullable=True)
    months_since_first_subscription = Count("Whole months since the first paid day; null = never paid", nullable=True)
    tenure_months = Count(
        "Whole months since the first paid day, in a company without revenue history since the signup; null = never paid",
        nullable=True,
    )
    monthly_clv_rate = dy.Float64(
        nullable=True, description="Lifetime value / tenure months, in the reporting currency; null in the first month"
    )
    expansion_revenue_total = Money("Rises of MRR to date; null = no revenue history", nullable=True)
    contraction_revenue_total = Money(
        "Falls of MRR to date, churn not counted; null = no revenue history", nullable=True
    )
    net_expansion = Money("Expansion less contraction; null = no revenue history", min=None, nullable=True)
    clv_segment = dy.Enum(
        CLV_SEGMENTS, nullable=True, description="By lifetime value; null = not known, or too young to be judged"
    )

    @dy.rule()
    def net_expansion__is_expansion_less_contraction(cls) -> pl.Expr:
        difference = pl.col("expansion_revenue_total") - pl.col("contraction_revenue_total")
        return (difference - pl.col("net_expansion")).abs() < CENT


@table(CustomerLifetimeValue)
def mart_customer_lifetime_value(
    dim_account: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """One row per account; of one that never paid nothing moved."""
    months, since_signup = pl.col("months_since_first_subscription"), whole_months(pl.col("signup_date"), as_of)
    totals = ["expansion_revenue_total", "contraction_revenue_total"]
    moved = fact_revenue_monthly.group_by("account_id").agg(
        expansion_revenue_total=pl.col("expansion_mrr").sum(), contraction_revenue_total=pl.col("contraction_mrr").sum()
    )
    return (
        dim_account.select("account_id", "signup_date", "lifetime_value", months)
        .join(moved, on="account_id", how="left", validate="1:1")
        .join(fact_revenue_monthly.select(has_history=pl.col("movement").is_not_null().any()), how="cross")
        .with_columns(pl.when("has_history").then(pl.col(name).fill_null(0)).alias(name) for name in totals)
        .with_columns(tenure_months=pl.when("has_history").then(months).otherwise(since_signup))
        .with_columns(
            monthly_clv_rate=safe_ratio(pl.col("lifetime_value"), pl.col("tenure_months")),
            net_expansion=pl.col("expansion_revenue_total") - pl.col("contraction_revenue_total"),
            clv_segment=pl.when(pl.col("tenure_months") >= settings.lifetime_value.min_tenure_months).then(
                banded(pl.col("lifetime_value"), settings.lifetime_value.segments | {"entry": float("-inf")})
            ),
        )
        .sort("account_id")
        .select(CustomerLifetimeValue.column_names())
    )


class ClvSegments(Contract):
    """What are active accounts of high and of low lifetime value worth, and how healthy are they?

    Accounts too young for a segment are left out; a segment without an account has no row.
    """

    clv_segment = dy.Enum(CLV_SEGMENTS, primary_key=True, description="By lifetime value")
    account_count = Count("Active accounts")
    mean_health_score = Score("Mean health of those with a score")
    mean_tenure_months = dy.Float64(min=0, description="Mean of their tenure months")
    mean_mrr = Money("Mean MRR; null = not known", nullable=True)
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
            mean_health_score=pl.col("health_score").mean(),
            mean_tenure_months=months.mean(),
            mean_mrr=pl.col("mrr").mean(),
            lifetime_value=value.sum(),
            mean_lifetime_value=value.mean(),
            monthly_clv_rate=safe_ratio(value.sum(), months.sum()),
            net_expansion=pl.when(moved.count() > 0).then(moved.sum()),
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
    judged = (
        mart_customer_lifetime_value.filter(pl.col("clv_segment").is_not_null())
        .join(active, on="account_id", how="semi")
        .select(judged=pl.len())
    )
    return (
        mart_clv_segments.select(account_count=pl.col("account_count").sum())
        .join(judged, how="cross")
        .filter(pl.col("account_count") != pl.col("judged"))
    )
