"""Each feature across all active accounts on the as-of day: reach, intensity, and the retention of its users.

Single accounts are in account_feature_adoption.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.mart.engagement.account_feature_adoption import LOOK_BACK
from health_assets.contracts.columns import AsOfDate, Count, Money, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import percent
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.settings import Settings
from health_assets.tables import table

ACTIVE = "active"
PERCENT = 100.0


class FeatureAdoption(Contract):
    """How widely is each feature used, how much revenue is behind it, and do its users stay?

    Counts and shares cover active accounts only.
    """

    feature_name = dy.String(primary_key=True, description="Feature")
    as_of_date = AsOfDate(primary_key=False)
    feature_category = dy.String(nullable=True, description="Category; null = none")
    is_core = dy.Bool(nullable=True, description="Every account should use it; null = unknown")
    account_count = Count(
        "Active accounts with an event of the feature in 30 days; null = the feed never had one", nullable=True
    )
    adoption_pct = Pct("account_count / active accounts")
    user_count_30d = Count(
        "Users of the feature in 30 days, in active accounts; null = the feed never had an event of it, or names no user",
        nullable=True,
    )
    user_adoption_pct = Pct("user_count_30d / users with any event in 30 days, in active accounts")
    mrr_using = Money("MRR of the accounts that use it; null where account_count is, or MRR is unknown", nullable=True)
    revenue_coverage_pct = Pct("mrr_using / MRR of the active accounts")
    usage_intensity_score = Score("User-days with the feature / active user-days of the accounts that use it")
    retention_impact_score = dy.Float64(
        nullable=True,
        min=-PERCENT,
        max=PERCENT,
        description="Share of the accounts active 90 days ago that still are: users of the feature then minus non-users, in "
        "percentage points; an association, not an effect; null = a side has fewer than "
        "engagement.retention_impact_accounts",
    )


@table(FeatureAdoption, fed_by=("mart_account_feature_adoption",))
def mart_feature_adoption(
    mart_account_feature_adoption: pl.LazyFrame,
    mart_account_engagement: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    dim_feature: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row for each feature of the catalogue, and for each other that was used in the windows."""
    engagement = mart_account_engagement.select("account_id", "mau", "active_user_day_count_30d")
    accounts = dim_account.select("account_id", "mrr", "is_active").join(
        engagement, on="account_id", how="left", validate="1:1"
    )
    revenue_then = fact_account_revenue_daily.filter(pl.col("as_of_date") == as_of - timedelta(days=LOOK_BACK))
    impact = _retention_impact(
        mart_account_feature_adoption, accounts, revenue_then, settings.engagement.retention_impact_accounts
    )
    return (
        _by_feature(mart_account_feature_adoption, accounts)
        .join(dim_feature.select("feature_name", "is_core"), on="feature_name", how="left", validate="1:1")
        .join(impact, on="feature_name", how="left", validate="1:1")
        .join(_totals(accounts.filter("is_active")), how="cross")
        .with_columns(
            as_of_date=pl.lit(as_of),
            adoption_pct=percent(pl.col("account_count"), pl.col("active_accounts")),
            user_adoption_pct=percent(pl.col("user_count_30d"), pl.col("total_mau")),
            revenue_coverage_pct=percent(pl.col("mrr_using"), pl.col("total_mrr")),
            usage_intensity_score=percent(pl.col("user_days"), pl.col("user_days_of_accounts")),
        )
        .sort("feature_name")
        .select(FeatureAdoption.column_names())
    )


def _totals(active_accounts: pl.LazyFrame) -> pl.LazyFrame:
    """One row: active accounts, their users of 30 days and their MRR."""
    return active_accounts.select(
        active_accounts=pl.len(),
        total_mau=pl.col("mau").sum(),
        total_mrr=pl.when(_knows_mrr()).then(sum_of(pl.col("mrr"))),
    )


def _by_feature(adoption: pl.LazyFrame, accounts: pl.LazyFrame) -> pl.LazyFrame:
    """Per feature: its category, and the active accounts that use it with their users, user-days and MRR."""
    is_using = pl.col("is_used") & pl.col("is_active")
    is_measured, names_users = pl.col("is_used").is_not_null().any(), pl.col("user_count_30d").is_not_null().any()
    return (
        adoption.join(accounts, on="account_id", how="left", validate="m:1")
        .group_by("feature_name")
        .agg(
            pl.col("feature_category").drop_nulls().first(),
            pl.when(names_users).then(pl.col("user_count_30d").filter("is_active").sum()),
            account_count=pl.when(is_measured).then(is_using.sum().cast(pl.Int64)),
            user_days=pl.when(names_users).then(pl.col("user_day_count_30d").filter("is_active").sum()),
            user_days_of_accounts=pl.col("active_user_day_count_30d").filter(is_using).sum(),
            mrr_using=pl.when(is_measured & _knows_mrr()).then(sum_of(pl.col("mrr").filter(is_using))),
        )
    )


def _knows_mrr() -> pl.Expr:
    return pl.col("mrr").is_not_null().any()


def _retention_impact(
    adoption: pl.LazyFrame, accounts: pl.LazyFrame, revenue_then: pl.LazyFrame, accounts_needed: int
) -> pl.LazyFrame:
    """By how much the retention of a feature's users exceeds that of the other accounts.

    Args:
        adoption: account x feature, with `was_used_90d_ago`; an account without a row did not use the feature.
        accounts: with `is_active` on the as-of day.
        revenue_then: the status of the accounts on the day of which the use is compared.
        accounts_needed: accounts that a comparison needs on each side.

    Returns:
        grain: feature_name; retention_impact_score in percentage points.
    """
    then = revenue_then.filter(pl.col("account_status") == ACTIVE).select("account_id")
    cohort = then.join(accounts.select("account_id", stayed="is_active"), on="account_id", how="inner", validate="1:1")
    whole = cohort.select(all_accounts=pl.len().cast(pl.Int64), all_stayed=pl.col("stayed").sum().cast(pl.Int64))
    users, others = pl.col("users"), pl.col("all_accounts") - pl.col("users")
    return (
        adoption.filter("was_used_90d_ago")
        .join(cohort, on="account_id", how="inner", validate="m:1")
        .group_by("feature_name")
        .agg(users=pl.len().cast(pl.Int64), users_stayed=pl.col("stayed").sum().cast(pl.Int64))
        .join(whole, how="cross")
        .filter(users >= accounts_needed, others >= accounts_needed)
        .select(
            "feature_name",
            retention_impact_score=percent(pl.col("users_stayed"), users)
            - percent(pl.col("all_stayed") - pl.col("users_stayed"), others),
        )
    )
