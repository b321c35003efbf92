"""Adherence by month."""

from datetime import date, datetime

import polars as pl
import pytest

from health_assets.assets.mart.support.sla_adherence import (
    mart_sla_adherence,
    states__of_each_dimension_are_those_of_all,
)
from health_assets_tests.assets.rows import SETTINGS, rows


def test_pending_and_unknown_are_left_out_of_the_adherence() -> None:
    states = ["met", "met", "breached", "pending", "unknown"]
    tickets = [
        {
            "ticket_id": str(n), "account_id": "A", "created_date": date(2025, 1, 9), "created_month": date(2025, 1, 1),
            "sla_state": state, "priority": "p1", "csat_tier": "no_rating",
        }
        for n, state in enumerate(states)
    ]  # fmt: skip
    made = mart_sla_adherence(rows("fact_tickets", *tickets), SETTINGS).filter(pl.col("dimension_type") == "all")
    row = made.collect().row(0, named=True)
    assert (row["ticket_count"], row["pending_count"], row["unknown_count"]) == (5, 1, 1)
    assert round(row["sla_adherence_pct"], 4) == 66.6667
    assert row["csat_pct"] is None


def test_hours_belong_to_the_month_of_resolution_and_the_rest_to_that_of_opening() -> None:
    ticket = {
        "ticket_id": "T", "account_id": "A", "created_month": date(2025, 1, 1), "sla_state": "breached",
        "resolution_hours": 50.0, "resolved_at": datetime(2025, 2, 2),
    }  # fmt: skip
    made = mart_sla_adherence(rows("fact_tickets", ticket), SETTINGS).filter(pl.col("dimension_type") == "all")
    shown = made.select("month", "ticket_count", "breached_count", "sla_adherence_pct", "mean_resolution_hours")
    assert shown.collect().rows() == [(date(2025, 1, 1), 1, 1, 0, None), (date(2025, 2, 1), 0, 0, None, 50)]


def test_quantiles_of_hours_are_interpolated() -> None:
    tickets = [
        {
            "ticket_id": str(hours), "account_id": "A", "created_month": date(2025, 1, 1), "sla_state": "met",
            "resolution_hours": hours, "resolved_at": datetime(2025, 1, 9),
        }
        for hours in (1.0, 2.0, 3.0, 10.0)
    ]  # fmt: skip
    made = mart_sla_adherence(rows("fact_tickets", *tickets), SETTINGS).filter(pl.col("dimension_type") == "all")
    row = made.collect().row(0, named=True)
    assert (row["mean_resolution_hours"], row["median_resolution_hours"]) == (4.0, 2.5)
    assert round(row["p90_resolution_hours"], 9) == 7.9  # 3 + 0.7 x (10 - 3)


@pytest.mark.parametrize("has_business_hours", [True, False])
def test_adherence_is_given_by_both_clocks_and_null_without_business_hours(has_business_hours: bool) -> None:
    states = [("breached", "met", 66.0, 2.0), ("met", "met", 2.0, 2.0), ("breached", "pending", None, None)]
    tickets = [
        {
            "ticket_id": str(n), "account_id": "A", "created_month": date(2025, 1, 1), "sla_state": calendar,
            "calendar_sla_state": calendar, "calendar_resolution_hours": hours, "resolution_hours": hours,
            "business_sla_state": business if has_business_hours else None, "resolved_at": datetime(2025, 1, 9),
            "business_resolution_hours": inside if has_business_hours else None,
        }
        for n, (calendar, business, hours, inside) in enumerate(states)
    ]  # fmt: skip
    company = SETTINGS
    if not has_business_hours:
        company = SETTINGS.model_copy(update={"support": SETTINGS.support.model_copy(update={"business_hours": None})})
    made = mart_sla_adherence(rows("fact_tickets", *tickets), company).filter(pl.col("dimension_type") == "all")
    row = made.collect().row(0, named=True)
    columns = ("met_count", "breached_count", "sla_adherence_pct", "median_resolution_hours")
    assert [row[f"calendar_{name}"] for name in columns] == [1, 2, pytest.approx(100 / 3), 34.0]
    expected = [2, 0, 100.0, 2.0] if has_business_hours else [None] * 4
    assert [row[f"business_{name}"] for name in columns] == expected
    assert row["sla_adherence_pct"] == row["calendar_sla_adherence_pct"]


def test_dimension_that_counts_a_breach_twice_is_found() -> None:
    january = {"month": date(2025, 1, 1), "met_count": 1, "breached_count": 1}
    whole = january | {"dimension_type": "all", "dimension_value": "all"}
    p1 = january | {"dimension_type": "priority", "dimension_value": "p1", "breached_count": 0}
    p2 = january | {"dimension_type": "priority", "dimension_value": "p2", "met_count": 0}
    for priorities, faults in (((p1, p2), 0), ((p1 | {"breached_count": 1}, p2), 1)):
        found = states__of_each_dimension_are_those_of_all(rows("mart_sla_adherence", whole, *priorities))
        assert found.collect().height == faults
