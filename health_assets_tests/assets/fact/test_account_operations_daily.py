"""The workflow's flags in the days up to each day."""

from datetime import date, datetime, timedelta
from typing import Any

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import account, made, rows

FIRST_OF_MARCH = date(2025, 3, 1)


def items(count: int, month: int, minutes: float = 30, key: str = "I") -> list[dict[str, Any]]:
    """Items done on the 10th of a month of 2025."""
    began = datetime(2025, month, 10, 9)
    return [
        {
            "item_id": f"{key}{month}-{number}", "account_id": "A", "started_at": began, "started_date": began.date(),
            "completed_at": began + timedelta(minutes=minutes), "completed_date": began.date(), "has_data_error": False,
        }
        for number in range(count)
    ]  # fmt: skip


def outcomes(month: int, results: list[str], day: int = 20) -> list[dict[str, Any]]:
    return [
        {
            "outcome_id": f"{month}-{day}-{number}", "item_id": f"I{month}-{number}",
            "outcome_date": date(2025, month, day), "result": result,
        }
        for number, result in enumerate(results)
    ]  # fmt: skip


def signals(
    first: date, last: date, worked: list[dict[str, Any]], decided: list[dict[str, Any]] | None = None
) -> list[tuple[Any, ...]]:
    frames = {
        "staged_accounts": rows("staged_accounts", account()),
        "staged_workflow_items": rows("staged_workflow_items", *worked),
        "staged_outcomes": rows("staged_outcomes", *(decided or [])),
    }
    found = made("fact_account_operations_daily", period=Period(first, last), **frames)
    return found.select("operations_flag_count", "denial_rate_change").rows()


def test_flags_are_those_of_the_month_that_closed_last() -> None:
    # January 20 items of 30 minutes, February 10 of 60: less volume and slower; March has not closed on 31 March
    worked = [*items(20, 1), *items(10, 2, minutes=60)]
    assert signals(date(2025, 2, 28), FIRST_OF_MARCH, worked) == [(None, None), (2, None)]
    assert signals(date(2025, 3, 31), date(2025, 4, 1), worked) == [(2, None), (1, None)]


def test_denial_rate_change_is_that_of_the_closed_month_against_the_one_before() -> None:
    decided = [
        *outcomes(1, ["denied"] * 2 + ["approved"] * 8),
        *outcomes(2, ["denied"] * 5 + ["approved"] * 5 + ["failed"]),
    ]
    worked = [*items(10, 1), *items(11, 2)]
    assert signals(FIRST_OF_MARCH, FIRST_OF_MARCH, worked, decided) == [(1, 0.3)]


def test_change_of_fewer_than_ten_decisions_is_not_measured() -> None:
    decided = [*outcomes(1, ["approved"] * 9), *outcomes(2, ["denied"] * 10)]
    assert signals(FIRST_OF_MARCH, FIRST_OF_MARCH, [*items(9, 1), *items(10, 2)], decided) == [(None, None)]


def test_a_later_outcome_replaces_the_earlier_one_from_its_day_on() -> None:
    worked, before = [*items(10, 1), *items(10, 2)], outcomes(1, ["approved"] * 10)
    denied = outcomes(2, ["denied"] * 10)
    again = [outcome | {"outcome_id": f"later-{outcome['item_id']}", "outcome_date": date(2025, 3, 5), "result": "failed"}
             for outcome in denied[:5]]  # fmt: skip
    found = signals(date(2025, 3, 4), date(2025, 3, 5), worked, [*before, *denied, *again])
    assert [change for _, change in found] == [1.0, 1.0]
    overturned = [outcome | {"outcome_id": f"later-{outcome['item_id']}", "outcome_date": date(2025, 2, 25),
                             "result": "approved"} for outcome in denied[:5]]  # fmt: skip
    assert signals(FIRST_OF_MARCH, FIRST_OF_MARCH, worked, [*before, *denied, *overturned]) == [(1, 0.5)]


def test_account_without_items_is_not_measured_and_without_the_source_there_is_no_row() -> None:
    other = [item | {"account_id": "B"} for item in items(20, 1)]
    assert signals(FIRST_OF_MARCH, FIRST_OF_MARCH, other) == [(None, None)]
    assert signals(FIRST_OF_MARCH, FIRST_OF_MARCH, []) == []
