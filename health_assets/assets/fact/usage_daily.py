"""What each account did in the product on each day, events of machines included.

Trailing windows belong in fact/account_usage_daily.py, users in fact/user_daily.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import category_total, event_features, with_features
from health_assets.contracts.columns import AccountId, Count, Day, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, safe_ratio
from health_assets.settings import Settings
from health_assets.tables import identity, table


class UsageDaily(Contract):
    """How much and how broadly did each account use the product on a day? Days without an event have no row."""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    activity_date = Day("Local day of the events", primary_key=True, nullable=False, metadata={"available_from": True})
    event_count = Count("Events, those without a user included")
    active_user_count = Count("Different users; 0 = only events without a user")
    feature_count = Count("Different features; an event that is not in the catalogue is one by its name")
    category_count = Count("Different categories of features; an event without a category is in none")
    feature_breadth = Share("Categories used / categories that exist")
    is_power_usage_day = dy.Bool(description="Many events and many features, by engagement.power_day of the settings")

    @dy.rule()
    def active_user_count__within_events(cls) -> pl.Expr:
        return pl.col("active_user_count") <= pl.col("event_count")


@table(UsageDaily, monthly=True, lookback_months=0, settings_sections=("engagement", "timezone"))
def fact_usage_daily(
    staged_usage_events: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day with an event; users are those of fact_user_daily."""
    features = event_features(staged_features, settings)
    power_day = settings.engagement.power_day
    users = (
        fact_user_daily.filter(period.holds(pl.col("activity_date")))
        .group_by("account_id", "activity_date")
        .agg(active_user_count=pl.len().cast(pl.Int64))
    )
    return (
        staged_usage_events.filter(period.holds(pl.col("event_date")))
        .with_columns(pl.col("account_id", "event_name").cast(pl.Categorical))  # codes group faster than text
        .pipe(with_features, features.cast(pl.Categorical))
        .group_by("account_id", activity_date="event_date")
        .agg(
            event_count=pl.len().cast(pl.Int64),
            feature_count=pl.col("feature_name").n_unique().cast(pl.Int64),
            category_count=pl.col("category").drop_nulls().n_unique().cast(pl.Int64),
        )
        .with_columns(pl.col("account_id").cast(pl.String))
        .join(users, on=["account_id", "activity_date"], how="left", validate="1:1")
        .join(category_total(features), how="cross")
        .with_columns(
            pl.col("active_user_count").fill_null(0),
            feature_breadth=safe_ratio(pl.col("category_count"), pl.col("category_total")),
            is_power_usage_day=(pl.col("event_count") >= power_day.events)
            & (pl.col("feature_count") >= power_day.features),
        )
        .sort("account_id", "activity_date")
        .select(UsageDaily.column_names())
    )


@identity(of=fact_usage_daily)
def event_count__is_that_of_the_events(
    fact_usage_daily: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
) -> pl.LazyFrame:
    """On each day the accounts together have the events that were read."""
    by_account = fact_usage_daily.group_by("activity_date").agg(pl.col("event_count").sum())
    events = staged_usage_events.group_by(activity_date="event_date").agg(staged_count=pl.len().cast(pl.Int64))
    both = by_account.join(events, on="activity_date", how="full", coalesce=True, validate="1:1")
    return both.filter(pl.col("event_count").fill_null(0) != pl.col("staged_count").fill_null(0))
