"""Operational figures smoothed and ranked."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from health_assets_tests.assets.rows import made, rows


def month(number: int, account: str = "A", **given: Any) -> dict[str, Any]:
    """A closed month of 2024 of an account."""
    return {
        "account_id": account, "month": date(2024, number, 1), "tickets_processed": 10, "processing_minutes": 0.0,
        "timed_count": 0, "data_checked_count": 0, "data_error_count": 0, "is_partial": False,
    } | given  # fmt: skip


def kpis(*months: dict[str, Any]) -> pl.DataFrame:
    return made("mart_operations_kpis", fact_workflow_monthly=rows("fact_workflow_monthly", *months))


def test_rates_of_three_months_are_ratios_of_sums() -> None:
    denials = [(1, 0), (0, 2), (1, 4)]  # denied, approved: monthly rates 1, 0 and 0.2 would average 0.4
    made_kpis = kpis(*(month(n, denied_count=d, approved_count=a) for n, (d, a) in enumerate(denials, 1)))
    assert made_kpis["denial_rate_3m"].to_list() == [None, None, 0.25]  # 2 / 8


def test_volume_of_three_months_counts_idle_months() -> None:
    made_kpis = kpis(*(month(n, tickets_processed=items) for n, items in enumerate([30, 0, 6], 1)))
    assert made_kpis["avg_tickets_processed_3m"].to_list() == [None, None, 12]


def test_minutes_of_three_months_are_weighted_by_items() -> None:
    worked = [(100.0, 1), (0.0, 0), (300.0, 9)]
    made_kpis = kpis(*(month(n, processing_minutes=m, timed_count=c) for n, (m, c) in enumerate(worked, 1)))
    assert made_kpis["avg_processing_minutes_3m"].to_list() == [None, None, 40]  # 400 / 10


def test_month_that_is_not_over_has_no_average_and_no_quartile() -> None:
    row = kpis(month(1), month(2), month(3, is_partial=True)).row(2, named=True)
    assert (row["tickets_processed"], row["avg_tickets_processed_3m"], row["volume_quartile"]) == (10, None, None)


def test_volume_quartile_1_has_most_items_and_ties_go_by_account() -> None:
    items = {"A": 5, "B": 9, "C": 5, "D": 1, "E": 7}  # B, E, A, C, D in quarters of 2, 1, 1, 1
    made_kpis = kpis(*(month(1, account, tickets_processed=count) for account, count in items.items()))
    assert dict(made_kpis.select("account_id", "volume_quartile").iter_rows()) == {
        "A": 2,
        "B": 1,
        "C": 3,
        "D": 4,
        "E": 1,
    }


def test_quality_quartile_1_has_the_lowest_denial_rate_and_no_rate_has_none() -> None:
    rates = {"A": 0.1, "B": None, "C": 0.0, "D": 0.3, "E": 0.2}
    made_kpis = kpis(*(month(1, account, denial_rate=rate) for account, rate in rates.items()))
    assert dict(made_kpis.select("account_id", "quality_quartile").iter_rows()) == {
        "A": 2, "B": None, "C": 1, "D": 4, "E": 3,
    }  # fmt: skip


@pytest.mark.parametrize("column", ["denial_rate_3m", "quality_quartile", "failed_count"])
def test_without_outcomes_what_needs_them_is_null(column: str) -> None:
    assert kpis(month(1), month(2), month(3))[column].null_count() == 3
