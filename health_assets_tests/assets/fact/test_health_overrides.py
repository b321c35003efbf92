"""Scores and bands set by hand."""

from datetime import date

from health_assets_tests.assets.rows import made, rows


def test_an_override_that_has_ended_is_kept_and_one_that_has_not_begun_is_not_known() -> None:
    said = {"account_id": "A", "band": "neutral", "reason": "Pilot", "author": "Lena"}
    found = made(
        "fact_health_overrides",
        staged_health_overrides=rows(
            "staged_health_overrides",
            said | {"valid_from": date(2025, 2, 1), "expiry_date": date(2025, 2, 9)},
            said | {"valid_from": date(2025, 1, 5), "expiry_date": date(2025, 1, 9)},
            said | {"valid_from": date(2025, 1, 31), "expiry_date": date(2025, 3, 1), "score": 70.0, "band": None},
        ),
    )
    assert found.select("valid_from", "score", "band").rows() == [
        (date(2025, 1, 5), None, "neutral"),
        (date(2025, 1, 31), 70.0, None),
    ]
