"""How each account used the product in the days up to each day.

Activity on single days belongs in fact/usage_daily.py, adoption and logins in fact/account_adoption_daily.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import catalogue_by_day, event_features
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Counted, Distinct, Spans, counts_by_day
from health_assets.contracts.expressions import Period, relative_change, safe_ratio
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

WEEK, WINDOW, REFERENCE_WINDOW = 7, 30, 31  # NovaCRM's published score counts D-30 ... D
NO_USERS = "null = no event of the feed in 90 days names a user"


class AccountUsageDaily(Contract):
    """How much, how widely and by how many users did each account use the product in the days up to each day?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    event_count_30d = Count("Events in 30 days; 0 = the feed is fresh and has none")
    event_count_previous_30d = Count("Events in the 30 days before those")
    usage_change_ratio = dy.Float64(
        nullable=True,
        min=-1,
        description="event_count_30d / event_count_previous_30d - 1; null where fewer than min_events came before",
    )
    active_user_count_7d = Count(f"Distinct users with an event in 7 days; {NO_USERS}", nullable=True)
    active_user_count_30d = Count(f"Distinct users with an event in 30 days; {NO_USERS}", nullable=True)
    active_day_count_30d = Count("Days with an event in 30 days")
    feature_breadth_30d = Share(
        "Categories used in 30 days / categories that exist, of which the feed ever had an event"
    )
    feature_count_30d = Count("Features of the catalogue used in 30 days")
    event_name_count_31d = Count("Distinct event names in 31 days; null = no event", nullable=True)
    events_per_active_day_31d = dy.Float64(
        nullable=True, min=0, description="Events / days with an event in 31 days; null = no event"
    )


@table(
    AccountUsageDaily,
    monthly=True,
    settings_sections=("engagement", "min_events", "timezone", "stale_after_days"),
    fed_by=("fact_usage_daily",),
)
def fact_account_usage_daily(
    staged_accounts: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    fact_event_daily: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period on which the feed is fresh, from the account's signup on."""
    catalogue = catalogue_by_day(fact_event_daily, staged_features, settings, period)
    counted = {
        **_volumes(fact_usage_daily.filter(pl.col("activity_date") > period.starting(2 * WINDOW))),
        **_active_users(fact_user_daily.filter(pl.col("activity_date") > period.starting(WINDOW))),
        **_names_and_features(
            staged_usage_events.filter(pl.col("event_date") > period.starting(REFERENCE_WINDOW)),
            event_features(staged_features, settings),
        ),
    }
    event_names = pl.when("uses_event_names").then("event_name_count_30d")
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .pipe(while_fresh, "usage_events", fact_usage_daily, "activity_date", settings)
        .join(catalogue, on="day", how="left", validate="m:1", maintain_order="left")
        .rename({"day": "as_of_date"})
        .with_columns(
            pl.when("has_user_ids").then(pl.col("active_user_count_7d", "active_user_count_30d")),
            event_count_previous_30d=pl.col("event_count_60d") - pl.col("event_count_30d"),
            category_count_30d=event_names.otherwise("category_count_30d"),
            feature_count_30d=event_names.otherwise("feature_count_30d"),
        )
        .with_columns(
            usage_change_ratio=relative_change(
                pl.col("event_count_30d"), pl.col("event_count_previous_30d"), settings.min_events
            ),
            feature_breadth_30d=safe_ratio(pl.col("category_count_30d"), pl.col("category_total")),
            event_name_count_31d=pl.col("event_name_count_31d").replace(0, None),
            events_per_active_day_31d=safe_ratio(pl.col("event_count_31d"), pl.col("active_day_count_31d")),
        )
        .select(AccountUsageDaily.column_names())
    )


def _volumes(usage: pl.LazyFrame) -> dict[str, Counted]:
    """Events and days with an event, by the windows that they are counted in."""
    day = pl.col("activity_date")

    def counted(days: int, size: pl.Expr | None = None) -> Spans:
        return Spans(usage, day, day.dt.offset_by(f"{days}d"), size)

    return {
        "event_count_30d": counted(WINDOW, pl.col("event_count")),
        "event_count_60d": counted(2 * WINDOW, pl.col("event_count")),
        "event_count_31d": counted(REFERENCE_WINDOW, pl.col("event_count")),
        "active_day_count_30d": counted(WINDOW),
        "active_day_count_31d": counted(REFERENCE_WINDOW),
    }


def _active_users(users: pl.LazyFrame) -> dict[str, Counted]:
    """Distinct users, by the windows that they are counted in."""
    return {
        "active_user_count_7d": Distinct(users, "user_id", "activity_date", WEEK),
        "active_user_count_30d": Distinct(users, "user_id", "activity_date", WINDOW),
    }


def _names_and_features(events: pl.LazyFrame, features: pl.LazyFrame) -> dict[str, Counted]:
    """Distinct event names, features and categories of the declared catalogue, by the windows that they count in."""
    names = events.select(pl.col("account_id", "event_name").cast(pl.Categorical), "event_date").join(
        features.cast(pl.Categorical), on="event_name", how="left", validate="m:1"
    )
    return {
        "event_name_count_30d": Distinct(names, "event_name", "event_date", WINDOW),
        "event_name_count_31d": Distinct(names, "event_name", "event_date", REFERENCE_WINDOW),
        "feature_count_30d": Distinct(names, "feature_name", "event_date", WINDOW),
        "category_count_30d": Distinct(names, "category", "event_date", WINDOW),
    }
