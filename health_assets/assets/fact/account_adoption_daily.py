"""How far each account has adopted the product by each day: users, features, licenses, logins.

Volumes of usage belong in fact/account_usage_daily.py, users one by one in fact/user_engagement.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.feature import event_features, with_features
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import (
    ONCE,
    Period,
    counts_by_day,
    covered_days,
    days_between,
    on_days,
    recurrences,
    safe_ratio,
)
from health_assets.scoring.scorecards import SIGNAL_KEY, joined_signals
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

WINDOW = 30


class AccountAdoptionDaily(Contract):
    """Who and how much of the product has each account adopted by each day?

    An account without any of these measured on a day has no row for it.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    total_user_count = Count(
        "Users created by the day who have access; null = users are not connected, or access is not known for the day",
        nullable=True,
    )
    activated_user_count = Count("Those with an event ever; null as they are, or without events", nullable=True)
    user_activation_rate = Share("activated_user_count / total_user_count")
    feature_adoption_rate = Share("Features of the catalogue used in 30 days / its features")
    feature_adoption_score = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="As the latest snapshot that says so has it, 0-1; null = none, or stale",
    )
    login_frequency = dy.Float64(
        nullable=True, min=0, description="Logins as the latest snapshot that says so has them; null = none, or stale"
    )
    license_utilization = dy.Float64(
        nullable=True,
        min=0,
        description="Share of seats in use: of the latest snapshot that says so; else the CRM's, on the load day; else users "
        "of 30 days / licensed seats; may exceed 1; null = none is known",
    )
    days_since_last_login = Count(
        "Days since the latest event or login; null = never one, or no source is fresh", nullable=True
    )


@table(AccountAdoptionDaily, monthly=True, settings_sections=("engagement", "stale_after_days"))
def fact_account_adoption_daily(
    staged_accounts: pl.LazyFrame,
    staged_users: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    staged_usage_snapshots: pl.LazyFrame,
    staged_usage_events: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period on which something is measured, from the account's signup on."""
    day, is_load_day = pl.col("as_of_date"), pl.col("as_of_date") == load_day
    counted = {
        "total_user_count": _users(staged_users),
        "activated_user_count": _activated_users(staged_users, fact_user_daily),
        "features_used": _features_used(staged_usage_events, staged_features, settings, period),
    }
    usage = fact_account_usage_daily.filter(period.holds(day)).select(*SIGNAL_KEY, "active_user_count_30d")
    of_account = staged_accounts.select("account_id", "licensed_seats", crm_utilization="license_utilization").join(
        _last_logins(staged_users, load_day), on="account_id", how="left", validate="1:1"
    )
    measured = [name for name in AccountAdoptionDaily.column_names() if name not in SIGNAL_KEY]
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .pipe(joined_signals, usage)
        .join(_what_is_there(staged_users, staged_features), how="cross", maintain_order="left")
        .join(of_account, on="account_id", how="left", validate="m:1", maintain_order="left")
        .pipe(_with_latest, _event_days(fact_usage_daily))
        .pipe(_with_latest, _snapshots(staged_usage_snapshots))
        .pipe(_with_latest, _snapshot_logins(staged_usage_snapshots))
        .pipe(with_freshness, "as_of_date", "usage_snapshots", staged_usage_snapshots, "snapshot_date", settings)
        .with_columns(
            has_events=pl.col("active_user_count_30d").is_not_null(),
            knows_access=pl.col("has_users") & (is_load_day | ~pl.col("says_access")),
            last_login_date=pl.when(is_load_day).then("last_login_date"),
        )
        .with_columns(
            pl.when("knows_access").then("total_user_count").alias("total_user_count"),
            pl.when(pl.col("knows_access") & pl.col("has_events"))
            .then("activated_user_count")
            .alias("activated_user_count"),
            pl.when("has_usage_snapshots").then(
                pl.col("feature_adoption_score", "login_frequency", "snapshot_utilization")
            ),
        )
        .with_columns(
            user_activation_rate=safe_ratio(pl.col("activated_user_count"), pl.col("total_user_count")),
            feature_adoption_rate=pl.when("has_events").then(
                safe_ratio(pl.col("features_used"), pl.col("feature_total"))
            ),
            license_utilization=pl.coalesce(
                "snapshot_utilization",
                pl.when(is_load_day).then("crm_utilization"),
                safe_ratio(pl.col("active_user_count_30d"), pl.col("licensed_seats")),
            ),
            days_since_last_login=_days_since_last_login(),
        )
        .filter(pl.any_horizontal(pl.col(measured).is_not_null()))
        .select(AccountAdoptionDaily.column_names())
    )


