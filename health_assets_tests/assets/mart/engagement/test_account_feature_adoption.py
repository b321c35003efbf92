"""Features by account."""

from typing import Any

import polars as pl

from health_assets_tests.assets.rows import AS_OF, made, rows
from health_assets_tests.assets.usage import event, feature, usage

CATALOGUE = feature("API", "api_call", "tech")


def adoption(*events: dict, features: list[dict] = [CATALOGUE], mau: int | None = 4) -> pl.DataFrame:  # noqa: B006
    """By two accounts with `mau` users each; null: no fresh feed."""
    panel = [{"account_id": a, "as_of_date": AS_OF, "active_user_count_30d": mau} for a in "AB"]
    frames: dict[str, Any] = usage(*events, features=features)
    frames["dim_account"] = rows("dim_account", {"account_id": "A"}, {"account_id": "B"})
    frames["dim_feature"] = made("dim_feature", **frames).lazy()
    frames["fact_account_usage_daily"] = rows("fact_account_usage_daily", *(panel if mau is not None else []))
    return made("mart_account_feature_adoption", **frames)


def test_users_of_the_feature_by_users_of_the_account_in_thirty_days() -> None:
    # u today (twice) and 29 days ago, v today, w 30 days ago, a machine: 2 of 4 users, 3 user-days, 5 events
    row = adoption(event(), event(), event(ago=29), event(user="v"), event(user="w", ago=30), event(user=None)).row(
        0, named=True
    )
    assert (row["account_id"], row["feature_name"], row["feature_category"]) == ("A", "API", "tech")
    assert (row["event_count_30d"], row["user_count_30d"], row["user_day_count_30d"]) == (5, 2, 3)
    assert (row["adoption_rate"], row["is_used"], row["was_used_90d_ago"]) == (0.5, True, None)


def test_every_account_has_a_row_for_each_feature_of_the_catalogue() -> None:
    found = adoption(event()).select("account_id", "feature_name", "is_used", "adoption_rate").rows()
    assert found == [("A", "API", True, 0.25), ("B", "API", False, 0.0)]


def test_without_a_catalogue_events_of_the_settings_and_others_are_features_of_their_name() -> None:
    found = adoption(event("note_added"), event("own"), features=[]).filter("is_used")
    assert found.select("account_id", "feature_name", "feature_category").rows() == [
        ("A", "note_added", "crm_core"),
        ("A", "own", None),
    ]


def test_a_feature_that_the_feed_never_had_is_not_measured_and_one_that_it_had_is_unused() -> None:
    features = [CATALOGUE, feature("Notes", "note_added"), feature("Old", "old")]
    found = adoption(event(), event("old", 300), features=features).filter(account_id="A")
    assert found.select("feature_name", "event_count_30d", "user_count_30d", "is_used").rows() == [
        ("API", 1, 1, True),
        ("Notes", None, None, None),
        ("Old", 0, 0, False),
    ]


def test_users_of_a_feature_are_not_measured_in_a_feed_that_names_none() -> None:
    frames: dict[str, Any] = usage(event(user=None), features=[CATALOGUE])
    frames["dim_account"] = rows("dim_account", {"account_id": "A"})
    frames["dim_feature"] = made("dim_feature", **frames).lazy()
    found = made("mart_account_feature_adoption", **frames).row(0, named=True)
    assert (found["event_count_30d"], found["user_count_30d"], found["adoption_rate"]) == (1, None, None)


def test_use_ninety_days_ago_is_of_the_thirty_days_up_to_that_day() -> None:
    for ago, was_used in ((90, True), (119, True), (120, False)):
        assert adoption(event(ago=ago))["was_used_90d_ago"].to_list() == [was_used, False]
    began_later = adoption(event(ago=89))["was_used_90d_ago"].to_list()
    assert began_later == [None, None]
    assert adoption(event(ago=89), event(ago=200))["was_used_90d_ago"].to_list() == [False, False]


def test_nobody_active_is_nothing_to_divide_by_and_a_silent_feed_measures_nothing() -> None:
    assert adoption(event(user=None), mau=0).row(0, named=True)["adoption_rate"] is None
    assert adoption(event(), mau=None).is_empty()
