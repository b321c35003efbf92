"""What the work was worth."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from health_assets.assets.mart.operations.operations_roi import OperationsRoi
from health_assets.contracts.contract import dtypes
from health_assets_tests.assets.rows import SETTINGS, made, rows

JANUARY = date(2025, 1, 1)
WORK = {
    "account_id": "A", "month": JANUARY, "tickets_processed": 100, "data_checked_count": 100, "data_error_count": 4,
    "approved_count": 72, "denied_count": 8, "failed_count": 3, "is_partial": False,
}  # fmt: skip
REVENUE = {"account_id": "A", "month": JANUARY, "mrr": 200.0, "movement": "retained"}


def roi(work: dict[str, Any], *revenue: dict[str, Any], **given: Any) -> dict[str, Any]:
    return made(
        "mart_operations_roi",
        fact_workflow_monthly=rows("fact_workflow_monthly", WORK | work),
        fact_revenue_monthly=rows("fact_revenue_monthly", *revenue),
        **given,
    ).row(0, named=True)


def test_value_is_throughput_quality_and_outcome_at_their_unit_values() -> None:
    month = roi({}, REVENUE)
    assert month["throughput_value"] == 250  # 100 x 2.50
    assert month["quality_value"] == pytest.approx(72)  # 0.96 x 100 x 0.75
    assert month["outcome_value"] == pytest.approx(112.5)  # 0.9 x 100 x 1.25
    assert month["value"] == pytest.approx(434.5)
    assert month["net_value"] == pytest.approx(234.5)
    assert month["value_to_cost"] == pytest.approx(2.1725)


def test_amounts_carry_no_rounding_errors() -> None:
    worth = SETTINGS.workflow.unit_values.model_copy(update={"throughput": 0.1})  # 3 x 0.1 is 0.30000000000000004
    workflow = SETTINGS.workflow.model_copy(update={"unit_values": worth})
    month = roi({"tickets_processed": 3}, REVENUE, settings=SETTINGS.model_copy(update={"workflow": workflow}))
    assert month["throughput_value"] == 0.3
    assert month["net_value"] == round(month["net_value"], 6)


def test_account_that_pays_nothing_has_a_fee_of_0_and_no_ratio() -> None:
    month = roi({}, REVENUE | {"account_id": "B"})
    assert (month["fee"], month["value_to_cost"]) == (0, None)
    assert month["net_value"] == pytest.approx(434.5)


def test_without_revenue_the_fee_is_not_known() -> None:
    month = roi({})
    assert (month["fee"], month["net_value"], month["value_to_cost"]) == (None, None, None)


def test_without_outcomes_the_value_is_not_known_but_its_measured_parts_are() -> None:
    month = roi({"approved_count": None, "denied_count": None, "failed_count": None}, REVENUE)
    assert (month["throughput_value"], month["outcome_value"], month["value"]) == (250, None, None)


IDLE = dict.fromkeys(
    ["tickets_processed", "data_checked_count", "data_error_count", "approved_count", "denied_count"], 0
)  # fmt: skip


def idle_beside(work: dict[str, Any], idle: dict[str, Any] = IDLE) -> dict[str, Any]:
    """Account B, which did nothing in a month in which A worked."""
    return (
        made(
            "mart_operations_roi",
            fact_workflow_monthly=rows("fact_workflow_monthly", WORK | work, WORK | idle | {"account_id": "B"}),
            fact_revenue_monthly=rows("fact_revenue_monthly", REVENUE | {"account_id": "B"}),
        )
        .filter(pl.col("account_id") == "B")
        .row(0, named=True)
    )


def test_month_without_work_is_worth_0_whatever_its_rates() -> None:
    month = idle_beside({})
    assert (month["value"], month["net_value"], month["value_to_cost"]) == (0, -200, 0)


def test_month_without_work_is_not_worth_0_where_no_outcome_is_connected() -> None:
    no_outcomes = dict.fromkeys(["approved_count", "denied_count", "failed_count"])
    month = idle_beside(no_outcomes, IDLE | no_outcomes)
    assert (month["throughput_value"], month["quality_value"]) == (0, 0)
    assert (month["outcome_value"], month["value"], month["value_to_cost"]) == (None, None, None)


def test_month_without_work_is_not_worth_0_where_no_data_were_ever_checked() -> None:
    month = idle_beside({"data_checked_count": 0, "data_error_count": 0})
    assert (month["quality_value"], month["outcome_value"], month["value"]) == (None, 0, None)


def test_month_without_work_before_the_first_outcome_is_not_worth_0() -> None:
    december = {"account_id": "B", "month": date(2024, 12, 1)}
    assert idle_beside({}, IDLE | december)["value"] is None


def test_month_that_is_not_over_shows_its_value_but_sets_it_against_nothing() -> None:
    month = roi({"is_partial": True}, REVENUE)
    assert month["value"] == pytest.approx(434.5)
    assert (month["net_value"], month["value_to_cost"]) == (None, None)


def test_repairs_cost_what_the_settings_say() -> None:
    costs = SETTINGS.workflow.unit_costs.model_copy(update={"data_error": 5.0, "denied": 2.0, "failed": 1.0})
    workflow = SETTINGS.workflow.model_copy(update={"unit_costs": costs})
    month = roi({}, REVENUE, settings=SETTINGS.model_copy(update={"workflow": workflow}))
    assert month["repair_cost"] == 39  # 4 x 5 + 8 x 2 + 3 x 1
    assert month["net_value"] == pytest.approx(195.5)
    assert month["value_to_cost"] == pytest.approx(434.5 / 239)


def test_net_value_that_is_not_value_less_cost_breaks_the_contract() -> None:
    month = pl.DataFrame([roi({}, REVENUE)], schema=dtypes(OperationsRoi))
    assert OperationsRoi.is_valid(month)
    assert not OperationsRoi.is_valid(month.with_columns(net_value=pl.col("net_value") + 1))
