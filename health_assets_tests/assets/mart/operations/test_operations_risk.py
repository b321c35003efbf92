"""Early warnings against the month before."""

from datetime import date
from typing import Any

import pytest

from health_assets_tests.assets.rows import made, rows

STEADY = {
    "tickets_processed": 100,
    "processing_minutes": 4000.0,
    "timed_count": 100,
    "data_error_count": 4,
    "data_checked_count": 100,
    "denied_count": 10,
    "approved_count": 90,
}
IDLE = dict.fromkeys(STEADY, 0)
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
        ({"processing_minutes": 5010.0}, "is_slowdown"),  # above 1.25 x 40
        ({"data_error_count": 8}, "is_data_error_rise"),  # more than 0.04 + 0.03
        ({"denied_count": 14, "approved_count": 86}, "is_denial_rise"),  # more than 0.10 + 0.03
    ],
)
def test_each_flag_is_raised_alone_just_beyond_its_threshold(worse: dict[str, Any], flag: str) -> None:
    month = months({}, worse)[1]
    assert [name for name in FLAGS if month[name]] == [flag]
    assert (month["risk_score"], month["is_at_risk"]) == (1, False)


def test_exactly_on_a_threshold_is_no_warning() -> None:
    on_it = {
        "tickets_processed": 80,
        "processing_minutes": 5000.0,
        "data_error_count": 7,
        "denied_count": 13,
        "approved_count": 87,
    }
    assert months({}, on_it)[1]["risk_score"] == 0


def test_risk_score_counts_the_flags_and_two_are_at_risk() -> None:
    month = months({}, {"tickets_processed": 10, "processing_minutes": 9900.0})[1]
    assert (month["risk_score"], month["is_at_risk"]) == (2, True)


def test_month_of_no_work_is_a_drop_of_volume_and_nothing_else_is_measured() -> None:
    _, stopped, still, again = months({}, IDLE, IDLE, {})
    assert (stopped["risk_score"], stopped["measurable_flag_count"], stopped["is_slowdown"]) == (1, 1, None)
    assert (still["is_volume_drop"], still["volume_ratio"], still["risk_score"]) == (None, None, None)
    assert (again["is_volume_drop"], again["is_denial_rise"]) == (None, None)


def test_month_that_is_not_over_is_not_compared() -> None:
    month = months({}, {"tickets_processed": 10, "is_partial": True})[1]
    assert [month[flag] for flag in FLAGS] == [None] * 4
    assert month["risk_score"] is None


def test_without_outcomes_the_denial_flag_is_null_and_the_others_are_measured() -> None:
    without = {"denied_count": None, "approved_count": None}
    month = months(without, without | {"tickets_processed": 1})[1]
    assert (month["is_denial_rise"], month["measurable_flag_count"], month["risk_score"]) == (None, 3, 1)


def test_items_done_within_the_minute_they_began_make_no_slowdown() -> None:
    month = months({"processing_minutes": 0.0}, {"processing_minutes": 0.0})[1]
    assert (month["minutes_ratio"], month["is_slowdown"], month["risk_score"]) == (None, None, 0)


def test_fewer_than_ten_items_in_the_month_before_raise_nothing() -> None:
    few = {"tickets_processed": 9, "timed_count": 9, "data_checked_count": 9, "denied_count": 0, "approved_count": 9}
    month = months(few, {"tickets_processed": 1, "data_error_count": 90, "denied_count": 90})[1]
    assert [month[flag] for flag in FLAGS] == [None] * 4
    assert (month["risk_score"], month["measurable_flag_count"]) == (None, 0)


def test_ten_items_in_the_month_before_are_enough() -> None:
    ten = {
        "tickets_processed": 10,
        "timed_count": 10,
        "data_checked_count": 10,
        "denied_count": 0,
        "approved_count": 10,
    }
    month = months(ten, {"tickets_processed": 7})[1]
    assert (month["is_volume_drop"], month["volume_ratio"], month["measurable_flag_count"]) == (True, 0.7, 4)
