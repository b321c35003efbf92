"""Accounts that have churned."""

from datetime import date, timedelta
from typing import Any

from health_assets_tests.assets.rows import made, rows

LEFT = date(2025, 1, 20)
ACCOUNT = {"account_id": "A", "churn_date": LEFT, "first_paid_date": date(2024, 1, 20), "segment": "smb"}


def health(days_before: int, score: float | None, band: str, **scores: float) -> dict[str, Any]:
    row = {"account_id": "A", "as_of_date": LEFT - timedelta(days=days_before), "health_score": score}
    return row | {"health_band": band} | {f"{name}_score": value for name, value in scores.items()}


def churned(*days: dict, account: dict = ACCOUNT) -> list[dict[str, Any]]:
    paid = [
        {"account_id": "A", "as_of_date": LEFT - timedelta(days=2), "mrr": 120.0},
        {"account_id": "A", "as_of_date": LEFT - timedelta(days=1), "mrr": 80.0},
        {"account_id": "A", "as_of_date": LEFT, "mrr": 0.0},
    ]
    return made(
        "mart_churned_accounts",
        dim_account=rows("dim_account", account, {"account_id": "still here"}),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *paid),
        mart_customer_health_daily=rows("mart_customer_health_daily", *days),
    ).to_dicts()


def test_revenue_lost_is_that_of_the_last_paid_day_and_health_that_of_30_days_before() -> None:
    (row,) = churned(
        health(31, 90, "healthy"), health(30, 55, "at_risk"), health(1, 30, "critical"), health(0, 99, "none")
    )
    assert (row["mrr_lost"], row["paid_days"]) == (80, 366)  # 2024 was a leap year
    assert (row["health_score_30d_before"], row["health_band_30d_before"]) == (55, "at_risk")
    assert row["last_health_band"] == "critical"


def test_reasons_are_the_weak_dimensions_of_30_days_before_the_lowest_first() -> None:
    (row,) = churned(health(30, 50, "at_risk", usage=39.9, adoption=40, support=10, revenue=90))
    assert (row["weakest_dimension"], row["weakest_dimension_score"]) == ("support", 10)
    assert (row["reasons"], row["reason_count"]) == (["support", "usage"], 2)


def test_without_a_score_nothing_is_said_of_health() -> None:
    (row,) = churned(health(30, None, "unknown"))
    assert (row["health_band_30d_before"], row["last_health_band"], row["reasons"], row["reason_count"]) == (
        None,
        None,
        [],
        None,
    )
    (row,) = churned()
    assert (row["health_score_30d_before"], row["reason_count"], row["mrr_lost"]) == (None, None, 80)


def test_an_account_that_returned_has_no_row() -> None:
    assert churned(account=ACCOUNT | {"churn_date": None}) == []
