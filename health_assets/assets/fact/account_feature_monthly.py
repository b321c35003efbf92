"""Use of each feature by each account in each month.

Adoption across accounts belongs in mart/engagement/feature_adoption_monthly.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import event_features, with_features
from health_assets.contracts.columns import AccountId, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, month_of
from health_assets.settings import Settings
from health_assets.tables import table


class AccountFeatureMonthly(Contract):
    """Which features did each account use in each month, and how much? Months without use have no row."""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    feature_name = dy.String(primary_key=True, description="Feature; an event that is not in the catalogue is its name")
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    event_count = Count("Events of the feature, in the as-of month those up to the as-of day")
    active_day_count = Count("Days with such an event")


@table(AccountFeatureMonthly, monthly=True, lookback_months=0, settings_sections=("engagement", "timezone"))
def fact_account_feature_monthly(
    staged_usage_events: pl.LazyFrame, staged_features: pl.LazyFrame, settings: Settings, period: Period
) -> pl.LazyFrame:
    """One row per account, feature and month with an event of it."""
    features = event_features(staged_features, settings)
    return (
        staged_usage_events.filter(period.holds(pl.col("event_date")))
        .select(pl.col("account_id", "event_name").cast(pl.Categorical), "event_date", "event_count")
        .group_by("account_id", "event_name", "event_date")
        .agg(pl.col("event_count").sum())
        .pipe(with_features, features.cast(pl.Categorical))
        .group_by("account_id", "feature_name", month=month_of(pl.col("event_date")))
        .agg(pl.col("event_count").sum(), active_day_count=pl.col("event_date").n_unique().cast(pl.Int64))
        .with_columns(pl.col("account_id", "feature_name").cast(pl.String))
        .sort("account_id", "feature_name", "month")
        .select(AccountFeatureMonthly.column_names())
    )
