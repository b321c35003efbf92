"""Usage in the days up to each day."""

from typing import Any

import pytest

from health_assets_tests.assets.rows import SETTINGS, rows
from health_assets_tests.assets.usage import event, feature, of_account, usage


def signals(*events: dict, account_id: str = "A", **given: Any) -> dict:
    return of_account(usage(*events, **given)["fact_account_usage_daily"], account_id)


def test_windows_end_on_the_day_and_hold_just_their_days() -> None:
    made = signals(event(), event(ago=29, user="v"), event("note_added", ago=30, user="w"), event(ago=60))
    assert (made["event_count_30d"], made["event_count_previous_30d"]) == (2, 1)
    assert (made["active_user_count_30d"], made["active_user_count_7d"]) == (2, 1)
    assert (made["event_name_count_31d"], made["events_per_active_day_31d"]) == (2, 1.0)
    assert (made["feature_breadth_30d"], made["feature_count_30d"]) == (0.5, 1)


def test_an_account_without_events_is_measured_as_none_while_the_feed_is_fresh() -> None:
    made = signals(event(), account_id="B")
    measured = ("event_count_30d", "active_user_count_30d", "feature_breadth_30d", "usage_change_ratio")
    assert [made[name] for name in measured] == [0, 0, 0.0, None]


def test_a_feed_silent_beyond_its_limit_measures_nothing() -> None:
    assert usage(event(ago=8))["fact_account_usage_daily"].collect().is_empty()


def test_a_source_without_a_limit_never_goes_stale() -> None:
    unlimited = SETTINGS.model_copy(update={"stale_after_days": {}})
    assert signals(event(ago=90), settings=unlimited)["event_count_30d"] == 0


def test_usage_change_needs_enough_events_in_the_earlier_window() -> None:
    # 5 events after 10 are a change of -50 %; 5 after 9 are too few to tell
    recent, earlier = [event(ago=1)] * 5, [event(ago=31)] * 10
    assert signals(*recent, *earlier)["usage_change_ratio"] == -0.5
    assert signals(*recent, *earlier[1:])["usage_change_ratio"] is None


def test_users_are_not_measured_where_no_event_of_the_feed_names_one() -> None:
    made = signals(event(user=None), event(user=None, account_id="B"))
    assert (made["active_user_count_7d"], made["active_user_count_30d"], made["event_count_30d"]) == (None, None, 1)
    one_named = signals(event(user=None), event(account_id="B"))
    assert one_named["active_user_count_30d"] == 0


@pytest.mark.parametrize("name", ["fahrt_gestartet", "api_call"])
def test_an_account_that_uses_something_has_a_breadth_above_zero(name: str) -> None:
    # own names and names of the settings alike
    assert signals(event(name), event("route_geplant", account_id="B"))["feature_breadth_30d"] > 0
    assert signals(event(name), account_id="B")["feature_breadth_30d"] == 0


def test_a_catalogue_that_no_event_of_the_feed_is_in_measures_no_breadth() -> None:
    features = rows("staged_features", feature("API", "api_call"))
    made = signals(event("elsewhere"), staged_features=features)
    assert (made["feature_breadth_30d"], made["feature_count_30d"]) == (None, 0)
