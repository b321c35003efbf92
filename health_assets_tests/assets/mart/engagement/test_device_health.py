"""Devices with health and revenue."""

from health_assets.assets.mart.engagement.device_health import (
    device_revenue__sums_to_the_mrr_of_the_account,
    mart_device_health,
)
from health_assets_tests.assets.rows import rows

FLEET = [
    {"device_id": "D1", "account_id": "A", "is_active": True},
    {"device_id": "D2", "account_id": "A", "is_active": True},
    {"device_id": "D3", "account_id": "A", "is_active": False},
]


def fleet(mrr: float | None) -> dict[str, dict]:
    made = mart_device_health(
        rows("dim_device", *FLEET),
        rows("fact_device_health", {"device_id": "D1", "health_score": 76.0, "usage_volume_30d": 12.0}),
        rows("dim_account", {"account_id": "A", "mrr": mrr}),
    )
    return {row["device_id"]: row for row in made.collect().iter_rows(named=True)}


def test_device_revenue_is_mrr_over_active_devices() -> None:
    made = fleet(900.0)
    assert [made[name]["device_revenue"] for name in ("D1", "D2", "D3")] == [450.0, 450.0, 0.0]


def test_device_revenue_is_unknown_where_mrr_is() -> None:
    assert {row["device_revenue"] for row in fleet(None).values()} == {None}


def test_device_without_readings_is_not_healthy_but_unknown() -> None:
    made = fleet(900.0)
    assert (made["D1"]["health_score"], made["D2"]["health_score"]) == (76.0, None)


def test_revenue_that_does_not_sum_to_mrr_is_found() -> None:
    wrong = rows("mart_device_health", {"device_id": "D1", "account_id": "A", "is_active": True, "device_revenue": 1.0})
    account = rows("dim_account", {"account_id": "A", "mrr": 2.0})
    assert device_revenue__sums_to_the_mrr_of_the_account(wrong, account).collect().height == 1
