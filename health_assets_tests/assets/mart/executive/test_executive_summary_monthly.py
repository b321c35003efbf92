"""The company on one line a month."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from health_assets.assets.mart.executive.executive_summary_monthly import (
    health__is_that_of_the_accounts,
    mrr_at_risk__is_that_of_the_accounts,
)
from health_assets_tests.assets.rows import AS_OF, made, rows

NOVEMBER, DECEMBER, JANUARY = date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)


def summary(**tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    frames: dict[str, pl.LazyFrame] = {name: rows(name, *given) for name, given in tables.items()}
    return made("mart_executive_summary_monthly", **frames).to_dicts()


def revenue(month: date, mrr: float) -> dict[str, Any]:
    return {"month": month, "ending_mrr": mrr, "arr": 12 * mrr, "nrr_pct": 104.0, "paying_account_count": 3}


def health(account: str, day: date, score: float | None, band: str) -> dict[str, Any]:
    is_low = None if score is None else band in ("at_risk", "critical")
    return {
        "account_id": account, "as_of_date": day, "health_score": score, "health_band": band, "is_low_band": is_low,
    }  # fmt: skip


def risk(account: str, level: str, mrr: float | None, **points: float) -> dict[str, Any]:
    factors = [
        {"factor": name, "points": worth, "value": 1.0, "threshold": 1.0, "sentence": name, "mrr": mrr}
        for name, worth in points.items()
    ]
    return {"account_id": account, "as_of_date": AS_OF, "risk_level": level, "mrr": mrr, "factors": factors}


def support(month: date, part: str = "all", **given: Any) -> dict[str, Any]:
    return {"month": month, "dimension_type": part, "dimension_value": part} | given


def test_stocks_stand_as_of_each_month_and_are_not_summed() -> None:
    months = summary(mart_net_revenue_retention=[revenue(DECEMBER, 100.0), revenue(JANUARY, 120.0)])
    assert [(month["month"], month["mrr"], month["arr"]) for month in months] == [
        (DECEMBER, 100, 1200),
        (JANUARY, 120, 1440),
    ]


def test_what_is_not_connected_is_null_not_0() -> None:
    month = summary(mart_net_revenue_retention=[revenue(JANUARY, 100.0)])[0]
    absent = ["health_account_count", "health_bands", "at_risk_account_count", "mrr_at_risk", "ticket_count", "nps"]
    absent += ["incident_count", "critical_incident_count", "tickets_processed", "value_to_cost", "mrr_in_low_health"]
    assert {name: month[name] for name in absent} == dict.fromkeys(absent)


def test_month_without_a_ticket_has_0_only_after_the_first_one() -> None:
    months = summary(
        mart_net_revenue_retention=[revenue(NOVEMBER, 1.0)],
        mart_sla_adherence=[support(DECEMBER, ticket_count=4, sla_adherence_pct=75.0)],
    )
    assert [month["ticket_count"] for month in months] == [None, 4, 0]
    assert [month["sla_adherence_pct"] for month in months] == [None, 75, None]


def test_parts_of_a_month_are_not_counted_next_to_the_whole() -> None:
    parts = [support(JANUARY, ticket_count=4), support(JANUARY, "priority", ticket_count=3)]
    assert [month["ticket_count"] for month in summary(mart_sla_adherence=parts)] == [4]


def test_health_is_that_of_the_last_day_with_the_mrr_of_then() -> None:
    days = [
        health("A", date(2024, 12, 30), 10.0, "critical"),
        health("A", date(2024, 12, 31), 90.0, "healthy"),
        health("B", date(2024, 12, 31), 50.0, "at_risk"),
        health("C", date(2024, 12, 31), None, "unknown"),
        health("A", AS_OF, 30.0, "critical"),
    ]
    last_day = date(2024, 12, 31)
    paid = [
        {"account_id": name, "as_of_date": day, "mrr": mrr}
        for name, day, mrr in [("A", last_day, 70.0), ("B", last_day, 20.0), ("C", last_day, 0.0), ("A", AS_OF, 60.0)]
    ]
    december, january = summary(mart_customer_health_daily=days, fact_account_revenue_daily=paid)
    assert (december["health_account_count"], december["mean_health_score"]) == (2, 70)
    assert (december["low_health_account_count"], december["mrr_in_low_health"]) == (1, 20)
    assert december["health_bands"] == [
        {"health_band": "at_risk", "account_count": 1, "mrr": 20.0},
        {"health_band": "healthy", "account_count": 1, "mrr": 70.0},
        {"health_band": "unknown", "account_count": 1, "mrr": 0.0},  # it never paid: measured, none
    ]
    assert (january["low_health_account_count"], january["mrr_in_low_health"]) == (1, 60)


def test_risk_is_known_in_the_as_of_month_only_with_the_driver_of_most_mrr() -> None:
    risks = [
        risk("A", "high", 50.0, usage_halved=20, suspended=40),
        risk("B", "critical", 30.0, usage_halved=20),
        risk("C", "medium", 500.0, low_adoption=10),
        risk("D", "unknown", 7.0),
    ]
    december, january = summary(mart_net_revenue_retention=[revenue(DECEMBER, 1.0)], mart_churn_risk=risks)
    assert (december["mrr_at_risk"], december["at_risk_account_count"]) == (None, None)
    assert (january["mrr_at_risk"], january["at_risk_account_count"], january["mrr_of_unknown_risk"]) == (80, 2, 7)
    assert (january["main_risk_driver"], january["main_driver_mrr_at_risk"]) == ("usage_halved", 80)


def test_main_driver_of_equal_mrr_is_the_first_of_the_risk_drivers_by_points_then_name() -> None:
    by_points = [risk("A", "high", 50.0, suspended=40, escalations=15)]
    by_name = [risk("A", "high", 50.0, payment_trouble=15, escalations=15)]
    for rows_of_risk, driver in ((by_points, "suspended"), (by_name, "escalations")):
        assert summary(mart_churn_risk=rows_of_risk)[0]["main_risk_driver"] == driver
        drivers = made("mart_risk_drivers", mart_churn_risk=rows("mart_churn_risk", *rows_of_risk))
        assert drivers.filter(pl.col("driver_rank") == 1)["factor"].item() == driver


def test_without_an_account_at_risk_there_is_no_main_driver() -> None:
    calm = summary(mart_churn_risk=[risk("A", "low", 50.0, escalations=15)])[0]
    assert (calm["mrr_at_risk"], calm["at_risk_account_count"], calm["main_risk_driver"]) == (0, 0, None)


def test_risk_without_any_mrr_counts_accounts_and_knows_no_mrr() -> None:
    month = summary(mart_churn_risk=[risk("A", "high", None, escalations=15)])[0]
    assert (month["at_risk_account_count"], month["mrr_at_risk"]) == (1, None)


@pytest.mark.parametrize(("as_of", "is_partial"), [(date(2025, 1, 30), True), (date(2025, 1, 31), False)])
def test_month_is_partial_until_its_last_day(as_of: date, is_partial: bool) -> None:
    frame = rows("mart_net_revenue_retention", revenue(JANUARY, 1.0))
    month = made("mart_executive_summary_monthly", mart_net_revenue_retention=frame, as_of=as_of).row(0, named=True)
    assert month["is_partial"] is is_partial


def test_value_to_cost_is_that_of_the_workflow() -> None:
    workflow = {"month": JANUARY, "tickets_processed": 9, "value": 30.0, "fee": 20.0, "value_to_cost": 1.5}
    month = summary(mart_operations_summary=[workflow])[0]
    assert (month["tickets_processed"], month["workflow_value"], month["workflow_fee"]) == (9, 30, 20)
    assert month["value_to_cost"] == 1.5


def test_where_every_risk_and_score_is_unknown_nothing_is_called_safe() -> None:
    month = summary(
        mart_churn_risk=[risk("A", "unknown", 50.0)],
        mart_customer_health_daily=[health("A", AS_OF, None, "unknown")],
        fact_account_revenue_daily=[{"account_id": "A", "as_of_date": AS_OF, "mrr": 50.0}],
    )[0]
    assert (month["at_risk_account_count"], month["mrr_at_risk"], month["mrr_of_unknown_risk"]) == (None, None, 50)
    assert (month["low_health_account_count"], month["mrr_in_low_health"]) == (None, None)
    assert month["health_bands"] == [{"health_band": "unknown", "account_count": 1, "mrr": 50.0}]


def test_health_that_is_set_by_hand_counts_on_the_days_on_which_it_holds() -> None:
    by_hand = {
        "account_id": "A", "valid_from": date(2025, 1, 10), "expiry_date": date(2025, 2, 28), "score": 30.0,
        "reason": "Sponsor left", "author": "Lena",
    }  # fmt: skip
    scores = [health("A", day, 85.0, "healthy") | {"scorecard": "standard"} for day in (date(2024, 12, 31), AS_OF)]
    months = summary(mart_customer_health_daily=scores, staged_health_overrides=[by_hand])
    found = [(month["mean_health_score"], month["low_health_account_count"]) for month in months]
    assert found == [(85, 0), (30, 1)]
    assert [band["health_band"] for band in months[1]["health_bands"]] == ["critical"]


def test_health_of_the_as_of_month_that_is_not_that_of_the_accounts_is_found() -> None:
    accounts = [
        {"account_id": "A", "health_score": 30.0, "is_low_band": True, "mrr": 100.0},
        {"account_id": "B", "health_score": None, "is_low_band": None, "mrr": 50.0},
    ]
    month = {"month": JANUARY, "health_account_count": 1, "low_health_account_count": 1, "mrr_in_low_health": 100.0}
    for given, faults in (
        (month, 0),
        (month | {"mrr_in_low_health": 0.0}, 1),
        (month | {"health_account_count": 2}, 1),
    ):
        found = health__is_that_of_the_accounts(
            rows("mart_executive_summary_monthly", given, month | {"month": DECEMBER, "mrr_in_low_health": 7.0}),
            rows("mart_customer_health", *accounts),
        )
        assert found.collect().height == faults


def test_mrr_at_risk_of_the_as_of_month_that_is_not_that_of_the_accounts_is_found() -> None:
    accounts = rows("mart_churn_risk", risk("A", "high", 100.0), risk("B", "low", 50.0), risk("C", "critical", None))
    for at_risk, faults in ((100.0, 0), (150.0, 1)):
        month = {"month": JANUARY, "at_risk_account_count": 2, "mrr_at_risk": at_risk}
        found = mrr_at_risk__is_that_of_the_accounts(rows("mart_executive_summary_monthly", month), accounts)
        assert found.collect().height == faults
