"""The company by segment."""

from datetime import date
from typing import Any

import polars as pl

from health_assets.assets.mart.executive.executive_summary_segments import (
    health__of_all_segments_is_total,
    mrr__of_all_segments_is_total,
)
from health_assets_tests.assets.rows import AS_OF, made, rows

JANUARY = date(2025, 1, 1)
ACCOUNTS = [
    {"account_id": "A", "segment": "enterprise", "is_active": True, "mrr": 300.0},
    {"account_id": "B", "segment": "smb", "is_active": True, "mrr": 60.0},
    {"account_id": "C", "segment": "smb", "is_active": False, "mrr": 40.0},
]


def segments(accounts: list[dict[str, Any]] = ACCOUNTS, **tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    frames: dict[str, pl.LazyFrame] = {name: rows(name, *given) for name, given in tables.items()}
    made_rows = made("mart_executive_summary_segments", dim_account=rows("dim_account", *accounts), **frames)
    return {row["segment"]: row for row in made_rows.to_dicts()}


def test_segments_that_have_accounts_have_a_row_and_their_mrr_sums_to_the_total() -> None:
    made_segments = segments()
    assert list(made_segments) == ["enterprise", "smb"]
    assert [row["mrr"] for row in made_segments.values()] == [300, 100]
    assert [row["mrr_pct"] for row in made_segments.values()] == [75, 25]
    smb = made_segments["smb"]
    assert (smb["account_count"], smb["active_account_count"], smb["arr"]) == (2, 1, 1200)


def test_what_is_not_connected_is_null_not_0() -> None:
    smb = segments()["smb"]
    absent = ["ticket_count_90d", "incident_count_90d", "critical_incident_count_90d", "nps", "mrr_at_risk"]
    absent += ["health_account_count", "health_bands", "value_to_cost", "trailing_12m_nrr_pct"]
    assert {name: smb[name] for name in absent} == dict.fromkeys(absent)


def test_without_revenue_mrr_is_null() -> None:
    row = segments([{"account_id": "A", "segment": "smb", "is_active": True}])["smb"]
    assert (row["mrr"], row["arr"], row["mrr_pct"]) == (None, None, None)


def test_retention_is_of_the_accounts_that_paid_12_months_ago() -> None:
    paid = [
        {"account_id": name, "month": month, "mrr": mrr}
        for name, month, mrr in [
            ("B", date(2024, 1, 1), 50.0), ("B", JANUARY, 60.0), ("C", date(2024, 1, 1), 50.0), ("C", JANUARY, 0.0),
            ("A", JANUARY, 300.0),
        ]
    ]  # fmt: skip
    made_segments = segments(fact_revenue_monthly=paid)
    smb = made_segments["smb"]
    assert (smb["trailing_12m_nrr_pct"], smb["trailing_12m_grr_pct"]) == (60, 50)  # 60 / 100, 50 / 100
    assert smb["trailing_12m_logo_churn_pct"] == 50
    assert made_segments["enterprise"]["trailing_12m_nrr_pct"] is None


def test_tickets_of_90_days_are_evaluated_and_a_segment_without_one_has_0() -> None:
    judged = [
        (date(2024, 11, 3), "met", "satisfied"),
        (AS_OF, "breached", "no_rating"),
        (date(2024, 11, 2), "met", "satisfied"),
    ]
    tickets = [
        {
            "ticket_id": str(n),
            "account_id": "B",
            "segment": "smb",
            "created_date": day,
            "sla_state": state,
            "csat_tier": tier,
        }
        for n, (day, state, tier) in enumerate(judged)
    ]  # 3 November is day 90 of those that end on 31 January
    made_segments = segments(fact_tickets=tickets)
    smb = made_segments["smb"]
    assert (smb["ticket_count_90d"], smb["sla_adherence_pct_90d"], smb["csat_pct_90d"]) == (2, 50, 100)
    enterprise = made_segments["enterprise"]
    assert (enterprise["ticket_count_90d"], enterprise["sla_adherence_pct_90d"]) == (0, None)


def test_incidents_of_90_days_are_counted() -> None:
    incidents = [
        {
            "incident_id": str(n),
            "account_id": "A",
            "segment": "enterprise",
            "detected_date": day,
            "is_critical": critical,
        }
        for n, (day, critical) in enumerate([(AS_OF, True), (AS_OF, None), (date(2024, 11, 2), True)])
    ]
    made_segments = segments(fact_incidents=incidents)
    counts = [(row["incident_count_90d"], row["critical_incident_count_90d"]) for row in made_segments.values()]
    assert counts == [(2, 1), (0, 0)]


def test_nps_is_that_of_the_segment_in_the_as_of_month() -> None:
    answers = [
        {"month": month, "dimension_type": kind, "dimension_value": value, "nps": nps}
        for month, kind, value, nps in [
            (JANUARY, "all", "all", 5.0), (JANUARY, "segment", "smb", 20.0), (JANUARY, "segment", "unknown", 7.0),
            (date(2024, 12, 1), "segment", "smb", 90.0),
        ]
    ]  # fmt: skip
    made_segments = segments(mart_satisfaction=answers)
    assert (made_segments["smb"]["nps"], made_segments["enterprise"]["nps"]) == (20, None)


def test_value_to_cost_is_a_ratio_of_sums_of_the_last_month_that_is_over() -> None:
    worth = [
        ("B", 12, 10.0, 20.0, False),
        ("C", 12, 90.0, 30.0, False),
        ("B", 11, 1.0, 1.0, False),
        ("B", 1, 9.0, 9.0, True),
    ]
    roi = [
        {
            "account_id": name, "month": date(2025 if month == 1 else 2024, month, 1), "segment": "smb", "value": value,
            "fee": fee, "repair_cost": 0.0, "is_partial": is_partial,
        }
        for name, month, value, fee, is_partial in worth
    ]  # fmt: skip
    smb = segments(mart_operations_roi=roi)["smb"]
    assert (smb["workflow_value"], smb["workflow_fee"], smb["value_to_cost"]) == (100, 50, 2)


def test_risk_and_health_are_of_the_accounts_of_the_segment() -> None:
    risk = [
        {"account_id": name, "risk_level": level, "mrr": mrr, "factors": []}
        for name, level, mrr in [("A", "low", 300.0), ("B", "high", 60.0), ("C", "unknown", 40.0)]
    ]
    health = [{"account_id": "B", "health_score": 45.0, "health_band": "at_risk", "is_low_band": True, "mrr": 60.0}]
    made_segments = segments(mart_churn_risk=risk, mart_customer_health=health)
    smb, enterprise = made_segments["smb"], made_segments["enterprise"]
    assert (smb["mrr_at_risk"], smb["mrr_of_unknown_risk"], enterprise["mrr_at_risk"]) == (60, 40, 0)
    assert (smb["mrr_in_low_health"], enterprise["mrr_in_low_health"]) == (60, None)


def test_mrr_that_is_in_no_segment_is_found() -> None:
    of_segments = rows("mart_executive_summary_segments", {"segment": "smb", "mrr": 100.0})
    of_month = rows("mart_executive_summary_monthly", {"month": JANUARY, "mrr": 130.0})
    assert mrr__of_all_segments_is_total(of_segments, of_month).collect().height == 1


def test_segments_that_lose_a_scored_account_are_found() -> None:
    smb = {"segment": "smb", "health_account_count": 2, "low_health_account_count": 1, "mrr_in_low_health": 60.0}
    enterprise = smb | {"segment": "enterprise", "health_account_count": None, "low_health_account_count": None}
    month = smb | {"month": JANUARY}
    for segment, faults in ((smb, 0), (smb | {"health_account_count": 1}, 1), (smb | {"mrr_in_low_health": 0.0}, 1)):
        found = health__of_all_segments_is_total(
            rows("mart_executive_summary_segments", segment, enterprise | {"mrr_in_low_health": None}),
            rows("mart_executive_summary_monthly", month),
        )
        assert found.collect().height == faults
