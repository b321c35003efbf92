"""Families of accounts."""

from datetime import date
from typing import Any

import pytest

from health_assets.assets.mart.revenue.parent_accounts import mrr__is_that_of_the_families_accounts
from health_assets_tests.assets.rows import AS_OF, account, made, rows, subscription

NOVEMBER, CHANGE = date(2024, 11, 1), date(2024, 12, 10)
ACCOUNTS = [account("P"), account("C", parent_account_id="P"), account("D", parent_account_id="P"), account("alone")]


def family(
    *subscriptions: dict[str, Any], accounts: list[dict] = ACCOUNTS, scores: dict[str, float] | None = None
) -> Any:
    """The families' months, and the frames behind them."""
    given = {
        "staged_accounts": rows("staged_accounts", *accounts),
        "staged_subscriptions": rows("staged_subscriptions", *subscriptions),
    }
    frames = {name: made(name, **given).lazy() for name in ("dim_account", "fact_revenue_monthly")}
    health = [
        {"account_id": name, "as_of_date": AS_OF, "health_score": score} for name, score in (scores or {}).items()
    ]
    daily = rows("mart_customer_health_daily", *health)
    return made("mart_parent_accounts", **frames, mart_customer_health_daily=daily), frames


def test_a_child_that_leaves_is_a_contraction_of_its_parent() -> None:
    """P 100 and C 50 in November, D 30 from December on, when C leaves: 150, then 130, then the same."""
    months, _ = family(
        subscription(100, NOVEMBER, None, "P"),
        subscription(50, NOVEMBER, CHANGE, "C"),
        subscription(30, CHANGE, None, "D"),
        subscription(999, NOVEMBER, None, "alone"),
    )
    shown = months.select("account_id", "mrr", "movement", "contraction_mrr", "churned_mrr", "paying_account_count")
    assert shown.rows() == [
        ("P", 150, "new", 0, 0, 2),
        ("P", 130, "contraction", 20, 0, 2),
        ("P", 130, "retained", 0, 0, 2),
    ]


def test_a_family_without_a_paying_account_has_churned() -> None:
    months, _ = family(subscription(100, NOVEMBER, CHANGE, "P"), subscription(50, NOVEMBER, CHANGE, "C"))
    assert months["movement"].to_list() == ["new", "churn", "inactive"]
    assert months["churned_mrr"].to_list() == [0, 150, 0]


def test_health_is_the_mean_by_mrr_of_the_accounts_with_a_score() -> None:
    """(100 x 80 + 300 x 40) / 400 = 50; D pays 600 and has no score."""
    months, _ = family(
        subscription(100, NOVEMBER, None, "P"),
        subscription(300, NOVEMBER, None, "C"),
        subscription(600, NOVEMBER, None, "D"),
        scores={"P": 80.0, "C": 40.0},
    )
    assert months["mean_health_score"].to_list() == [None, None, pytest.approx(50)]


def test_a_parent_that_is_a_child_belongs_to_its_own_parent_and_one_that_is_no_account_has_no_name() -> None:
    accounts = [account("B", parent_account_id="elsewhere"), account("C", parent_account_id="B")]
    months, _ = family(subscription(10, AS_OF, None, "B"), subscription(5, AS_OF, None, "C"), accounts=accounts)
    assert months.select("account_id", "company_name", "mrr").rows() == [("B", "B", 5), ("elsewhere", None, 10)]


def test_without_parents_or_revenue_there_are_no_families() -> None:
    assert family(subscription(10, AS_OF, None, "alone"), accounts=[account("alone")])[0].is_empty()
    assert family()[0].is_empty()


def test_an_account_that_is_in_no_family_breaks_the_sum() -> None:
    months, frames = family(subscription(100, NOVEMBER, None, "P"), subscription(50, NOVEMBER, None, "C"))
    kept = mrr__is_that_of_the_families_accounts(months.lazy(), **frames)
    lost = mrr__is_that_of_the_families_accounts(months.head(1).lazy(), **frames)
    assert (kept.collect().height, lost.collect().height) == (0, 2)
