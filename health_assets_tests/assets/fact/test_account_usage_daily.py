"""Usage in the days up to each day."""

from datetime import date, datetime, timedelta

from health_assets.assets.fact.account_usage_daily import fact_account_usage_daily
from health_assets.assets.fact.usage_daily import fact_usage_daily
from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.fact.test_user_daily import event
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows

NO_CATALOGUE = rows("staged_features")


def signals(*events: dict) -> dict:
    frame, history = rows("staged_usage_events", *events), Period(date(2024, 1, 1), AS_OF)
    users = fact_user_daily(frame, NO_CATALOGUE, SETTINGS, history)
    usage = fact_usage_daily(frame, NO_CATALOGUE, users, SETTINGS, history)
    accounts = rows("staged_accounts", account(), account("QUIET"))
    made = fact_account_usage_daily(
        accounts, frame, NO_CATALOGUE, usage, users, SETTINGS, Period(AS_OF, AS_OF)
    ).collect()
    return {row["account_id"]: row for row in made.to_dicts()}


def ago(days: int, number: int, user: str = "U", name: str = "api_call") -> dict:
    return event(number, datetime(2025, 1, 31, 10) - timedelta(days=days), name, user)


def test_windows_end_on_the_day_and_hold_just_their_days() -> None:
    made = signals(ago(0, 1), ago(29, 2, "V"), ago(30, 3, "W", "note_added"), ago(60, 4))["A"]
    assert (made["event_count_30d"], made["event_count_previous_30d"]) == (2, 1)
    assert (made["active_user_count_30d"], made["active_user_count_7d"]) == (2, 1)
    assert (made["event_name_count_31d"], made["events_per_active_day_31d"]) == (2, 1.0)
    assert made["feature_breadth_30d"] == 0.2


def test_an_account_without_events_is_measured_as_none_while_the_feed_is_alive() -> None:
    made = signals(ago(0, 1))["QUIET"]
    assert (made["event_count_30d"], made["usage_change_ratio"]) == (0, None)


def test_a_feed_silent_beyond_its_limit_measures_nothing() -> None:
    assert signals(ago(8, 1)) == {}


def test_a_source_without_a_limit_never_goes_stale() -> None:
    frame, january = rows("staged_usage_events", ago(90, 1)), Period(date(2024, 1, 1), AS_OF)
    unlimited = SETTINGS.model_copy(update={"stale_after_days": {}})
    users = fact_user_daily(frame, NO_CATALOGUE, unlimited, january)
    usage = fact_usage_daily(frame, NO_CATALOGUE, users, unlimited, january)
    made = fact_account_usage_daily(
        rows("staged_accounts", account()), frame, NO_CATALOGUE, usage, users, unlimited, Period(AS_OF, AS_OF)
    )
    assert made.select("event_count_30d").collect().rows() == [(0,)]


def test_usage_change_needs_enough_events_in_the_earlier_window() -> None:
    # 5 events after 10 are a change of -50 %; 5 after 9 are too few to tell
    recent = [ago(1, number) for number in range(5)]
    earlier = [ago(31, 100 + number) for number in range(10)]
    assert signals(*recent, *earlier)["A"]["usage_change_ratio"] == -0.5
    assert signals(*recent, *earlier[1:])["A"]["usage_change_ratio"] is None
