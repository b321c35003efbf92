"""Retention from month to month; the as-of day is 2025-01-31."""

from datetime import date

import pytest

from health_assets.assets.mart.commerce.order_retention_monthly import order_count__is_that_of_the_orders
from health_assets_tests.assets.rows import AS_OF, account, made, rows


def months(*ordered: tuple[str, date], as_of: date = AS_OF, refunded: tuple[str, date] | None = None) -> list[dict]:
    """From orders of 10 each, and a refund of 4."""
    orders = [
        {"order_id": str(n), "account_id": account_id, "order_date": day, "total_amount": 10.0}
        for n, (account_id, day) in enumerate(ordered)
    ]
    if refunded:
        orders.append({"order_id": "R", "account_id": refunded[0], "order_date": refunded[1], "total_amount": -4.0})
    accounts = rows("dim_account", *(account(account_id) for account_id in "ABC"))
    facts = made("fact_orders", staged_orders=rows("staged_orders", *orders), dim_account=accounts, as_of=as_of)
    return made("mart_order_retention_monthly", fact_orders=facts.lazy(), as_of=as_of).to_dicts()


NOVEMBER, DECEMBER, JANUARY = date(2024, 11, 5), date(2024, 12, 5), date(2025, 1, 5)


def test_churned_is_who_ordered_in_the_month_before_and_not_in_this_one() -> None:
    # December: A and B ordered; January: A again, C for the first time
    _, january = months(("A", DECEMBER), ("A", DECEMBER), ("B", DECEMBER), ("A", JANUARY), ("C", JANUARY))
    assert (january["active_account_count"], january["previous_active_account_count"]) == (2, 2)
    assert (january["retained_account_count"], january["lost_account_count"], january["new_buyer_count"]) == (1, 1, 1)
    assert (january["monthly_retention_rate"], january["monthly_churn_rate"]) == (0.5, 0.5)


def test_the_first_month_and_one_after_a_month_without_orders_have_no_rate() -> None:
    november, december, january = months(("A", NOVEMBER), ("A", JANUARY))
    assert (november["previous_active_account_count"], november["monthly_churn_rate"]) == (None, None)
    assert (december["active_account_count"], december["monthly_churn_rate"]) == (0, 1.0)
    assert december["average_order_value"] is None
    assert (january["retained_account_count"], january["monthly_retention_rate"]) == (0, None)


def test_a_partial_month_shows_its_counts_without_rates() -> None:
    found = months(("A", DECEMBER), ("A", JANUARY), as_of=date(2025, 1, 30))
    assert [row["is_partial"] for row in found] == [False, True]
    assert (found[1]["retained_account_count"], found[1]["monthly_retention_rate"]) == (1, None)
    assert found[1]["repeat_purchase_rate"] == 1.0


def test_repeat_purchase_rate_is_accounts_with_two_orders_of_those_with_one() -> None:
    found = months(("A", NOVEMBER), ("B", NOVEMBER), ("A", DECEMBER), ("A", JANUARY), ("B", JANUARY), ("C", JANUARY))
    assert [row["repeat_purchase_rate"] for row in found] == pytest.approx([0.0, 0.5, 2 / 3])


def test_two_orders_in_one_month_make_a_repeat_buyer() -> None:
    (row,) = months(("A", JANUARY), ("A", JANUARY))
    assert (row["active_account_count"], row["repeat_purchase_rate"]) == (1, 1.0)


def test_a_refund_lowers_the_spend_of_its_month_and_makes_nobody_active() -> None:
    december, january = months(("A", DECEMBER), refunded=("A", JANUARY))
    assert (december["spend"], january["spend"], january["gross_spend"]) == (10.0, -4.0, 0.0)
    assert (january["order_count"], january["active_account_count"], january["monthly_churn_rate"]) == (0, 0, 1.0)


def test_without_orders_there_are_no_months() -> None:
    assert months() == []


def test_a_lost_order_breaks_the_sum() -> None:
    monthly = rows("mart_order_retention_monthly", {"month": JANUARY.replace(day=1), "order_count": 1})
    order, second, refund = ({"order_id": str(n), "is_order": n < 2} for n in range(3))
    assert order_count__is_that_of_the_orders(monthly, rows("fact_orders", order, refund)).collect().is_empty()
    assert order_count__is_that_of_the_orders(monthly, rows("fact_orders", order, second)).collect().height == 1
