"""How each account used the product in the days up to each day.

What happened on a day by itself belongs in fact/usage_daily.py, adoption and logins in fact/account_adoption_daily.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.feature import category_total, event_features, with_features
from health_assets.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts import Contract
from health_assets.expressions import Period, distinct_in_window, is_fresh, safe_ratio, trailing_sum
from health_assets.settings import Settings
from health_assets.tables import table

WEEK, WINDOW, REFERENCE_WINDOW = 7, 30, 31  # NovaCRM's published score counts D-30 ... D
READ_BACK = 2 * WINDOW + 1


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


@table(AccountUsageDaily, monthly=True, settings_sections=("engagement", "timezone", "stale_after_days"))
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
    day = pl.col("as_of_date")
    usage = fact_usage_daily.select("account_id", "activity_date", "event_count")
    users = fact_user_daily.select("account_id", "user_id", "activity_date").filter(
        pl.col("activity_date") >= read_from
    )
    features = event_features(staged_features, settings)
    names = (
        staged_usage_events.filter(pl.col("event_date") >= read_from)
        .select("account_id", "event_name", "event_date")
        .unique()
        .pipe(with_features, features)
    )
    changes = [
        distinct_in_window(users, "account_id", "user_id", "activity_date", WEEK, "active_user_count_7d"),
        distinct_in_window(users, "account_id", "user_id", "activity_date", WINDOW, "active_user_count_30d"),
        distinct_in_window(names, "account_id", "event_name", "event_date", REFERENCE_WINDOW, "event_name_count_31d"),
        distinct_in_window(
            names.filter(pl.col("category").is_not_null()), "account_id", "category", "event_date", WINDOW, "categories"
        ),
    ]
    days = pl.LazyFrame({"as_of_date": pl.date_range(read_from, period.last_day, eager=True)})
    panel = staged_accounts.select("account_id", "signup_date").join(days, how="cross")
    panel = panel.join(
        usage.filter(pl.col("activity_date") >= read_from),
        left_on=["account_id", "as_of_date"],
        right_on=["account_id", "activity_date"],
        how="left",
    )
    for change in changes:
        panel = panel.join(change.rename({"day": "as_of_date"}), on=["account_id", "as_of_date"], how="left")
    counted = ["active_user_count_7d", "active_user_count_30d", "event_name_count_31d", "categories"]
    return (
        panel.sort("account_id", "as_of_date")
        .with_columns(pl.col("event_count", *counted).fill_null(0))
        .with_columns(
            pl.col(counted).cum_sum().over("account_id"), is_active=(pl.col("event_count") > 0).cast(pl.Int64)
        )
        .with_columns(
            event_count_30d=trailing_sum("event_count", WINDOW),
            event_count_60d=trailing_sum("event_count", 2 * WINDOW),
            event_count_31d=trailing_sum("event_count", REFERENCE_WINDOW),
            active_day_count_30d=trailing_sum("is_active", WINDOW),
            active_day_count_31d=trailing_sum("is_active", REFERENCE_WINDOW),
        )
        .filter(day >= period.first_day, day >= pl.col("signup_date"))
        .sort("as_of_date", "account_id")
        .join_asof(
            usage.select("activity_date", feed_day="activity_date").unique().sort("activity_date"),
            left_on="as_of_date",
            right_on="activity_date",
        )
        .filter(is_fresh("usage_events", pl.col("feed_day"), day, settings))
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
