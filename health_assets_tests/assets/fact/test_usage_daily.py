"""An account's day."""

from datetime import date, datetime

import polars as pl

from health_assets.assets.fact.usage_daily import fact_usage_daily
from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.fact.test_user_daily import event
from health_assets_tests.assets.rows import SETTINGS, rows


def usage_days(events: pl.LazyFrame, period: Period, *features: dict) -> pl.DataFrame:
    catalogue = rows("staged_features", *features)
    users = fact_user_daily(events, catalogue, SETTINGS, period)
    return fact_usage_daily(events, catalogue, users, SETTINGS, period).collect()


def test_an_event_without_a_user_counts_as_event_not_as_user() -> None:
    period = Period(date(2025, 1, 1), date(2025, 1, 31))
    events = rows(
        "staged_usage_events",
        event(1, datetime(2025, 1, 5, 9)),
        event(2, datetime(2025, 1, 5, 9), name="note_added", user=None),
    )
    made = usage_days(events, period)
    assert made.select("event_count", "active_user_count", "feature_breadth").rows() == [(2, 1, 0.4)]


def test_a_day_of_power_usage_needs_events_and_features() -> None:
    period, names = (
        Period(date(2025, 1, 1), date(2025, 1, 31)),
        ["api_call", "note_added", "email_sent", "own", "other"],
    )
    broad = [event(n, datetime(2025, 1, 5, 9, n), names[n % 5]) for n in range(10)]
    narrow = [event(n, datetime(2025, 1, 6, 9, n)) for n in range(10, 20)]
    events = rows("staged_usage_events", *broad, *narrow)
    made = usage_days(events, period)
    assert made["is_power_usage_day"].to_list() == [True, False]
    assert made["category_count"].to_list() == [3, 1]  # two of the five names are in no category


def test_breadth_is_of_the_categories_of_the_catalogue_where_there_is_one() -> None:
    # categories a and b exist, a is used; by the settings it would be 1 of 5
    period = Period(date(2025, 1, 1), date(2025, 1, 31))
    made = usage_days(
        rows("staged_usage_events", event(1, datetime(2025, 1, 5, 9))),
        period,
        {"feature_name": "API", "event_name": "api_call", "feature_category": "a"},
        {"feature_name": "Notes", "event_name": "note_added", "feature_category": "b"},
        {"feature_name": "More", "event_name": "more", "feature_category": "other"},
    )
    assert made["feature_breadth"].to_list() == [0.5]