def _users(staged_users: pl.LazyFrame) -> pl.LazyFrame:
    """Users not known to have lost access, from their creation on; from ever where that is not known."""
    return staged_users.filter(pl.col("is_active").fill_null(True)).select(
        "account_id",
        first_day=pl.col("created_date").fill_null(date.min),
        end_day=pl.lit(None, pl.Date),
        size=ONCE,
    )


def _activated_users(staged_users: pl.LazyFrame, fact_user_daily: pl.LazyFrame) -> pl.LazyFrame:
    """The same users from the day on which they exist and have had an event."""
    first_events = fact_user_daily.group_by("account_id", "user_id").agg(first_event=pl.col("activity_date").min())
    active = staged_users.join(first_events, on=["account_id", "user_id"], how="inner", validate="1:1")
    return _users(active.with_columns(created_date=pl.max_horizontal("created_date", "first_event")))


def _features_used(
    staged_usage_events: pl.LazyFrame, staged_features: pl.LazyFrame, settings: Settings, period: Period
) -> pl.LazyFrame:
    """For each account and feature of the catalogue the days on which it was used within the window."""
    used = (
        staged_usage_events.filter(on_days(pl.col("event_date"), period.starting(WINDOW - 1), period.last_day))
        .select("account_id", "event_name", "event_date")
        .unique()
        .pipe(with_features, event_features(staged_features, settings))
        .join(staged_features.select("feature_name"), on="feature_name", how="semi")
    )
    return covered_days(recurrences(used, "account_id", "feature_name", "event_date"), WINDOW)


def _what_is_there(staged_users: pl.LazyFrame, staged_features: pl.LazyFrame) -> pl.LazyFrame:
    """One row: whether users are connected, whether the file says who has access, how many features there are."""
    users = staged_users.select(has_users=pl.len() > 0, says_access=pl.col("is_active").is_not_null().any())
    return users.join(staged_features.select(feature_total=pl.len()), how="cross")


def _last_logins(staged_users: pl.LazyFrame, load_day: date) -> pl.LazyFrame:
    """Of each account, as of the load day: a later login of one user does not hide those before it."""
    by_then = staged_users.filter(pl.col("last_login_date") <= load_day)
    return by_then.group_by("account_id").agg(pl.col("last_login_date").max())


def _event_days(fact_usage_daily: pl.LazyFrame) -> pl.LazyFrame:
    return fact_usage_daily.select("account_id", day="activity_date", last_event_date="activity_date")


def _snapshots(staged_usage_snapshots: pl.LazyFrame) -> pl.LazyFrame:
    """What is known from each snapshot on: what it lacks is as the one before has it."""
    said = pl.col("feature_adoption_score", "login_frequency", "snapshot_utilization")
    return (
        staged_usage_snapshots.rename({"snapshot_date": "day", "license_utilization": "snapshot_utilization"})
        .sort("account_id", "day")
        .select("account_id", "day", said.forward_fill().over("account_id"))
    )


def _snapshot_logins(staged_usage_snapshots: pl.LazyFrame) -> pl.LazyFrame:
    """The latest login from the day on which one is known: that of its snapshot, or its own if that is later."""
    return (
        staged_usage_snapshots.filter(pl.col("last_login_date").is_not_null())
        .select("account_id", "last_login_date", day=pl.max_horizontal("snapshot_date", "last_login_date"))
        .sort("account_id", "day")
        .select("account_id", "day", snapshot_login_date=pl.col("last_login_date").cum_max().over("account_id"))
    )


def _with_latest(panel: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Beside each account and day the account's latest row (of its `day`) by then; the days of each are in order."""
    return panel.join_asof(
        rows.sort("day"),
        left_on="as_of_date",
        right_on="day",
        by="account_id",
        check_sortedness=False,
    ).drop("day", strict=False)


def _days_since_last_login() -> pl.Expr:
    """From the latest event or login by the day; a source that has gone stale says nothing by itself."""
    logins = pl.max_horizontal("last_event_date", "snapshot_login_date", "last_login_date")
    says_login = pl.col("has_usage_snapshots") & pl.col("snapshot_login_date").is_not_null()
    is_known = pl.col("has_events") | says_login | pl.col("last_login_date").is_not_null()
    return pl.when(is_known).then(days_between(logins, pl.col("as_of_date")))
