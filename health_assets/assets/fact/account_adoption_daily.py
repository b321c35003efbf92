"""How far each account has adopted the product by each day: users, features, licenses, logins.

Volumes of usage belong in fact/account_usage_daily.py, single users in fact/user_engagement.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import licensed_seats, seat_periods
from health_assets.assets.dim.feature import catalogue_by_day
from health_assets.assets.dim.user import access_known_since, users_of_all_loads
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import (
    ONCE,
    Period,
    days_between,
    safe_ratio,
)
from health_assets.contracts.history import end_of_validity, with_earlier_loads
from health_assets.scoring.signals import SIGNAL_KEY, joined_signals
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

SNAPSHOT_KEY = ["account_id", "snapshot_date"]


class AccountAdoptionDaily(Contract):
    """How much of the product has each account adopted by each day, and how many of its users?

    An account has no row for a day on which none of these is measured.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    total_user_count = Count(
        "Users created by the day who have access; null = users are not connected, or before the first load where the file "
        "says who has access",
        nullable=True,
    )
    activated_user_count = Count(
        "Of these users, those with an event ever; null where total_user_count is, or without a fresh feed of events that "
        "names users",
        nullable=True,
    )
    user_activation_rate = Share("activated_user_count / total_user_count")
    feature_adoption_rate = Share(
        "Features of the catalogue used in 30 days / features in the catalogue, of which the feed ever had an event"
    )
    feature_adoption_score = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="Adoption score of the latest snapshot that has one, 0-1; null = none, or stale",
    )
    login_frequency = dy.Float64(
        nullable=True, min=0, description="Logins of the latest snapshot that has them; null = none, or stale"
    )
    license_utilization = dy.Float64(
        nullable=True,
        min=0,
        description="Share of seats in use: of the latest snapshot that has it; else of the CRM, from the first load on; else "
        "active_user_count_30d / licensed seats; may exceed 1; null = none of these is known",
    )
    days_since_last_login = Count(
        "Days since the latest event or login; null = there never was one, or no source is fresh", nullable=True
    )


@table(AccountAdoptionDaily, monthly=True, settings_sections=("engagement", "stale_after_days"))
def fact_account_adoption_daily(
    staged_accounts: pl.LazyFrame,
    history_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    staged_users: pl.LazyFrame,
    history_users: pl.LazyFrame,
    staged_features: pl.LazyFrame,
    staged_usage_snapshots: pl.LazyFrame,
    history_usage_snapshots: pl.LazyFrame,
    fact_event_daily: pl.LazyFrame,
    fact_user_daily: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period on which something is measured, from the account's signup on."""
    counted = {
        "total_user_count": _users(staged_users, history_users),
        "activated_user_count": _activated_users(staged_users, history_users, fact_user_daily),
        "seats": seat_periods(staged_subscriptions),
    }
    usage = fact_account_usage_daily.filter(period.holds(pl.col("as_of_date"))).select(
        *SIGNAL_KEY, "active_user_count_30d", "feature_count_30d", has_events=pl.lit(True)
    )
    measured = [name for name in AccountAdoptionDaily.column_names() if name not in SIGNAL_KEY]
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .pipe(joined_signals, usage)
        .with_columns(pl.col("has_events").fill_null(False))
        .pipe(_with_user_rates, staged_users, history_users)
        .pipe(_with_feature_rate, catalogue_by_day(fact_event_daily, staged_features, settings, period))
        .pipe(
            _with_snapshots, with_earlier_loads(staged_usage_snapshots, history_usage_snapshots, SNAPSHOT_KEY), settings
        )
        .pipe(_with_license_utilization, history_accounts)
        .pipe(_with_days_since_last_login, fact_usage_daily, _user_logins(staged_users, history_users))
        .filter(pl.any_horizontal(pl.col(measured).is_not_null()))
        .select(AccountAdoptionDaily.column_names())
    )


def _users(staged_users: pl.LazyFrame, history_users: pl.LazyFrame) -> pl.LazyFrame:
    """Users from creation on, or ever where that is unknown, less (-1) those who are known to have no access."""
    of_user = users_of_all_loads(staged_users, history_users).select(
        "account_id", "user_id", "end_day", first_day=pl.col("created_date").fill_null(date.min)
    )
    without_access = history_users.filter(~pl.col("is_active")).select(
        "user_id", "valid_from", end_day=end_of_validity()
    )
    left = (
        of_user.drop("end_day")
        .join(without_access, on="user_id", how="inner", validate="1:m")
        .with_columns(first_day=pl.max_horizontal("first_day", "valid_from"), size=-ONCE)
        .drop("valid_from")
    )
    return pl.concat([of_user.with_columns(size=ONCE), left], how="diagonal").with_columns(
        pl.col("end_day").cast(pl.Date)
    )


def _activated_users(
    staged_users: pl.LazyFrame, history_users: pl.LazyFrame, fact_user_daily: pl.LazyFrame
) -> pl.LazyFrame:
    """The same users, from the day of their first event on."""
    first_events = fact_user_daily.group_by("account_id", "user_id").agg(first_event=pl.col("activity_date").min())
    return (
        _users(staged_users, history_users)
        .join(first_events, on=["account_id", "user_id"], how="inner", validate="m:1")
        .with_columns(first_day=pl.max_horizontal("first_day", "first_event"))
    )


