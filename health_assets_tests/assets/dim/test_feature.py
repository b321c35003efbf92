"""The catalogue of features."""

from typing import Any

from health_assets.assets.dim.feature import category_total, event_features
from health_assets_tests.assets.rows import SETTINGS, made, rows


def feature(name: str, event: str, category: str = "c") -> dict[str, Any]:
    return {"feature_name": name, "event_name": event, "feature_category": category}


def test_without_a_catalogue_there_are_no_features_and_events_have_the_categories_of_the_settings() -> None:
    assert made("dim_feature").is_empty()
    features = event_features(rows("staged_features"), SETTINGS).collect()
    assert features.filter(event_name="api_call").rows() == [("api_call", "api_call", "advanced")]
    assert category_total(features.lazy()).collect().item() == 5


def test_a_catalogue_replaces_the_settings_and_other_is_no_category() -> None:
    features = event_features(rows("staged_features", feature("API", "api_call"), feature("X", "x", "other")), SETTINGS)
    assert features.collect().rows() == [("api_call", "API", "c"), ("x", "X", None)]
    assert category_total(features).collect().item() == 1


def test_an_event_of_two_features_counts_for_the_first_by_name() -> None:
    both = rows("staged_features", feature("B", "api_call"), feature("A", "api_call"))
    assert event_features(both, SETTINGS).collect()["feature_name"].to_list() == ["A"]
