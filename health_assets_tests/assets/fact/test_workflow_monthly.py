"""Work by account and month."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from health_assets_tests.assets.rows import made, rows

NOVEMBER, DECEMBER, JANUARY = date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)
A = {"account_id": "A", "company_name": "A", "segment": "smb", "is_active": False}


def item(key: str, day: date, minutes: int = 30, **given: Any) -> dict[str, Any]:
    """An item of account A that was completed at noon of a day."""
    done = datetime(day.year, day.month, day.day, 12)
    return {
        "item_id": key, "account_id": "A", "started_at": done - timedelta(minutes=minutes), "completed_at": done,
        "started_date": day, "completed_date": day, "has_data_error": False,
    } | given  # fmt: skip


def outcome(key: str, of: str, day: date, result: str) -> dict[str, Any]:
    return {"outcome_id": key, "item_id": of, "outcome_date": day, "result": result}


def months(
    items: list[dict], outcomes: list[dict] | None = None, account: dict | None = None, **given: Any
) -> pl.DataFrame:
    return made(
        "fact_workflow_monthly",
        staged_workflow_items=rows("staged_workflow_items", *items),
        staged_outcomes=rows("staged_outcomes", *(outcomes or [])),
        dim_account=rows("dim_account", account or A),
        **given,
    )


def test_items_count_in_the_month_of_completion_with_their_mean_minutes() -> None:
    started_in_december = item("2", date(2025, 1, 1), minutes=14 * 60, started_date=date(2024, 12, 31))
    month = months([item("1", date(2025, 1, 3), 60), started_in_december]).row(0, named=True)
    assert (month["month"], month["tickets_processed"]) == (JANUARY, 2)
    assert month["avg_processing_minutes"] == 450  # (60 + 840) / 2


def test_open_item_and_one_completed_after_the_as_of_day_do_not_count() -> None:
    items = [item("1", date(2025, 1, 3)), item("2", date(2025, 1, 31), completed_at=None, completed_date=None)]
    late = item("3", date(2025, 2, 1), started_date=date(2025, 1, 31))
    assert months([*items, late])["tickets_processed"].to_list() == [1]


def test_item_completed_before_it_was_started_has_no_minutes_but_counts() -> None:
    month = months([item("1", date(2025, 1, 3), -30), item("2", date(2025, 1, 3), 40)]).row(0, named=True)
    assert (month["tickets_processed"], month["timed_count"], month["avg_processing_minutes"]) == (2, 1, 40)


def test_data_error_rate_leaves_items_out_of_which_it_is_not_known() -> None:
    items = [item(str(n), date(2025, 1, 3), has_data_error=error) for n, error in enumerate([True, False, None])]
    month = months(items).row(0, named=True)
    assert (month["data_checked_count"], month["data_error_rate"]) == (2, 0.5)


def test_denial_rate_is_by_month_of_outcome_and_failures_are_in_neither_part() -> None:
    items = [item(str(n), date(2024, 12, 30)) for n in range(4)]
    results = ["approved", "denied", "approved", "failed"]
    outcomes = [outcome(str(n), str(n), date(2025, 1, 2), result) for n, result in enumerate(results)]
    december, january = months(items, outcomes).to_dicts()
    assert (december["tickets_processed"], december["approved_count"], december["denial_rate"]) == (4, 0, None)
    assert (january["tickets_processed"], january["failed_count"]) == (0, 1)
    assert january["denial_rate"] == pytest.approx(1 / 3)


def test_latest_outcome_of_an_item_counts_alone_and_the_higher_key_breaks_a_tie() -> None:
    items = [item("1", date(2024, 12, 1)), item("2", date(2024, 12, 1))]
    appealed = [outcome("a", "1", date(2024, 12, 5), "denied"), outcome("b", "1", date(2025, 1, 5), "approved")]
    same_day = [outcome("d", "2", date(2025, 1, 5), "denied"), outcome("c", "2", date(2025, 1, 5), "approved")]
    december, january = months(items, [*appealed, *same_day]).to_dicts()
    assert (december["denied_count"], january["approved_count"], january["denied_count"]) == (0, 1, 1)


def test_outcome_after_the_as_of_day_does_not_replace_the_one_before() -> None:
    outcomes = [outcome("a", "1", date(2025, 1, 5), "denied"), outcome("b", "1", date(2025, 2, 5), "approved")]
    assert months([item("1", date(2025, 1, 1))], outcomes)["denied_count"].to_list() == [1]


def test_month_without_work_is_a_volume_of_0_up_to_the_as_of_month() -> None:
    made_months = months([item("1", date(2024, 11, 3))])
    assert made_months["month"].to_list() == [NOVEMBER, DECEMBER, JANUARY]
    assert made_months["tickets_processed"].to_list() == [1, 0, 0]
    assert made_months["avg_processing_minutes"].to_list() == [30, None, None]


def test_months_end_with_the_account() -> None:
    left = A | {"churn_date": date(2024, 12, 20), "account_status": "churned"}
    assert months([item("1", date(2024, 11, 3))], account=left)["month"].to_list() == [NOVEMBER, DECEMBER]


def test_months_end_with_the_last_work_of_an_account_that_left_without_a_date() -> None:
    items = [item("1", date(2024, 11, 3))]
    never_paid = A | {"account_status": "churned"}
    assert months(items, account=never_paid)["month"].to_list() == [NOVEMBER]
    in_its_gap = never_paid | {"first_paid_date": date(2024, 1, 1)}  # it may still return
    assert months(items, account=in_its_gap)["month"].to_list() == [NOVEMBER, DECEMBER, JANUARY]


@pytest.mark.parametrize(("pays", "last"), [(False, DECEMBER), (True, JANUARY)])
def test_months_end_with_the_cancellation_of_an_account_that_does_not_pay_on(pays: bool, last: date) -> None:
    cancelled = A | {"cancelled_date": date(2024, 12, 20), "is_active": pays}
    assert months([item("1", date(2024, 11, 3))], account=cancelled)["month"].max() == last


def test_rates_of_a_month_that_is_not_over_are_null() -> None:
    outcomes = [outcome("a", "1", date(2025, 1, 5), "denied")]
    month = months([item("1", date(2025, 1, 3))], outcomes, as_of=date(2025, 1, 30)).row(0, named=True)
    assert (month["is_partial"], month["data_error_rate"], month["denial_rate"]) == (True, None, None)
    assert (month["tickets_processed"], month["denied_count"]) == (1, 1)


def test_without_outcomes_their_counts_are_null_not_0() -> None:
    month = months([item("1", date(2025, 1, 3))]).row(0, named=True)
    assert [month[name] for name in ("approved_count", "denied_count", "failed_count", "denial_rate")] == [None] * 4


def test_without_items_there_are_no_rows() -> None:
    assert months([]).is_empty()
