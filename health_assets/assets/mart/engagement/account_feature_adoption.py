"""Which features each account uses on the as-of day, and how many of its users do.

Features across all accounts are in feature_adoption.py, the adoption rate by day in fact/account_adoption_daily.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import event_features, with_features
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import on_days, safe_ratio
from health_assets.settings import Settings
from health_assets.tables import table

WINDOW = 30
LOOK_BACK = 90  # days between the use of a feature and the retention of its users
NEVER_SEEN = "null = the feed never had an event of the feature"
NO_USERS = f"{NEVER_SEEN}, or names no user"
KEY = ["account_id", "feature_name"]


class AccountFeatureAdoption(Contract):
    """Which features does each account use, and how many of its users do?

    Every account has a row for each feature of the catalogue, and for each other event that it used, under the event's
    name. Empty without a fresh feed of events.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    feature_name = dy.String(primary_key=True, description="Feature")
    feature_category = dy.String(nullable=True, description="Category; null = none")
    event_count_30d = Count(f"Events of the feature in 30 days; {NEVER_SEEN}", nullable=True)
    user_count_30d = Count(f"Distinct users of the feature in 30 days; {NO_USERS}", nullable=True)
    user_day_count_30d = Count(f"Days with the feature, added up over these users; {NO_USERS}", nullable=True)
    adoption_rate = Share("user_count_30d / users of the account with any event in 30 days")
    is_used = dy.Bool(nullable=True, description=f"Whether there was an event of the feature in 30 days; {NEVER_SEEN}")
    was_used_90d_ago = dy.Bool(
        nullable=True,
        description=f"Whether there was one in the 30 days that ended 90 days ago; {NEVER_SEEN} by then",
    )

    @dy.rule()
    def user_day_count_30d__at_least_users(cls) -> pl.Expr:
        """Each user of a feature used it on at least one day."""
        return pl.col("user_day_count_30d") >= pl.col("user_count_30d")


@table(AccountFeatureAdoption, fed_by=("fact_account_usage_daily",))
def mart_account_feature_adoption(
    dim_account: pl.LazyFrame,
    dim_feature: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
    fact_event_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per account and feature of the catalogue, or used."""
    features = event_features(staged_features, settings)
    usage = fact_account_usage_daily.filter(pl.col("as_of_date") == as_of)
    accounts = dim_account.select("account_id").join(
        usage.select("account_id", mau="active_user_count_30d"), on="account_id", how="inner", validate="1:1"
    )
    now = staged_usage_events.filter(_in_window_to(as_of)).pipe(with_features, features)
    before = staged_usage_events.filter(_in_window_to(as_of - timedelta(days=LOOK_BACK))).pipe(with_features, features)
    catalogue = dim_feature.select("feature_name").join(accounts.select("account_id"), how="cross")
    names_users = pl.col("mau").is_not_null()
    return (
        _counted(now)
        .join(before.select(*KEY, was_used_90d_ago=True).unique(), on=KEY, how="full", coalesce=True, validate="1:1")
        .join(catalogue.select(KEY), on=KEY, how="full", coalesce=True, validate="1:1")
        .join(accounts, on="account_id", how="inner", validate="m:1")
        .join(dim_feature.select("feature_name", "feature_category"), on="feature_name", how="left", validate="m:1")
        .join(_first_days(fact_event_daily, features), on="feature_name", how="left", validate="m:1")
        .with_columns(
            _zero_since(as_of, "event_count_30d", 0),
            _zero_since(as_of - timedelta(days=LOOK_BACK), "was_used_90d_ago", False),
            pl.when(names_users).then(_zero_since(as_of, "user_count_30d", 0)),
            pl.when(names_users).then(_zero_since(as_of, "user_day_count_30d", 0)),
            as_of_date=pl.lit(as_of),
        )
        .with_columns(
            adoption_rate=safe_ratio(pl.col("user_count_30d"), pl.col("mau")), is_used=pl.col("event_count_30d") > 0
        )
        .sort(KEY)
        .select(AccountFeatureAdoption.column_names())
    )


def _in_window_to(day: date) -> pl.Expr:
    return on_days(pl.col("event_date"), day - timedelta(days=WINDOW - 1), day)


def _zero_since(day: date, column: str, zero: bool | int) -> pl.Expr:
    """The column, with zero where it is null but the feed had an event of the feature by the day."""
    return pl.when(pl.col("first_day") <= day).then(pl.col(column).fill_null(zero))


def _first_days(fact_event_daily: pl.LazyFrame, features: pl.LazyFrame) -> pl.LazyFrame:
    """The day of the first event of each feature in the whole feed."""
    events = fact_event_daily.group_by("event_name").agg(first_day=pl.col("activity_date").min())
    return events.pipe(with_features, features).group_by("feature_name").agg(pl.col("first_day").min())


def _counted(events: pl.LazyFrame) -> pl.LazyFrame:
    """Events, users and user-days of each account and feature; days of a user are reduced first."""
    return (
        events.group_by(*KEY, "user_id", "event_date")
        .agg(pl.col("event_count").sum())
        .group_by(KEY)
        .agg(
            event_count_30d=pl.col("event_count").sum(),
            user_count_30d=pl.col("user_id").drop_nulls().n_unique().cast(pl.Int64),
            user_day_count_30d=pl.col("user_id").count().cast(pl.Int64),
        )
    )
