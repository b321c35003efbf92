"""What became of the accounts that alerts were about."""

from datetime import date, timedelta
from typing import Any

from health_assets_tests.assets.rows import SETTINGS, made, rows

ALERTED, AS_OF = date(2025, 1, 1), date(2025, 1, 31)
ALERT = {
    "alert_id": "x",
    "account_id": "A",
    "alert_date": ALERTED,
    "rule": "risk_level",
    "state": "delivered",
}
VERSION = SETTINGS.scorecards["standard"].version


def health(day: date, score: float, band: str) -> dict[str, Any]:
    """Health of A on a day."""
    about = {"scorecard": "standard", "scorecard_version": VERSION, "measure_scores": {}, "coverage": 1.0}
    return {"account_id": "A", "as_of_date": day, "health_score": score, "health_band": band} | about


def revenue(day: date, status: str, mrr: float) -> dict[str, Any]:
    """Status and money of A on a day."""
    return {"account_id": "A", "as_of_date": day, "account_status": status, "mrr": mrr}


def history(
    *alerts: dict[str, Any], health: list[dict[str, Any]] = (), revenue: list[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """The alerts with what became of them, as of the end of January."""
    return made(
        "mart_alert_history",
        staged_alerts=rows("staged_alerts", *alerts),
        mart_customer_health_daily=rows("mart_customer_health_daily", *health),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *revenue),
        dim_account=rows("dim_account", {"account_id": "A", "company_name": "Ada's"}),
    ).to_dicts()


def test_an_alert_has_the_health_of_its_day_and_of_30_days_later_and_of_no_day_to_come() -> None:
    (row,) = history(
        ALERT,
        health=[health(ALERTED, 38.0, "critical"), health(AS_OF, 71.0, "neutral")],
        revenue=[revenue(ALERTED, "active", 900.0), revenue(AS_OF, "active", 500.0)],
    )
    assert (row["company_name"], row["state"], row["mrr"]) == ("Ada's", "delivered", 900.0)
    assert (row["health_score"], row["health_score_30d_later"], row["health_score_90d_later"]) == (38.0, 71.0, None)
    assert (row["health_band"], row["health_band_30d_later"]) == ("critical", "neutral")
    assert (row["has_churned_30d_later"], row["has_churned_90d_later"]) == (False, None)


def test_an_account_that_churned_says_so_and_has_no_risk_any_more() -> None:
    (row,) = history(ALERT, revenue=[revenue(ALERTED, "active", 900.0), revenue(AS_OF, "churned", 0.0)])
    assert (row["has_churned_30d_later"], row["risk_level_30d_later"], row["mrr"]) == (True, None, 900.0)


def test_an_alert_after_the_as_of_day_is_left_out() -> None:
    assert history(ALERT | {"alert_date": AS_OF + timedelta(days=1)}) == []


def test_two_alerts_about_an_account_on_one_day_are_two_rows() -> None:
    found = history(ALERT, ALERT | {"alert_id": "y", "state": "held"}, revenue=[revenue(ALERTED, "active", 900.0)])
    assert [(row["alert_id"], row["state"], row["mrr"]) for row in found] == [
        ("x", "delivered", 900.0),
        ("y", "held", 900.0),
    ]
