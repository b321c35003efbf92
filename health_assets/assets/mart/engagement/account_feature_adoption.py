"""Which features each account uses on the as-of day, and by how many of its users.

Features over all accounts are in feature_adoption.py, their share by account and day in fact/account_adoption_daily.py.
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
LOOK_BACK = 90  # days from the use of a feature to the question who stayed
KEY = ["account_id", "feature_name"]


class AccountFeatureAdoption(Contract):
    """Which features does each account use, and how many of its users do?

    Every account has a row for each feature of the catalogue; an event that is not in it is a feature by its name, with
    rows of the accounts that use it. Empty without events, or where they are silent for too long.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    feature_name = dy.String(primary_key=True, description="Feature")
    feature_category = dy.String(nullable=True, description="Category; null = none")
    event_count_30d = Count("Events of the feature in 30 days")
    user_count_30d = Count("Different users of the feature in 30 days; 0 also where only machines use it")
    user_day_count_30d = Count("Days with the feature, of each of these users, summed")
    adoption_rate = Share("user_count_30d / users of the account with any event in 30 days")
    is_used = dy.Bool(description="Whether there was an event of the feature in 30 days")
    was_used_90d_ago = dy.Bool(description="Whether there was one in the 30 days up to 90 days ago")

    @dy.rule()
    def user_day_count_30d__at_least_users(cls) -> pl.Expr:
        return pl.col("user_day_count_30d") >= pl.col("user_count_30d")


@table(AccountFeatureAdoption, fed_by=("fact_account_usage_daily",))
def mart_account_feature_adoption(
    dim_account: pl.LazyFrame,
    dim_feature: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per account and feature of the catalogue, or used."""
    features = event_features(staged_features, settings)
    mau = fact_account_usage_daily.filter(pl.col("as_of_date") == as_of).select(
        "account_id", mau="active_user_count_30d"
    )
    accounts = dim_account.select("account_id").join(mau, on="account_id", how="inner", validate="1:1")
    now = staged_usage_events.filter(_in_window_to(as_of)).pipe(with_features, features)
    before = staged_usage_events.filter(_in_window_to(as_of - timedelta(days=LOOK_BACK))).pipe(with_features, features)
    used_before = before.select(*KEY, "category", was_used_90d_ago=True).unique()
    catalogue = dim_feature.select("feature_name", in_catalogue="feature_category").join(accounts, how="cross")
    counts = ["event_count_30d", "user_count_30d", "user_day_count_30d"]
    return (
        _counted(now)
        .join(used_before, on=KEY, how="full", coalesce=True, validate="1:1", suffix="_before")
        .join(catalogue.select(*KEY, "in_catalogue"), on=KEY, how="full", coalesce=True, validate="1:1")
        .join(accounts, on="account_id", how="inner", validate="m:1")
        .with_columns(pl.col(counts).fill_null(0), pl.col("was_used_90d_ago").fill_null(False))
        .with_columns(
            as_of_date=pl.lit(as_of),
            feature_category=pl.coalesce("in_catalogue", "category", "category_before"),
            adoption_rate=safe_ratio(pl.col("user_count_30d"), pl.col("mau")),
            is_used=pl.col("event_count_30d") > 0,
        )
        .sort(KEY)
        .select(AccountFeatureAdoption.column_names())
    )


def _in_window_to(day: date) -> pl.Expr:
    return on_days(pl.col("event_date"), day - timedelta(days=WINDOW - 1), day)


def _counted(events: pl.LazyFrame) -> pl.LazyFrame:
    """Events, users and user-days of each account and feature; days of a user are reduced first."""
    return (
        events.group_by(*KEY, "category", "user_id", "event_date")
        .agg(event_count=pl.len().cast(pl.Int64))
        .group_by(*KEY, "category")
        .agg(
            event_count_30d=pl.col("event_count").sum(),
            user_count_30d=pl.col("user_id").drop_nulls().n_unique().cast(pl.Int64),
            user_day_count_30d=pl.col("user_id").count().cast(pl.Int64),
        )
    )
