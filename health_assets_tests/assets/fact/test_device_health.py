"""Readings of 30 days and the score that follows."""

from datetime import date

import pytest

from health_assets.assets.fact.device_health import fact_device_health
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows


def health(*readings: dict) -> dict | None:
    made = fact_device_health(
        rows("staged_device_readings", *({"device_id": "D"} | reading for reading in readings)),
        rows("dim_device", {"device_id": "D", "account_id": "A"}),
        SETTINGS,
        AS_OF,
    ).collect()
    return made.row(0, named=True) if made.height else None


def test_score_is_uptime_less_5_a_reading_with_errors_and_10_for_maintenance() -> None:
    made = health(
        {"reading_date": date(2025, 1, 10), "uptime_pct": 98.0, "error_count": 7, "maintenance_due": False},
        {"reading_date": date(2025, 1, 20), "uptime_pct": 90.0, "error_count": 1, "maintenance_due": False},
        {"reading_date": date(2025, 1, 30), "uptime_pct": 100.0, "error_count": 0, "maintenance_due": True},
    )
    assert made["mean_uptime_pct_30d"] == pytest.approx(96.0)
    assert made["error_reading_count_30d"] == 2  # readings, not errors
    assert made["health_score"] == pytest.approx(76.0)  # 96 - 5 x 2 - 10


def test_maintenance_is_as_the_latest_reading_that_says_so_has_it() -> None:
    made = health(
        {"reading_date": date(2025, 1, 10), "uptime_pct": 90.0, "maintenance_due": True},
        {"reading_date": date(2025, 1, 20), "uptime_pct": 90.0, "maintenance_due": False},
        {"reading_date": date(2025, 1, 30), "uptime_pct": 90.0},
    )
    assert made["is_maintenance_due"] is False
    assert made["health_score"] == 90.0


def test_score_never_falls_below_0() -> None:
    made = health({"reading_date": AS_OF, "uptime_pct": 3.0, "error_count": 1})
    assert made["health_score"] == 0.0


def test_readings_before_the_window_and_after_the_day_do_not_count() -> None:
    made = health(
        {"reading_date": date(2025, 1, 1), "uptime_pct": 0.0},
        {"reading_date": date(2025, 1, 2), "uptime_pct": 80.0, "usage_volume": 5.0},
        {"reading_date": date(2025, 2, 1), "uptime_pct": 0.0, "usage_volume": 9.0},
    )
    assert (made["reading_count_30d"], made["mean_uptime_pct_30d"], made["usage_volume_30d"]) == (1, 80.0, 5.0)


def test_what_is_not_reported_is_null_and_without_uptime_there_is_no_score() -> None:
    made = health({"reading_date": AS_OF})
    assert [made[name] for name in ("usage_volume_30d", "error_reading_count_30d", "health_score")] == [None] * 3


def test_device_without_a_reading_has_no_row() -> None:
    assert health() is None
