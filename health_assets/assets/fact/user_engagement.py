"""Activity of each user in the 30 days up to the as-of day, with engagement score and user tier.

Accounts belong in mart/engagement/account_engagement.py, single days in fact/user_daily.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import catalogue_by_day, event_features, with_features
from health_assets.contracts.columns import AccountId, Count, Score
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import FLOAT_DECIMALS, Period, days_between, exact_sum, first_match, on_days
from health_assets.settings import Settings
from health_assets.settings.engagement import Engagement
from health_assets.sources.freshness import with_freshness
from health_assets.tables import identity, table

WINDOW = 30
SECONDS_PER_HOUR = 3600
INACTIVE = "inactive"
USER_TIERS = ["power", "regular", "casual", "light", INACTIVE]
KEY = ["account_id", "user_id"]
NOT_MEASURED = "null = no fresh feed of events that names users"


class UserEngagement(Contract):
    """How intensely does each user use the product?

    Covers the users of the users source, and those who appear in events only.
    """

    account_id = AccountId(primary_key=True, of="staged_accounts")
    user_id = dy.String(primary_key=True, description="User")
    is_registered = dy.Bool(description="Whether the user is in the users source; others appear in events only")
    is_active = dy.Bool(nullable=True, description="Has access; null = unknown for the day, or not registered")
    session_count_30d = Count(f"Sessions that began in 30 days; {NOT_MEASURED}", nullable=True)
    event_count_30d = Count(f"Events in 30 days; {NOT_MEASURED}", nullable=True)
    feature_count_30d = Count(f"Distinct features used in 30 days; {NOT_MEASURED}", nullable=True)
    category_count_30d = Count(
        f"Distinct categories of features used in 30 days, or event names where these are the catalogue; {NOT_MEASURED}",
        nullable=True,
    )
    active_hours_30d = dy.Float64(
        nullable=True,
        min=0,
        description="Duration of the events of 30 days, in hours; 0 = no event; null = none of the user, or none of the feed, "
        "has a duration",
    )
    engagement_score = Score(
        "Weighted sum of sessions, events, features, categories and active hours of 30 days, by engagement.score of the "
        "settings; hours that are not measured count as none"
    )
    user_engagement_tier = dy.Enum(
        USER_TIERS, nullable=True, description=f"By engagement.user_tiers of the settings; {NOT_MEASURED}"
    )
    days_since_last_login = Count("Days since the latest event or login; null = never one, or unknown", nullable=True)


@table(UserEngagement)
def fact_user_engagement(
    staged_usage_events: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    fact_event_daily: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    dim_user: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per user of the users source, and per user of any event by the as-of day."""
    breadth = _breadth(staged_usage_events, event_features(staged_features, settings), as_of)
    counts = ["session_count_30d", "event_count_30d", "feature_count_30d", "category_count_30d"]
    of_day = catalogue_by_day(fact_event_daily, staged_features, settings, Period(as_of, as_of))
    has_events = pl.col("has_usage_events") & pl.col("has_user_ids")
    last_login = pl.max_horizontal("last_event_date", "last_login_date")
    return (
        dim_user.select(*KEY, "is_active", "last_login_date", is_registered=True)
        .join(_activity(fact_user_daily, as_of), on=KEY, how="full", coalesce=True, validate="1:1")
        .join(breadth, on=KEY, how="left", validate="1:1")
        .with_columns(pl.col("is_registered").fill_null(False), as_of_date=pl.lit(as_of))
        .join(of_day, how="cross")
        .pipe(with_freshness, "as_of_date", "usage_events", fact_event_daily, "activity_date", settings)
        .with_columns(
            category_count_30d=pl.when("uses_event_names").then("feature_count_30d").otherwise("category_count_30d")
        )
        .join(_durations(fact_user_daily, as_of), how="cross")
        .with_columns(pl.when(has_events).then(pl.col(counts).fill_null(0)))
        .with_columns(
            active_hours_30d=pl.when((pl.col("event_count_30d") == 0) & pl.col("has_durations"))
            .then(0.0)
            .otherwise("active_hours_30d")
        )
        .with_columns(
            engagement_score=_score(settings.engagement),
            user_engagement_tier=_tier(settings.engagement).cast(pl.Enum(USER_TIERS)),
            days_since_last_login=pl.when(has_events | pl.col("last_login_date").is_not_null()).then(
                days_between(last_login, pl.lit(as_of))
            ),
        )
        .sort(KEY)
        .select(UserEngagement.column_names())
    )


