"""What a feed cannot show is null, and a feed that carries nothing changes nothing: properties over random companies."""

from collections.abc import Mapping
from datetime import date
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from health_assets_tests.every_table import evaluated
from health_assets_tests.test_nothing_later_counts import LOADED, SETTINGS, staged_company

DAY = pl.col("as_of_date")
OF_USERS = {  # table -> its figures of users
    "fact_event_daily": ["user_event_count"],
    "fact_usage_daily": ["active_user_count"],
    "fact_account_usage_daily": ["active_user_count_7d", "active_user_count_30d"],
    "fact_account_adoption_daily": ["activated_user_count", "user_activation_rate", "license_utilization"],
    "fact_account_feature_monthly": [],
    "mart_account_feature_adoption": ["user_count_30d", "user_day_count_30d", "adoption_rate"],
    "mart_feature_adoption": ["user_count_30d", "user_adoption_pct", "usage_intensity_score"],
    "mart_feature_adoption_monthly": [],
}
EMPTY_FEEDS = {  # source -> its rows, which say nothing
    "usage_snapshots": {"account_id": "A1", "snapshot_date": LOADED},
    "users": {"user_id": "nobody", "account_id": "A1"},
    "devices": {"device_id": "D", "account_id": "A1"},
    "feedback": {"feedback_id": "F", "account_id": "A1", "feedback_date": LOADED},
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_dropping_user_ids_changes_no_other_figure_and_makes_those_of_users_null(seed: int) -> None:
    named = staged_company(seed)
    unnamed = {**named} | {
        "staged_usage_events": named["staged_usage_events"].with_columns(user_id=pl.lit(None, pl.String))
    }
    with_users, without = (evaluated(each, SETTINGS, LOADED, wanted=list(OF_USERS)) for each in (named, unnamed))
    for table, figures in OF_USERS.items():
        assert not with_users[table].is_empty(), table
        assert_frame_equal(with_users[table].drop(figures), without[table].drop(figures))
        measured = {name for name in figures if without[table][name].count() > 0}
        # a count of events that name a user is 0, and snapshots export license utilization themselves
        assert measured <= {"user_event_count", "license_utilization"}, table


@pytest.mark.slow
@pytest.mark.parametrize("source", EMPTY_FEEDS)
def test_connecting_a_feed_that_carries_no_information_changes_no_score(source: str) -> None:
    table = f"staged_{source}"
    schema = staged_company(1)[table].schema
    after = _connected() | {table: pl.DataFrame([EMPTY_FEEDS[source]], schema=schema, orient="row")}
    before = _scores_before()
    assert before["health_score"].null_count() < before.height
    assert_frame_equal(before, _scores(after))


def _connected() -> dict[str, pl.DataFrame]:
    connected = ("accounts", "subscriptions", "invoices", "usage_events", "support_tickets")
    return {f"staged_{name}": staged_company(1)[f"staged_{name}"] for name in connected}


@cache
def _scores_before() -> pl.DataFrame:
    return _scores(_connected())


def _scores(staged: Mapping[str, pl.DataFrame], since: date = date(2025, 1, 1)) -> pl.DataFrame:
    health = evaluated(staged, SETTINGS, LOADED, wanted=["mart_customer_health_daily"])["mart_customer_health_daily"]
    return (
        health.filter(since <= DAY).select("account_id", "as_of_date", "health_score").sort("account_id", "as_of_date")
    )