def _with_user_rates(panel: pl.LazyFrame, staged_users: pl.LazyFrame, history_users: pl.LazyFrame) -> pl.LazyFrame:
    """The counts of users where they are known, and the activation rate."""
    exports = {"has_users": pl.len() > 0, "exports_access": pl.col("is_active").is_not_null().any()}
    file = staged_users.select(**exports).join(access_known_since(history_users), how="cross")
    is_load_seen = (pl.col("as_of_date") >= pl.col("access_since")).fill_null(False)
    knows_access = pl.col("has_users") & (~pl.col("exports_access") | is_load_seen)
    has_user_ids = pl.col("active_user_count_30d").is_not_null()
    return (
        panel.join(file, how="cross", maintain_order="left")
        .with_columns(
            total_user_count=pl.when(knows_access).then("total_user_count"),
            activated_user_count=pl.when(knows_access & has_user_ids).then("activated_user_count"),
        )
        .with_columns(user_activation_rate=safe_ratio(pl.col("activated_user_count"), pl.col("total_user_count")))
    )


def _with_feature_rate(panel: pl.LazyFrame, catalogue: pl.LazyFrame) -> pl.LazyFrame:
    totals = catalogue.select("feature_total", as_of_date="day")
    return panel.join(totals, on="as_of_date", how="left", validate="m:1", maintain_order="left").with_columns(
        feature_adoption_rate=safe_ratio(pl.col("feature_count_30d"), pl.col("feature_total"))
    )


def _with_snapshots(panel: pl.LazyFrame, usage_snapshots: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """The values of the account's latest snapshots while the feed is fresh, and the latest login that they know of."""
    values = pl.col("feature_adoption_score", "login_frequency", "snapshot_utilization")
    snapshots = (
        usage_snapshots.rename({"snapshot_date": "day", "license_utilization": "snapshot_utilization"})
        .sort("account_id", "day")
        .select("account_id", "day", values.forward_fill().over("account_id"))
    )
    logins = (
        usage_snapshots.filter(pl.col("last_login_date").is_not_null())
        .select("account_id", "last_login_date", day=pl.max_horizontal("snapshot_date", "last_login_date"))
        .sort("account_id", "day")
        .select("account_id", "day", snapshot_login_date=pl.col("last_login_date").cum_max().over("account_id"))
    )
    return (
        panel.pipe(_with_latest, snapshots)
        .pipe(_with_latest, logins)
        .pipe(with_freshness, "as_of_date", "usage_snapshots", usage_snapshots, "snapshot_date", settings)
        .with_columns(pl.when("has_usage_snapshots").then(values))
    )


def _with_license_utilization(panel: pl.LazyFrame, history_accounts: pl.LazyFrame) -> pl.LazyFrame:
    crm = history_accounts.select(
        "account_id", "licensed_seats", "valid_to", day="valid_from", crm_utilization="license_utilization"
    )
    is_crm_valid = (pl.col("as_of_date") <= pl.col("valid_to")).fill_null(True)
    return panel.pipe(_with_latest, crm).with_columns(
        license_utilization=pl.coalesce(
            "snapshot_utilization",
            pl.when(is_crm_valid).then("crm_utilization"),
            safe_ratio(pl.col("active_user_count_30d"), licensed_seats(is_crm_valid)),
        )
    )


def _user_logins(staged_users: pl.LazyFrame, history_users: pl.LazyFrame) -> pl.LazyFrame:
    """The latest login of each account from the day on which it is known: that of the load, or its own if later."""
    return (
        history_users.filter(pl.col("last_login_date").is_not_null())
        .drop("account_id")
        .join(
            users_of_all_loads(staged_users, history_users).select("user_id", "account_id"),
            on="user_id",
            how="inner",
            validate="m:1",
        )
        .select("account_id", "last_login_date", day=pl.max_horizontal("valid_from", "last_login_date"))
        .sort("account_id", "day")
        .select("account_id", "day", user_login_date=pl.col("last_login_date").cum_max().over("account_id"))
    )


def _with_days_since_last_login(
    panel: pl.LazyFrame, fact_usage_daily: pl.LazyFrame, user_logins: pl.LazyFrame
) -> pl.LazyFrame:
    """From the latest event or login by the day; a source that has gone stale is no evidence by itself."""
    events = fact_usage_daily.select("account_id", day="activity_date", last_event_date="activity_date")
    user_login, snapshot_login = pl.col("user_login_date"), pl.col("snapshot_login_date")
    is_known = (
        pl.col("has_events") | (pl.col("has_usage_snapshots") & snapshot_login.is_not_null()) | user_login.is_not_null()
    )
    latest = pl.max_horizontal("last_event_date", snapshot_login, user_login)
    return (
        panel.pipe(_with_latest, events)
        .pipe(_with_latest, user_logins)
        .with_columns(days_since_last_login=pl.when(is_known).then(days_between(latest, pl.col("as_of_date"))))
    )


def _with_latest(panel: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """The panel with the columns of the account's latest row (by its `day`) by each day, in the order of the panel."""
    return panel.join_asof(
        rows.sort("day"),
        left_on="as_of_date",
        right_on="day",
        by="account_id",
        check_sortedness=False,
    ).drop("day", strict=False)
