"""Product usage of each account on each day, including events that name no user.

Trailing windows belong in fact/account_usage_daily.py, users in fact/user_daily.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import catalogue_by_day, event_features, with_features
from health_assets.contracts.columns import AccountId, Count, Day, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, safe_ratio
from health_assets.settings import Settings
from health_assets.tables import identity, table


class UsageDaily(Contract):
    """How much and how broadly did each account use the product on a day? Days without an event have no row."""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    activity_date = Day("Local day of the events", primary_key=True, nullable=False, metadata={"available_from": True})
    event_count = Count("Events, including those that name no user")
    active_user_count = Count(
        "Distinct users; 0 = only events that name no user; null = no event of the feed in 90 days names one",
        nullable=True,
    )
    feature_count = Count("Distinct features; an event that is not in the catalogue is a feature of its own name")
    category_count = Count("Distinct categories of features; where the catalogue is the event names, distinct names")
    feature_breadth = Share("category_count / categories that exist, of which the feed ever had an event")
    is_power_usage_day = dy.Bool(description="Events and features reach engagement.power_day of the settings")

    @dy.rule()
    def active_user_count__within_events(cls) -> pl.Expr:
        """No more users were active than there were events."""
        return pl.col("active_user_count") <= pl.col("event_count")


@table(UsageDaily, monthly=True, settings_sections=("engagement", "timezone"))
def fact_usage_daily(
    staged_usage_events: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    fact_event_daily: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day with an event; users are those of fact_user_daily."""
    power_day = settings.engagement.power_day
    users = (
        fact_user_daily.filter(period.holds(pl.col("activity_date")))
        .group_by("account_id", "activity_date")
        .agg(active_user_count=pl.len().cast(pl.Int64))
    )
    catalogue = catalogue_by_day(fact_event_daily, staged_features, settings, period).rename({"day": "activity_date"})
    return (
        _events_of_accounts(staged_usage_events, event_features(staged_features, settings), period)
        .join(users, on=["account_id", "activity_date"], how="left", validate="1:1")
        .join(catalogue, on="activity_date", how="left", validate="m:1")
        .with_columns(
            active_user_count=pl.when("has_user_ids").then(pl.col("active_user_count").fill_null(0)),
            category_count=pl.when("uses_event_names").then("feature_count").otherwise("category_count"),
            is_power_usage_day=(pl.col("event_count") >= power_day.events)
            & (pl.col("feature_count") >= power_day.features),
        )
        .with_columns(feature_breadth=safe_ratio(pl.col("category_count"), pl.col("category_total")))
        .sort("account_id", "activity_date")
        .select(UsageDaily.column_names())
    )


def _events_of_accounts(staged_usage_events: pl.LazyFrame, features: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """Events, distinct features and distinct categories of the declared catalogue, by account and day."""
    return (
        staged_usage_events.filter(period.holds(pl.col("event_date")))
        .with_columns(pl.col("account_id", "event_name").cast(pl.Categorical))  # codes group faster than text
        .pipe(with_features, features.cast(pl.Categorical))
        .group_by("account_id", activity_date="event_date")
        .agg(
            pl.col("event_count").sum(),
            feature_count=pl.col("feature_name").n_unique().cast(pl.Int64),
            category_count=pl.col("category").drop_nulls().n_unique().cast(pl.Int64),
        )
        .with_columns(pl.col("account_id").cast(pl.String))
    )


@identity(of=fact_usage_daily)
def event_count__sums_to_all_events(
    fact_usage_daily: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
) -> pl.LazyFrame:
    """On each day the events of the accounts add up to the events of staged.usage_events, from the first day that it keeps on."""
    by_account = fact_usage_daily.group_by("activity_date").agg(pl.col("event_count").sum())
    events = staged_usage_events.group_by(activity_date="event_date").agg(staged_count=pl.col("event_count").sum())
    both = by_account.join(events, on="activity_date", how="full", coalesce=True, validate="1:1")
    first_day = pl.col("activity_date").filter(pl.col("staged_count").is_not_null()).min()
    return both.filter(
        pl.col("activity_date") >= pl.coalesce(first_day, pl.col("activity_date")),  # rows of old months may be deleted
        pl.col("event_count").fill_null(0) != pl.col("staged_count").fill_null(0),
    )
