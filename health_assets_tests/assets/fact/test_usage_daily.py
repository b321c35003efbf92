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
