"""The catalogue as it comes in."""

from health_assets.assets.staged.features import event_name__of_one_feature
from health_assets_tests.assets.rows import rows


def test_an_event_of_two_features_is_warned_of() -> None:
    names = {"A": "login", "B": "login", "C": "export"}
    catalogue = rows("staged_features", *({"feature_name": f, "event_name": event} for f, event in names.items()))
    assert event_name__of_one_feature(catalogue).collect()["feature_name"].to_list() == ["A", "B"]
