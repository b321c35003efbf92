"""The workflow of all accounts on one line."""

from datetime import date
from typing import Any

import pytest

from health_assets.assets.mart.operations.operations_summary import value__is_that_of_the_accounts
from health_assets_tests.assets.rows import made, rows

JANUARY = {"month": date(2025, 1, 1), "is_partial": False}
BUSY = JANUARY | {
    "account_id": "A", "tickets_processed": 90, "processing_minutes": 900.0, "timed_count": 90,
    "data_checked_count": 90, "data_error_count": 9, "approved_count": 60, "denied_count": 20,
}  # fmt: skip
QUIET = JANUARY | {
    "account_id": "B", "tickets_processed": 10, "processing_minutes": 1100.0, "timed_count": 10,
    "data_checked_count": 10, "data_error_count": 6, "approved_count": 20, "denied_count": 0,
}  # fmt: skip


def summary(work: list[dict], risk: list[dict] = [], roi: list[dict] = []) -> dict[str, Any]:  # noqa: B006
    return made(
        "mart_operations_summary",
        fact_workflow_monthly=rows("fact_workflow_monthly", *work),
        mart_operations_risk=rows("mart_operations_risk", *risk),
        mart_operations_roi=rows("mart_operations_roi", *roi),
    ).row(0, named=True)


def test_rates_are_weighted_by_volume() -> None:
    month = summary([BUSY, QUIET])
    assert (month["account_count"], month["tickets_processed"]) == (2, 100)
    assert month["avg_processing_minutes"] == 20  # 2,000 / 100; the mean of 10 and 110 would be 60
    assert month["data_error_rate"] == 0.15  # 15 / 100
    assert month["denial_rate"] == 0.2  # 20 / 100


def test_accounts_at_risk_are_counted_and_not_known_where_none_has_a_level() -> None:
    judged = [JANUARY | {"account_id": name, "is_at_risk": at_risk} for name, at_risk in [("A", True), ("B", False)]]
    not_judged = [JANUARY | {"account_id": "A", "is_at_risk": None}]
    assert summary([BUSY, QUIET], judged)["at_risk_account_count"] == 1
    assert summary([BUSY, QUIET], not_judged)["at_risk_account_count"] is None


def test_value_to_cost_sets_the_value_of_accounts_against_the_fee_of_the_same_accounts() -> None:
    known = JANUARY | {"account_id": "A", "value": 300.0, "fee": 200.0, "repair_cost": 0.0}
    no_value = JANUARY | {"account_id": "B", "value": None, "fee": 1000.0, "repair_cost": 0.0}
    month = summary([BUSY, QUIET], roi=[known, no_value])
    assert (month["value"], month["fee"], month["valued_account_count"]) == (300, 200, 1)
    assert month["value_to_cost"] == 1.5
    assert month["net_value"] == 100


@pytest.mark.parametrize("column", ["data_error_rate", "denial_rate", "net_value", "value_to_cost"])
def test_rates_of_a_month_that_is_not_over_are_null(column: str) -> None:
    worth = JANUARY | {"account_id": "A", "value": 300.0, "fee": 200.0, "repair_cost": 0.0}
    assert summary([BUSY | {"is_partial": True}], roi=[worth])[column] is None


def test_account_without_work_in_the_month_is_an_account_that_does_not_work() -> None:
    idle = QUIET | dict.fromkeys(["tickets_processed", "timed_count", "data_checked_count", "data_error_count"], 0)
    month = summary([BUSY, idle | {"processing_minutes": 0.0}])
    assert (month["account_count"], month["working_account_count"]) == (2, 1)


def test_value_that_is_not_that_of_the_accounts_is_found() -> None:
    account = JANUARY | {"account_id": "A", "value": 400.0, "fee": 100.0, "repair_cost": 0.0}
    unknown_fee = account | {"account_id": "B", "fee": None}
    for value, faults in ((400.0, 0), (800.0, 1)):
        month = JANUARY | {"value": value, "fee": 100.0, "repair_cost": 0.0}
        found = value__is_that_of_the_accounts(
            rows("mart_operations_summary", month), rows("mart_operations_roi", account, unknown_fee)
        )
        assert found.collect().height == faults