def _activity(fact_user_daily: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Activity in the window of each user seen by the as-of day, and the day of the latest event."""
    in_window = pl.col("activity_date") > as_of - timedelta(days=WINDOW)
    seconds = pl.col("active_seconds").filter(in_window)
    return (
        fact_user_daily.filter(pl.col("activity_date") <= as_of)
        .group_by(KEY)
        .agg(
            session_count_30d=pl.col("session_count").filter(in_window).sum(),
            event_count_30d=pl.col("event_count").filter(in_window).sum(),
            active_hours_30d=pl.when(seconds.count() > 0).then(
                (exact_sum(seconds) / SECONDS_PER_HOUR).round(FLOAT_DECIMALS)
            ),
            last_event_date=pl.col("activity_date").max(),
        )
    )


def _durations(fact_user_daily: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Whether any event of the feed in the window has a duration."""
    in_window = pl.col("activity_date").is_between(as_of - timedelta(days=WINDOW - 1), as_of)
    return fact_user_daily.filter(in_window).select(has_durations=pl.col("active_seconds").is_not_null().any())


def _breadth(staged_usage_events: pl.LazyFrame, features: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    first_day = as_of - timedelta(days=WINDOW - 1)
    return (
        staged_usage_events.filter(on_days(pl.col("event_date"), first_day, as_of), pl.col("user_id").is_not_null())
        .select(*KEY, "event_name")
        .unique()
        .pipe(with_features, features)
        .group_by(KEY)
        .agg(
            feature_count_30d=pl.col("feature_name").n_unique().cast(pl.Int64),
            category_count_30d=pl.col("category").drop_nulls().n_unique().cast(pl.Int64),
        )
    )


def _score(engagement: Engagement) -> pl.Expr:
    """100 x min(1, weighted sum / `full_at`)."""
    weights = engagement.score
    hours = pl.col("active_hours_30d").fill_null(0).clip(upper_bound=weights.active_hours_up_to)
    total = (
        weights.sessions * pl.col("session_count_30d")
        + weights.events * pl.col("event_count_30d")
        + weights.features * pl.col("feature_count_30d")
        + weights.categories * pl.col("category_count_30d")
        + weights.active_hours * hours
    )
    return (100.0 * total / weights.full_at).clip(upper_bound=100.0)


def _tier(engagement: Engagement) -> pl.Expr:
    """The first tier of the settings whose minimums are all reached; inactive where none is."""
    reached = [
        (
            (pl.col("session_count_30d") >= floors.sessions)
            & (pl.col("feature_count_30d") >= floors.features)
            & (pl.col("category_count_30d") >= floors.categories),
            name,
        )
        for name, floors in engagement.user_tiers.items()
    ]
    return first_match([*reached, (pl.col("session_count_30d").is_not_null(), INACTIVE)])


@identity(of=fact_user_engagement, severity=WARN)
def users__of_events_are_registered(fact_user_engagement: pl.LazyFrame) -> pl.LazyFrame:
    """With `users` connected, no other user has an event in 30 days: a bot, employee or test user would count as active.

    Leave their events out with `where` of the source usage_events.
    """
    return fact_user_engagement.filter(
        pl.col("is_registered").any(), ~pl.col("is_registered"), pl.col("event_count_30d") > 0
    )
