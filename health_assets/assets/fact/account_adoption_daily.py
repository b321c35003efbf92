"""How far each account has adopted the product by each day: users, features, licenses, logins.

Volumes of usage belong in fact/account_usage_daily.py, single users in fact/user_engagement.py.
"""

from collections.abc import Iterable
from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import licensed_seats, seat_periods
from health_assets.assets.dim.feature import catalogue_by_day
from health_assets.assets.dim.user import access_known_since, users_of_all_loads
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Latest, counts_by_day, read_if_any
from health_assets.contracts.expressions import (
    ONCE,
    Period,
    days_between,
    safe_ratio,
)
from health_assets.contracts.history import end_of_validity, with_earlier_loads
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

SNAPSHOT_KEY = ["account_id", "snapshot_date"]
SNAPSHOT_VALUES = ["feature_adoption_score", "login_frequency", "snapshot_utilization"]


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
        *SIGNAL_KEY, "active_user_count_30d", "feature_count_30d", usage_date="as_of_date"
    )
    snapshots = with_earlier_loads(staged_usage_snapshots, history_usage_snapshots, SNAPSHOT_KEY)
    crm = _crm_versions(history_accounts)
    latest = [
        Latest(usage, "as_of_date", ["usage_date", "active_user_count_30d", "feature_count_30d"]),
        *_snapshots(snapshots),
        Latest(crm, "day", ["licensed_seats", "valid_to", "crm_utilization"]),
        Latest(_events(fact_usage_daily), "day", ["last_event_date"]),
        Latest(_user_logins(staged_users, history_users), "day", ["user_login_date"]),
    ]
    sources = (staged_users, history_users, usage, snapshots, crm.filter(pl.col("crm_utilization").is_not_null()))
    measured = [name for name in AccountAdoptionDaily.column_names() if name not in SIGNAL_KEY]
    return (
        counts_by_day(_where_any(staged_accounts, sources), "signup_date", counted, period, latest=latest)
        .rename({"day": "as_of_date"})
        .with_columns(has_events=(pl.col("usage_date") == pl.col("as_of_date")).fill_null(False))
        .with_columns(pl.when("has_events").then(pl.col("active_user_count_30d", "feature_count_30d")))
        .pipe(_with_user_rates, staged_users, history_users)
        .pipe(_with_feature_rate, catalogue_by_day(fact_event_daily, staged_features, settings, period))
        .pipe(with_freshness, "as_of_date", "usage_snapshots", snapshots, "snapshot_date", settings)
        .with_columns(pl.when("has_usage_snapshots").then(pl.col(SNAPSHOT_VALUES)))
        .with_columns(**_license_utilization(), **_days_since_last_login())
        .filter(pl.any_horizontal(pl.col(measured).is_not_null()))
        .select(AccountAdoptionDaily.column_names())
    )


def _where_any(accounts: pl.LazyFrame, sources: Iterable[pl.LazyFrame]) -> pl.LazyFrame:
    """All accounts where one of the sources has rows, else none: nothing can be measured of them."""
    any_row = pl.concat([rows.head(1).select(has_rows=pl.lit(True)) for rows in sources]).head(1)
    return accounts.join(any_row, how="cross")


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
    users = _users(staged_users, history_users)
    days = read_if_any(fact_user_daily.select("account_id", "user_id", "activity_date"), users)
    first_events = days.group_by("account_id", "user_id").agg(first_event=pl.col("activity_date").min())
    return users.join(first_events, on=["account_id", "user_id"], how="inner", validate="m:1").with_columns(
        first_day=pl.max_horizontal("first_day", "first_event")
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


def _snapshots(snapshots: pl.LazyFrame) -> list[Latest]:
    """The values of the latest snapshots that have them, and the latest login that they know of."""
    dated = snapshots.rename({"snapshot_date": "day", "license_utilization": "snapshot_utilization"})
    values = dated.sort("account_id", "day").select(
        "account_id", "day", pl.col(SNAPSHOT_VALUES).forward_fill().over("account_id")
    )
    logins = (
        snapshots.filter(pl.col("last_login_date").is_not_null())
        .select("account_id", "last_login_date", day=pl.max_horizontal("snapshot_date", "last_login_date"))
        .sort("account_id", "day")
        .select("account_id", "day", snapshot_login_date=pl.col("last_login_date").cum_max().over("account_id"))
    )
    return [Latest(values, "day", SNAPSHOT_VALUES), Latest(logins, "day", ["snapshot_login_date"])]


def _crm_versions(history_accounts: pl.LazyFrame) -> pl.LazyFrame:
    """Seats and their use as the CRM gives them, from the load day on which they were first seen."""
    return history_accounts.select(
        "account_id", "licensed_seats", "valid_to", day="valid_from", crm_utilization="license_utilization"
    )


def _license_utilization() -> dict[str, pl.Expr]:
    is_crm_valid = (pl.col("as_of_date") <= pl.col("valid_to")).fill_null(True)
    return {
        "license_utilization": pl.coalesce(
            "snapshot_utilization",
            pl.when(is_crm_valid).then("crm_utilization"),
            safe_ratio(pl.col("active_user_count_30d"), licensed_seats(is_crm_valid)),
        )
    }


def _events(fact_usage_daily: pl.LazyFrame) -> pl.LazyFrame:
    return fact_usage_daily.select("account_id", day="activity_date", last_event_date="activity_date")


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


def _days_since_last_login() -> dict[str, pl.Expr]:
    """From the latest event or login by the day; a source that has gone stale is no evidence by itself."""
    user_login, snapshot_login = pl.col("user_login_date"), pl.col("snapshot_login_date")
    is_known = (
        pl.col("has_events") | (pl.col("has_usage_snapshots") & snapshot_login.is_not_null()) | user_login.is_not_null()
    )
    latest = pl.max_horizontal("last_event_date", snapshot_login, user_login)
    return {"days_since_last_login": pl.when(is_known).then(days_between(latest, pl.col("as_of_date")))}
