"""Activity of each user on each day: the first stage of the reduction of events.

Accounts belong in fact/usage_daily.py, trailing windows and user tiers in fact/user_engagement.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import event_features, with_features
from health_assets.contracts.columns import AccountId, Count, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, exact_sum, on_days
from health_assets.settings import Settings
from health_assets.tables import table

MINUTES_PER_DAY = 24 * 60
CODES = 2**32  # a code of a name, or a day, is below it: two of them in one integer are grouped and sorted faster


class UserDaily(Contract):
    """Who used the product on which days, and how much? Days without an event have no row."""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    user_id = dy.String(primary_key=True, description="User; events that name no user count for the account only")
    activity_date = Day("Local day of the events", primary_key=True, nullable=False, metadata={"available_from": True})
    event_count = Count("Events")
    feature_count = Count("Distinct features; an event that is not in the catalogue is a feature of its own name")
    session_count = Count("Sessions that began on this day; one that runs past midnight counts on its first day")
    active_seconds = dy.Float64(
        nullable=True, min=0, description="Total duration of the events, in seconds; null = no event has a duration"
    )


@table(UserDaily, monthly=True, lookback_months=1, settings_sections=("engagement", "timezone"))
def fact_user_daily(
    staged_usage_events: pl.LazyFrame, staged_features: pl.LazyFrame, settings: Settings, period: Period
) -> pl.LazyFrame:
    """One row per account, user and day with an event."""
    gap = settings.engagement.session_gap_minutes
    read_from = period.starting(1 + gap // MINUTES_PER_DAY)  # for sessions that run into the first day
    by_user = (
        staged_usage_events.filter(
            on_days(pl.col("event_date"), read_from, period.last_day), pl.col("user_id").is_not_null()
        )
        # codes group faster than text
        .with_columns(pl.col("account_id", "user_id", "event_name").cast(pl.Categorical))
        .select(
            "account_id",
            "user_id",
            "event_name",
            "event_count",
            "duration_seconds",
            activity_date="event_date",
            sessions=pl.coalesce("sessions_begun", _starts_session(gap).cast(pl.Int64)),
        )
        .filter(period.holds(pl.col("activity_date")))
        .pipe(with_features, event_features(staged_features, settings).cast(pl.Categorical))
        .group_by("account_id", "user_id", "activity_date")
        .agg(
            pl.col("event_count").sum(),
            feature_count=pl.col("feature_name").n_unique().cast(pl.Int64),
            session_count=pl.col("sessions").sum(),
            active_seconds=pl.when(pl.col("duration_seconds").count() > 0).then(exact_sum(pl.col("duration_seconds"))),
        )
    )
    return by_user.pipe(_in_order_of_names).select(UserDaily.column_names())


def _in_order_of_names(by_user: pl.LazyFrame) -> pl.LazyFrame:
    """The names of the codes, and rows by account, user and day: users are sorted by name, their days by number."""
    users = (
        by_user.select("account_id", "user_id")
        .unique()
        .with_columns(pl.col("account_id", "user_id").cast(pl.String).name.suffix("_name"))
        .sort("account_id_name", "user_id_name")
        .with_row_index("place")
    )
    place_and_day = pl.col("place").cast(pl.Int64) * CODES + pl.col("activity_date").to_physical()
    return (
        by_user.join(users, on=["account_id", "user_id"], how="left", validate="m:1")
        .sort(place_and_day)
        .with_columns(account_id="account_id_name", user_id="user_id_name")
    )


def _starts_session(gap_minutes: int) -> pl.Expr:
    """Whether the user's previous event is longer ago than the gap, or there is none."""
    user = pl.col("account_id").to_physical().cast(pl.Int64) * CODES + pl.col("user_id").to_physical()
    previous = pl.col("event_timestamp").shift(1).over(user, order_by="event_timestamp")
    return (pl.col("event_timestamp") - previous > pl.duration(minutes=gap_minutes)).fill_null(True)
