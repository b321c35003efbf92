"""The feed of events by name and day, across all accounts.

Accounts belong in fact/usage_daily.py; the catalogue made of these names in dim/feature.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period
from health_assets.tables import table


class EventDaily(Contract):
    """Which events does the feed have on each day, and how many accounts and users do them?"""

    event_name = dy.String(primary_key=True, description="Event, lower case")
    activity_date = Day("Local day of the events", primary_key=True, nullable=False, metadata={"available_from": True})
    event_count = Count("Events")
    user_event_count = Count("Of these, events that name a user")
    account_count = Count("Distinct accounts")

    @dy.rule()
    def user_event_count__within_events(cls) -> pl.Expr:
        """Events of users are among all events."""
        return pl.col("user_event_count") <= pl.col("event_count")


@table(EventDaily, monthly=True, lookback_months=0, settings_sections=("timezone",))
def fact_event_daily(staged_usage_events: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """One row per event name and day with such an event."""
    return (
        staged_usage_events.filter(period.holds(pl.col("event_date")))
        .select(
            pl.col("account_id", "event_name").cast(pl.Categorical),
            "event_count",
            activity_date="event_date",
            user_event_count=pl.when(pl.col("user_id").is_not_null()).then("event_count"),
        )
        .group_by("event_name", "activity_date")
        .agg(
            pl.col("event_count", "user_event_count").sum(),
            account_count=pl.col("account_id").n_unique().cast(pl.Int64),
        )
        .with_columns(pl.col("event_name").cast(pl.String))
        .sort("event_name", "activity_date")
        .select(EventDaily.column_names())
    )
