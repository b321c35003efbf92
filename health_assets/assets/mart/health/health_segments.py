"""Active accounts and their revenue by health band and churn segment: the dashboard's first picture.

Accounts one by one are in mart/health/customer_health.py and mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Money, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, exact_sum, percent
from health_assets.scoring.scorecards import UNKNOWN
from health_assets.tables import identity, table

CHURN_SEGMENTS = ["high", "medium", "low", UNKNOWN]
OF_RISK_LEVEL = {"critical": "high", "high": "high", "medium": "medium", "low": "low", UNKNOWN: UNKNOWN}


class HealthSegments(Contract):
    """How many active accounts, and how much MRR, are in each combination of health band and churn risk?

    A combination without an account has no row.
    """

    health_band = dy.String(primary_key=True, description="Band of the scorecard; unknown = no score")
    churn_segment = dy.Enum(
        CHURN_SEGMENTS, primary_key=True, description="high = risk level high or critical; medium, low, unknown"
    )
    account_count = Count("Active accounts")
    mrr = Money("Their MRR; null = unknown", nullable=True)
    account_pct = Pct("Accounts / active accounts")
    mrr_pct = Pct("MRR / MRR of active accounts")
    mean_health_score = Score("Mean health")
    mean_churn_risk_score = Score("Mean churn risk (100 = worst)")


@table(HealthSegments)
def mart_health_segments(
    dim_account: pl.LazyFrame, mart_customer_health: pl.LazyFrame, mart_churn_risk: pl.LazyFrame
) -> pl.LazyFrame:
    """One row per band and segment, the worst first."""
    mrr = pl.col("mrr")
    health = mart_customer_health.select("account_id", "health_score", "health_band")
    risk = mart_churn_risk.select(
        "account_id",
        "churn_risk_score",
        churn_segment=pl.col("risk_level").cast(pl.String).replace_strict(OF_RISK_LEVEL),
    )
    return (
        dim_account.filter("is_active")
        .select("account_id", "mrr")
        .join(health, on="account_id", how="left", validate="1:1")
        .join(risk, on="account_id", how="left", validate="1:1")
        .group_by(
            pl.col("health_band").fill_null(UNKNOWN),
            pl.col("churn_segment").fill_null(UNKNOWN).cast(pl.Enum(CHURN_SEGMENTS)),
        )
        .agg(
            account_count=pl.len().cast(pl.Int64),
            mrr=pl.when(mrr.count() > 0).then(exact_sum(mrr)),
            mean_health_score=pl.col("health_score").mean(),
            mean_churn_risk_score=pl.col("churn_risk_score").mean(),
        )
        .with_columns(
            account_pct=percent(pl.col("account_count"), pl.col("account_count").sum()), mrr_pct=percent(mrr, mrr.sum())
        )
        .sort("mean_health_score", "churn_segment", "health_band", nulls_last=True)
        .select(HealthSegments.column_names())
    )


@identity(of=mart_health_segments)
def mrr__of_all_segments_is_that_of_active_accounts(
    mart_health_segments: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """No active account, and none of its MRR, is outside the segments."""
    active = dim_account.filter("is_active").select(accounts=pl.len(), total=pl.col("mrr").sum())
    return (
        mart_health_segments.select(pl.col("account_count", "mrr").sum())
        .join(active, how="cross")
        .filter((pl.col("account_count") != pl.col("accounts")) | ((pl.col("mrr") - pl.col("total")).abs() >= CENT))
    )
