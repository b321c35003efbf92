"""The feed by event name and day."""

from health_assets_tests.assets.rows import AS_OF
from health_assets_tests.assets.usage import event, usage


def test_events_accounts_and_events_that_name_a_user_are_counted_by_name_and_day() -> None:
    events = [event(), event(user=None), event(account_id="B"), event("own", user=None), event("own", ago=400)]
    made = usage(*events)["fact_event_daily"].collect()
    assert made.filter(activity_date=AS_OF).drop("activity_date").rows() == [("api_call", 3, 2, 2), ("own", 1, 0, 1)]
