"""Retention by month."""

from datetime import date
from typing import Any

import pytest

from health_assets.assets.mart.revenue.net_revenue_retention import mart_net_revenue_retention
from health_assets_tests.assets.rows import account, made, rows, subscription


def test_new_and_returning_revenue_is_no_retention() -> None:
    """December: A 100 -> 150, B 100 -> 80, C 100 -> 0, D new 500: NRR (300 + 50 - 20 - 100) / 300, GRR 180 / 300."""
    start, change = date(2024, 11, 1), date(2024, 12, 10)
    december = retention(
        *(subscription(100, start, change, name) for name in "ABC"),
        subscription(150, change, None, "A"),
        subscription(80, change, None, "B"),
        subscription(500, change, None, "D"),
    )[1]
    assert (december["starting_mrr"], december["ending_mrr"]) == (300, 730)
    assert december["nrr_pct"] == pytest.approx(230 / 3)
    assert december["grr_pct"] == pytest.approx(60)
    assert december["quick_ratio"] == pytest.approx(550 / 120)
    assert december["logo_churn_pct"] == pytest.approx(100 / 3)


def test_reactivation_is_shown_apart_from_nrr() -> None:
    """January: A pays 100 as before, B returns with 50: NRR 100 %, with reactivation 150 %; nothing lost, no quick ratio."""
    january = retention(
        subscription(100, date(2024, 11, 1), None, "A"),
        subscription(70, date(2024, 11, 1), date(2024, 12, 5), "B"),
        subscription(50, date(2025, 1, 8), None, "B"),
    )[-1]
    assert (january["starting_mrr"], january["reactivation_mrr"]) == (100, 50)
    assert (january["nrr_pct"], january["nrr_incl_reactivation_pct"], january["quick_ratio"]) == (100, 150, None)


def test_twelve_months_compare_the_accounts_that_paid_then_with_what_they_pay_now() -> None:
    """January 2024: A 100, B 200, C 100. Now A 150, B 120, C 0, and D that came later: NRR 270 / 400, GRR (100 + 120) / 400."""
    then, change = date(2024, 1, 1), date(2024, 6, 1)
    months = retention(
        subscription(100, then, change, "A"),
        subscription(150, change, None, "A"),
        subscription(200, then, change, "B"),
        subscription(120, change, None, "B"),
        subscription(100, then, change, "C"),
        subscription(500, change, None, "D"),
    )
    trailing = [months[-1][f"trailing_12m_{name}_pct"] for name in ("nrr", "grr", "logo_churn")]
    assert trailing == [pytest.approx(67.5), pytest.approx(55), pytest.approx(100 / 3)]
    assert months[-2]["trailing_12m_nrr_pct"] is None  # no account paid in December 2023


def retention(*subscriptions: dict[str, Any]) -> list[dict[str, Any]]:
    """The months of accounts A to D."""
    revenue = made(
        "fact_revenue_monthly",
        staged_accounts=rows("staged_accounts", *(account(name) for name in "ABCD")),
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
    ).lazy()
    return mart_net_revenue_retention(revenue).collect().to_dicts()


def test_accounts_that_came_and_went_are_not_part_of_the_waterfall() -> None:
    """In December B pays 70 from the 3rd to the 9th and C 30 from the 5th to the 20th."""
    december = retention(
        subscription(100, date(2024, 11, 1), None, "A"),
        subscription(70, date(2024, 12, 3), date(2024, 12, 10), "B"),
        subscription(30, date(2024, 12, 5), date(2024, 12, 21), "C"),
    )[1]
    assert (december["came_and_went_account_count"], december["came_and_went_mrr"]) == (2, 100)
    assert (december["new_mrr"], december["churned_mrr"], december["ending_mrr"]) == (0, 0, 100)
