"""How each account used the product in the days up to each day.

What happened on a day by itself belongs in fact/usage_daily.py, adoption and logins in fact/account_adoption_daily.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import category_total, event_features, with_features
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import ONCE, Period, counts_by_day, covered_days, recurrences, safe_ratio
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

WEEK, WINDOW, REFERENCE_WINDOW = 7, 30, 31  # NovaCRM's published score counts D-30 ... D
READ_BACK = 2 * WINDOW


class AccountUsageDaily(Contract):
    """How much, how widely and by how many users did each account use the product in the days up to each day?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    event_count_30d = Count("Events in 30 days; 0 = the feed is there, and none came")
    event_count_previous_30d = Count("Events in the 30 days before those")
    usage_change_ratio = dy.Float64(
        nullable=True,
        min=-1,
        description="Events of 30 days / of the 30 days before - 1; null when there were none before",
    )
    active_user_count_7d = Count("Different users with an event in 7 days")
    active_user_count_30d = Count("Different users with an event in 30 days")
    active_day_count_30d = Count("Days with an event in 30 days")
    feature_breadth_30d = Share("Categories used in 30 days / categories that exist")
    event_name_count_31d = Count("Different event names in 31 days; null = no event", nullable=True)
    events_per_active_day_31d = dy.Float64(
        nullable=True, min=0, description="Events / days with an event in 31 days; null = no event"
    )


@table(
    AccountUsageDaily,
    monthly=True,
    settings_sections=("engagement", "timezone", "stale_after_days"),
    fed_by=("fact_usage_daily",),
)
def fact_account_usage_daily(
    staged_accounts: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period on which the feed was alive, from the account's signup on."""
    read_from = period.starting(READ_BACK)
    features = event_features(staged_features, settings)
    usage = fact_usage_daily.filter(pl.col("activity_date") >= read_from)
    users = fact_user_daily.filter(pl.col("activity_date") >= read_from)
    active = recurrences(users, "account_id", "user_id", "activity_date")
    names = staged_usage_events.filter(pl.col("event_date") >= read_from).select(
        pl.col("account_id", "event_name").cast(pl.Categorical), "event_date"
    )
    categories = names.pipe(with_features, features.cast(pl.Categorical)).filter(pl.col("category").is_not_null())
    counted = {
        "active_user_count_7d": covered_days(active, WEEK),
        "active_user_count_30d": covered_days(active, WINDOW),
        "event_name_count_31d": covered_days(
            recurrences(names, "account_id", "event_name", "event_date"), REFERENCE_WINDOW
        ),
        "categories": covered_days(recurrences(categories, "account_id", "category", "event_date"), WINDOW),
        "event_count_30d": _counting(usage, WINDOW, pl.col("event_count")),
        "event_count_60d": _counting(usage, 2 * WINDOW, pl.col("event_count")),
        "event_count_31d": _counting(usage, REFERENCE_WINDOW, pl.col("event_count")),
        "active_day_count_30d": _counting(usage, WINDOW, ONCE),
        "active_day_count_31d": _counting(usage, REFERENCE_WINDOW, ONCE),
    }
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .pipe(while_fresh, "usage_events", fact_usage_daily, "activity_date", settings)
        .rename({"day": "as_of_date"})
        .join(category_total(features), how="cross")
        .with_columns(event_count_previous_30d=pl.col("event_count_60d") - pl.col("event_count_30d"))
        .with_columns(
            usage_change_ratio=safe_ratio(pl.col("event_count_30d"), pl.col("event_count_previous_30d")) - 1,
            feature_breadth_30d=safe_ratio(pl.col("categories"), pl.col("category_total")),
            event_name_count_31d=pl.col("event_name_count_31d").replace(0, None),
            events_per_active_day_31d=safe_ratio(pl.col("event_count_31d"), pl.col("active_day_count_31d")),
        )
        .select(AccountUsageDaily.column_names())
    )


def _counting(usage: pl.LazyFrame, days: int, size: pl.Expr) -> pl.LazyFrame:
    """Days with usage, each counting in the windows of so many days."""
    first_day = pl.col("activity_date")
    return usage.select("account_id", first_day=first_day, end_day=first_day.dt.offset_by(f"{days}d"), size=size)
