"""An account's day."""

from datetime import date, datetime

from health_assets.assets.fact.usage_daily import fact_usage_daily
from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.expressions import Period
from health_assets_tests.assets.fact.test_user_daily import event
from health_assets_tests.assets.rows import SETTINGS, rows


def test_an_event_without_a_user_counts_as_event_not_as_user() -> None:
    period = Period(date(2025, 1, 1), date(2025, 1, 31))
    events = rows(
        "staged_usage_events",
        event(1, datetime(2025, 1, 5, 9)),
        event(2, datetime(2025, 1, 5, 9), name="note_added", user=None),
    )
    made = fact_usage_daily(events, fact_user_daily(events, SETTINGS, period), SETTINGS, period).collect()
    assert made.select("event_count", "active_user_count", "feature_breadth").rows() == [(2, 1, 0.4)]


def test_a_day_of_power_usage_needs_events_and_features() -> None:
    period, names = (
        Period(date(2025, 1, 1), date(2025, 1, 31)),
        ["api_call", "note_added", "email_sent", "own", "other"],
    )
    broad = [event(n, datetime(2025, 1, 5, 9, n), names[n % 5]) for n in range(10)]
    narrow = [event(n, datetime(2025, 1, 6, 9, n)) for n in range(10, 20)]
    events = rows("staged_usage_events", *broad, *narrow)
    made = fact_usage_daily(events, fact_user_daily(events, SETTINGS, period), SETTINGS, period).collect()
    assert made["is_power_usage_day"].to_list() == [True, False]
    assert made["category_count"].to_list() == [3, 1]  # two of the five names are in no category
