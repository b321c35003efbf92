"""Drivers of risk: accounts and revenue behind each factor."""

from typing import Any

from health_assets.assets.mart.health.risk_drivers import accounts__are_those_that_raise_factors
from health_assets_tests.assets.rows import AS_OF, made, rows


def risk(account_id: str, level: str, mrr: float | None, *factors: str) -> dict[str, Any]:
    return {
        "account_id": account_id,
        "as_of_date": AS_OF,
        "risk_level": level,
        "mrr": mrr,
        "factors": [{"factor": factor, "points": 10.0} for factor in factors],
    }


def drivers(*accounts: dict[str, Any]) -> list[dict[str, Any]]:
    return made("mart_risk_drivers", mart_churn_risk=rows("mart_churn_risk", *accounts)).to_dicts()


def test_drivers_are_ranked_by_mrr_at_risk_and_not_by_what_they_touch() -> None:
    found = drivers(
        risk("A", "high", 100, "escalations", "usage_halved"),
        risk("B", "critical", 300, "escalations"),
        risk("C", "low", 900, "usage_halved"),
        risk("D", "low", 50),
    )
    shown = ("factor", "driver_rank", "account_count", "mrr_touched", "at_risk_account_count", "mrr_at_risk")
    assert [tuple(row[name] for name in shown) for row in found] == [
        ("escalations", 1, 2, 400, 2, 400),
        ("usage_halved", 2, 2, 1000, 1, 100),
    ]
    assert [row["mrr_at_risk_pct"] for row in found] == [100, 25]  # of 400 at risk


def test_ties_go_by_name_and_unknown_mrr_counts_the_account() -> None:
    found = drivers(risk("A", "low", None, "suspended", "escalations"))
    assert [(row["factor"], row["account_count"], row["mrr_touched"]) for row in found] == [
        ("escalations", 1, 0),
        ("suspended", 1, 0),
    ]
    assert found[0]["mrr_at_risk_pct"] is None  # nothing is at risk


def test_nothing_raised_is_no_row() -> None:
    assert drivers(risk("A", "low", 10)) == []
    assert drivers() == []


def test_drivers_that_lose_an_account_are_found() -> None:
    accounts = [risk("A", "high", 100, "escalations", "usage_halved"), risk("B", "low", None, "escalations")]
    given = rows("mart_churn_risk", *(one | {"factor_count": len(one["factors"])} for one in accounts))
    for driven, faults in ((accounts, 0), (accounts[:1], 1)):
        found = accounts__are_those_that_raise_factors(rows("mart_risk_drivers", *drivers(*driven)), given)
        assert found.collect().height == faults
