"""An account's day."""

import polars as pl

from health_assets_tests.assets.usage import event, feature, usage


def days(*events: dict, **given: list[dict]) -> pl.DataFrame:
    return usage(*events, **given)["fact_usage_daily"].collect()


def test_an_event_without_a_user_counts_as_event_not_as_user() -> None:
    made = days(event(), event("note_added", user=None))
    assert made.select("event_count", "active_user_count", "feature_breadth").rows() == [(2, 1, 1.0)]


def test_users_are_not_measured_while_no_event_of_the_feed_in_ninety_days_names_one() -> None:
    # the only user was seen 90 days before the last day, 89 before the day before
    made = days(event(ago=90), event(user=None, ago=1), event(user=None))
    assert made["active_user_count"].to_list() == [1, 0, None]


def test_a_day_of_power_usage_needs_events_and_features() -> None:
    names = ["api_call", "note_added", "email_sent", "own", "mine"]
    made = days(*(event(name, ago=1) for name in names * 2), *(event() for _ in range(10)))
    assert made["is_power_usage_day"].to_list() == [True, False]
    assert made["category_count"].to_list() == [3, 1]  # two of the five names are in no category


def test_breadth_is_of_the_categories_of_the_catalogue_that_the_feed_ever_had() -> None:
    # categories a and b were seen, c never was, other is none: 1 of 2
    catalogue = [
        feature("API", "api_call", "a"),
        feature("Notes", "note_added", "b"),
        feature("Tasks", "task_completed", "c"),
        feature("More", "more", "other"),
    ]
    made = days(event(), event("note_added", ago=300, account_id="B"), event("more"), features=catalogue)
    assert made.filter(account_id="A")["feature_breadth"].to_list() == [0.5]


def test_where_event_names_are_the_catalogue_each_is_a_category() -> None:
    made = days(event("fahrt"), event("route"), event("tour", account_id="B"))
    assert made.filter(account_id="A").select("category_count", "feature_breadth").rows() == [(2, 0.666666667)]
