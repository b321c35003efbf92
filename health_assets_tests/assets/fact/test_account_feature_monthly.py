"""Features by account and month."""

from datetime import date

from health_assets_tests.assets.rows import made, rows
from health_assets_tests.assets.usage import HISTORY, event, feature


def test_events_and_days_are_counted_by_the_month_of_their_local_day() -> None:
    events = [event(), event(user=None), event(ago=30), event(ago=31), event("own")]
    features = [feature("API", "api_call")]
    found = made(
        "fact_account_feature_monthly",
        staged_usage_events=rows("staged_usage_events", *events),
        staged_features=rows("staged_features", *features),
        period=HISTORY,
    )
    assert found.rows() == [
        ("A", "API", date(2024, 12, 1), 1, 1),
        ("A", "API", date(2025, 1, 1), 3, 2),
        ("A", "own", date(2025, 1, 1), 1, 1),
    ]
