"""Devices of accounts in the days up to each day."""

from datetime import date, timedelta
from typing import Any

import pytest

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, account, made, rows

EVENING = Period(AS_OF, AS_OF)


def device(device_id: str = "D", **given: Any) -> dict[str, Any]:
    return {"device_id": device_id, "account_id": "A", "status": "active"} | given


def reading(day: date, uptime: float | None = 90.0, device_id: str = "D", **given: Any) -> dict[str, Any]:
    return {"device_id": device_id, "reading_date": day, "uptime_pct": uptime} | given


def signals(
    *readings: dict, devices: tuple[dict, ...] = (device(),), period: Period = EVENING, load_day: date = AS_OF
) -> list[dict[str, Any]]:
    return made(
        "fact_account_device_daily",
        staged_accounts=rows("staged_accounts", account()),
        staged_devices=rows("staged_devices", *devices),
        staged_device_readings=rows("staged_device_readings", *readings),
        period=period,
        load_day=load_day,
    ).to_dicts()


def test_mean_health_is_over_the_active_devices_that_report() -> None:
    """D: 96 - 2 x 5 readings with errors - 10 for maintenance = 76; E: 90; F is silent, G retired."""
    row = signals(
        reading(date(2025, 1, 10), 98.0, error_count=7, maintenance_due=False),
        reading(date(2025, 1, 20), 90.0, error_count=1),
        reading(date(2025, 1, 30), 100.0, error_count=0, maintenance_due=True),
        reading(date(2025, 1, 30), 90.0, "E"),
        reading(date(2025, 1, 30), 0.0, "G"),
        devices=(device("D"), device("E"), device("F"), device("G", status="retired")),
    )[0]
    assert (row["active_device_count"], row["maintenance_due_device_count"]) == (3, 1)
    assert row["device_health_avg"] == pytest.approx(83)  # (76 + 90) / 2


def test_a_reading_counts_from_its_day_on_for_30_days_and_later_ones_change_nothing_before() -> None:
    first, second = date(2024, 12, 2), date(2025, 1, 11)
    days = signals(
        reading(first, 80.0), reading(second, 60.0), period=Period(first - timedelta(days=1), AS_OF), load_day=date.max
    )
    health = {row["as_of_date"]: row["device_health_avg"] for row in days}
    assert min(health) == first  # nothing is measured before the first reading of the company
    assert [health[date(2024, 12, 31)], health[date(2025, 1, 1)], health[second]] == [80.0, None, 60.0]


def test_status_counts_from_the_first_load_on() -> None:
    before = AS_OF - timedelta(days=1)
    days = signals(reading(before), devices=(device(status="retired"),), period=Period(before, AS_OF))
    assert [row["active_device_count"] for row in days] == [1, 0]


def test_a_device_counts_from_its_installation_on() -> None:
    installed = (device(installed_date=AS_OF),)
    period = Period(AS_OF - timedelta(days=1), AS_OF)
    days = signals(reading(date(2025, 1, 30)), devices=installed, period=period)
    assert [row["active_device_count"] for row in days] == [0, 1]


def test_an_account_without_devices_has_none_and_no_health_where_others_report() -> None:
    row = signals(reading(AS_OF), devices=(device(account_id="B"),))[0]
    assert list(row.values()) == ["A", AS_OF, 0, 0, None]


def test_maintenance_said_longer_ago_than_30_days_is_not_due() -> None:
    row = signals(reading(date(2025, 1, 1), maintenance_due=True), reading(AS_OF, 90.0))[0]
    assert (row["maintenance_due_device_count"], row["device_health_avg"]) == (0, 90.0)


def test_without_readings_nothing_is_measured() -> None:
    assert signals() == []


def test_readings_silent_beyond_their_limit_measure_nothing() -> None:
    days = signals(reading(date(2024, 12, 2)), period=Period(date(2025, 1, 1), date(2025, 1, 2)), load_day=date.max)
    assert [(row["as_of_date"], row["active_device_count"]) for row in days] == [(date(2025, 1, 1), 0)]
