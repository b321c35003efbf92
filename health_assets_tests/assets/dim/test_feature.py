"""The catalogue of features."""

from datetime import date, timedelta

import polars as pl

from health_assets.assets.dim.feature import catalogue_by_day, event_features
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, made, rows
from health_assets_tests.assets.usage import feature


def seen(name: str, ago: int = 0, users: int = 1) -> dict:
    day: date = AS_OF - timedelta(days=ago)
    return {"event_name": name, "activity_date": day, "event_count": 1, "user_event_count": users, "account_count": 1}


def features_of(*feed: dict, features: list[dict] = []) -> pl.DataFrame:  # noqa: B006
    given = {"staged_features": rows("staged_features", *features)}
    return made("dim_feature", fact_event_daily=rows("fact_event_daily", *feed), **given)


def catalogue(*feed: dict, features: list[dict] = [], day: date = AS_OF) -> dict:  # noqa: B006
    frames = rows("fact_event_daily", *feed), rows("staged_features", *features)
    return catalogue_by_day(*frames, SETTINGS, Period(day, day)).collect().row(0, named=True)


def test_without_a_catalogue_and_events_there_are_no_features_that_could_be_used() -> None:
    assert features_of().is_empty()
    assert catalogue()["feature_total"] == 0


def test_categories_of_the_settings_hold_where_the_feed_has_one_of_their_events_in_ninety_days() -> None:
    # note_added is of the settings; 89 days ago is within 90 days, 90 days ago is not
    for ago, holds in ((89, True), (90, False)):
        found = catalogue(seen("note_added", ago), seen("fahrt_gestartet"))
        assert found["uses_event_names"] is not holds
    assert features_of(seen("note_added"))["catalogue"].unique().to_list() == ["settings"]


def test_else_the_events_of_ninety_days_are_the_catalogue_each_a_feature_and_a_category() -> None:
    found = features_of(seen("fahrt_gestartet"), seen("route_geplant", 89), seen("alt", 90))
    assert found.select("feature_name", "event_name", "feature_category").rows() == [
        ("fahrt_gestartet", "fahrt_gestartet", "fahrt_gestartet"),
        ("route_geplant", "route_geplant", "route_geplant"),
    ]
    totals = catalogue(seen("fahrt_gestartet"), seen("route_geplant", 89), seen("alt", 90))
    assert (totals["feature_total"], totals["category_total"]) == (2, 2)


def test_only_features_and_categories_that_the_feed_ever_had_are_counted() -> None:
    # API of category tech was seen a year ago, Notes of crm never; other is no category
    features = [feature("API", "api_call", "tech"), feature("Notes", "note_added", "crm"), feature("X", "x", "other")]
    totals = catalogue(seen("api_call", 365), seen("x"), features=features)
    assert (totals["feature_total"], totals["category_total"], totals["uses_event_names"]) == (2, 1, False)
    found = features_of(seen("api_call", 365), seen("x"), features=features)
    assert found.select("feature_name", "feature_category", "is_measured").rows() == [
        ("API", "tech", True),
        ("Notes", "crm", False),
        ("X", None, True),
    ]


def test_an_event_after_the_day_changes_nothing_of_the_day() -> None:
    totals = catalogue(seen("own"), seen("note_added", -1), seen("later", -1))
    assert (totals["uses_event_names"], totals["feature_total"]) == (True, 1)


def test_user_ids_are_known_while_an_event_of_ninety_days_has_one() -> None:
    assert catalogue(seen("own", 89), seen("own", users=0))["has_user_ids"]
    assert not catalogue(seen("own", 90), seen("own", users=0))["has_user_ids"]


def test_a_features_source_replaces_the_settings_whole() -> None:
    features = event_features(rows("staged_features", feature("API", "api_call"), feature("X", "x", "other")), SETTINGS)
    assert features.collect().rows() == [("api_call", "API", "c"), ("x", "X", None)]
    by_settings = event_features(rows("staged_features"), SETTINGS).collect()
    assert by_settings.filter(event_name="api_call").rows() == [("api_call", "api_call", "advanced")]


def test_an_event_of_two_features_counts_for_the_first_by_name() -> None:
    both = [feature("B", "api_call"), feature("A", "api_call")]
    assert event_features(rows("staged_features", *both), SETTINGS).collect()["feature_name"].to_list() == ["A"]
    assert features_of(seen("api_call"), features=both)["is_measured"].to_list() == [True, False]
