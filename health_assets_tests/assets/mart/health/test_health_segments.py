"""Accounts and revenue by health band and churn segment."""

from health_assets.assets.mart.health.health_segments import (
    mart_health_segments,
    mrr__of_all_segments_is_that_of_active_accounts,
)
from health_assets_tests.assets.rows import rows

ACCOUNTS = [
    {"account_id": "A", "is_active": True, "mrr": 100.0},
    {"account_id": "B", "is_active": True, "mrr": 200.0},
    {"account_id": "C", "is_active": True, "mrr": 700.0},
    {"account_id": "gone", "is_active": False, "mrr": 0.0},
]
HEALTH = [
    {"account_id": "A", "health_score": 30.0, "health_band": "critical"},
    {"account_id": "B", "health_score": 20.0, "health_band": "critical"},
    {"account_id": "gone", "health_score": 90.0, "health_band": "healthy"},
]
RISK = [
    {"account_id": "A", "churn_risk_score": 75.0, "risk_level": "high"},
    {"account_id": "B", "churn_risk_score": 90.0, "risk_level": "critical"},
]


def test_high_is_high_and_critical_risk_and_unknown_is_a_part_of_the_whole() -> None:
    made = mart_health_segments(
        rows("dim_account", *ACCOUNTS), rows("mart_customer_health", *HEALTH), rows("mart_churn_risk", *RISK)
    )
    both, unknown = made.collect().rows(named=True)
    assert (both["health_band"], both["churn_segment"]) == ("critical", "high")
    assert (both["account_count"], both["mrr"], both["mrr_pct"]) == (2, 300.0, 30.0)
    assert (both["mean_health_score"], both["mean_churn_risk_score"]) == (25.0, 82.5)
    assert (unknown["health_band"], unknown["churn_segment"], unknown["mrr_pct"]) == ("unknown", "unknown", 70.0)


def test_segments_that_lose_an_account_are_found() -> None:
    segment = rows("mart_health_segments", {"health_band": "critical", "account_count": 2, "mrr": 1000.0})
    found = mrr__of_all_segments_is_that_of_active_accounts(segment, rows("dim_account", *ACCOUNTS))
    assert found.collect().height == 1
