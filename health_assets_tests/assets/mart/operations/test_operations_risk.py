"""Early warnings against the month before."""

from datetime import date
from typing import Any

import pytest

from health_assets_tests.assets.rows import made, rows

STEADY = {"tickets_processed": 100, "avg_processing_minutes": 40.0, "data_error_rate": 0.04, "denial_rate": 0.10}
FLAGS = ["is_volume_drop", "is_slowdown", "is_data_error_rise", "is_denial_rise"]


def months(*given: dict[str, Any]) -> list[dict[str, Any]]:
    """The months of an account from January 2024 on; what is not given is steady."""
    work = [
        {"account_id": "A", "month": date(2024, n, 1), "is_partial": False} | STEADY | month
        for n, month in enumerate(given, 1)
    ]
    return made("mart_operations_risk", fact_workflow_monthly=rows("fact_workflow_monthly", *work)).to_dicts()


def test_first_month_has_no_flags() -> None:
    first = months({})[0]
    assert [first[flag] for flag in FLAGS] == [None] * 4
    assert (first["risk_score"], first["is_at_risk"], first["measurable_flag_count"]) == (None, None, 0)


@pytest.mark.parametrize(
    ("worse", "flag"),
    [
        ({"tickets_processed": 79}, "is_volume_drop"),  # below 0.8 x 100
        ({"avg_processing_minutes": 50.1}, "is_slowdown"),  # above 1.25 x 40
        ({"data_error_rate": 0.071}, "is_data_error_rise"),  # more than 0.04 + 0.03
        ({"denial_rate": 0.131}, "is_denial_rise"),  # more than 0.10 + 0.03
    ],
)
def test_each_flag_is_raised_alone_just_beyond_its_threshold(worse: dict[str, Any], flag: str) -> None:
    month = months({}, worse)[1]
    assert [name for name in FLAGS if month[name]] == [flag]
    assert (month["risk_score"], month["is_at_risk"]) == (1, False)


def test_exactly_on_a_threshold_is_no_warning() -> None:
    on_it = {"tickets_processed": 80, "avg_processing_minutes": 50.0, "data_error_rate": 0.07, "denial_rate": 0.13}
    assert months({}, on_it)[1]["risk_score"] == 0


def test_risk_score_counts_the_flags_and_two_are_at_risk() -> None:
    worse = {"tickets_processed": 10, "avg_processing_minutes": 99.0}
    month = months({}, worse)[1]
    assert (month["risk_score"], month["is_at_risk"]) == (2, True)


def test_month_of_no_work_is_a_drop_of_volume_and_nothing_else_can_be_judged() -> None:
    idle = {"tickets_processed": 0, "avg_processing_minutes": None, "data_error_rate": None, "denial_rate": None}
    _, stopped, still, again = months({}, idle, idle, {})
    assert (stopped["risk_score"], stopped["measurable_flag_count"], stopped["is_slowdown"]) == (1, 1, None)
    assert (still["is_volume_drop"], still["volume_ratio"]) == (False, None)
    assert (again["is_volume_drop"], again["is_denial_rise"]) == (False, None)


def test_month_that_is_not_over_is_not_judged() -> None:
    month = months({}, {"tickets_processed": 10, "is_partial": True})[1]
    assert [month[flag] for flag in FLAGS] == [None] * 4
    assert month["risk_score"] is None


def test_without_outcomes_the_denial_flag_is_null_and_the_others_are_judged() -> None:
    month = months({"denial_rate": None}, {"denial_rate": None, "tickets_processed": 1})[1]
    assert (month["is_denial_rise"], month["measurable_flag_count"], month["risk_score"]) == (None, 3, 1)
