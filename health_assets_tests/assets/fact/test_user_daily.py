"""A user's day."""

from datetime import date, datetime

from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import SETTINGS, rows


def event(number: int, at: datetime, name: str = "api_call", user: str | None = "U") -> dict:
    return {
        "event_id": str(number), "account_id": "A", "user_id": user, "event_name": name,
        "event_timestamp": at, "event_date": at.date(),
        "event_count": 1,
    }  # fmt: skip


def user_days(*events: dict) -> list[tuple]:
    period = Period(date(2025, 1, 1), date(2025, 1, 31))
    made = fact_user_daily(rows("staged_usage_events", *events), rows("staged_features"), SETTINGS, period)
    return made.select("activity_date", "event_count", "session_count").collect().rows()


def test_a_gap_of_exactly_thirty_minutes_is_one_session_and_a_longer_one_two() -> None:
    assert user_days(
        event(1, datetime(2025, 1, 5, 9)), event(2, datetime(2025, 1, 5, 9, 30)), event(3, datetime(2025, 1, 5, 10, 1))
    ) == [(date(2025, 1, 5), 3, 2)]


def test_a_session_that_began_in_the_month_before_is_not_counted_again() -> None:
    made = user_days(event(1, datetime(2024, 12, 31, 23, 50)), event(2, datetime(2025, 1, 1, 0, 5)))
    assert made == [(date(2025, 1, 1), 1, 0)]


def test_an_event_without_a_user_is_nobodys() -> None:
    assert user_days(event(1, datetime(2025, 1, 5, 9), user=None)) == []


def test_a_session_past_midnight_counts_on_the_day_on_which_it_began() -> None:
    made = user_days(event(1, datetime(2025, 1, 5, 23, 50)), event(2, datetime(2025, 1, 6, 0, 5)))
    assert made == [(date(2025, 1, 5), 1, 1), (date(2025, 1, 6), 1, 0)]


def test_an_event_that_the_catalogue_lacks_is_a_feature_of_its_own_name() -> None:
    catalogue = rows(
        "staged_features",
        {"feature_name": "API", "event_name": "api_call", "feature_category": "integration"},
        {"feature_name": "Notes", "event_name": "note_added", "feature_category": "other"},
    )
    names = ["api_call", "note_added", "email_sent"]
    events = rows("staged_usage_events", *(event(n, datetime(2025, 1, 5, 9), name) for n, name in enumerate(names)))
    made = fact_user_daily(events, catalogue, SETTINGS, Period(date(2025, 1, 1), date(2025, 1, 31)))
    assert made.select("feature_count").collect().rows() == [(3,)]


def test_seconds_add_up_to_the_same_bits_in_any_order() -> None:
    lengths = [0.1, 0.2, 0.3, 1e6]
    events = [event(n, datetime(2025, 1, 5, 9)) | {"duration_seconds": each} for n, each in enumerate(lengths)]
    given = [rows("staged_usage_events", *order) for order in (events, events[::-1])]
    january = Period(date(2025, 1, 1), date(2025, 1, 31))
    made = [fact_user_daily(frame, rows("staged_features"), SETTINGS, january) for frame in given]
    assert [frame.collect()["active_seconds"].item() for frame in made] == [1000000.6, 1000000.6]
