"""Orders in the life of an account."""

from datetime import date

import pytest

from health_assets_tests.assets.rows import account, made, rows

ACCOUNTS = rows("dim_account", account("A", date(2024, 12, 20)), account("B", date(2025, 1, 5)))


def order(order_id: str, day: date, account_id: str = "A", amount: float = 10.0, status: str | None = None) -> dict:
    return {
        "order_id": order_id,
        "account_id": account_id,
        "order_date": day,
        "total_amount": amount,
        "status": status,
    }


@pytest.mark.parametrize(
    ("refunded_amount", "status", "net"),
    [(30.0, "paid", 70.0), (0.0, "paid", 100.0), (100.0, "refunded", 0.0), (40.0, "refunded", 60.0), (None, "refunded", 0.0),
     (30.0, "cancelled", 0.0)],
)  # fmt: skip
def test_what_was_paid_back_of_an_order_lowers_its_net_amount(
    refunded_amount: float | None, status: str, net: float
) -> None:
    (row,) = facts(order("1", date(2025, 1, 1), amount=100.0, status=status) | {"refunded_amount": refunded_amount})
    assert row["net_amount"] == net
    assert row["gross_amount"] == (0.0 if status == "cancelled" else 100.0)


def facts(*orders: dict) -> list[dict]:
    return made("fact_orders", staged_orders=rows("staged_orders", *orders), dim_account=ACCOUNTS).to_dicts()


def test_orders_are_numbered_by_day_and_those_of_one_day_by_key() -> None:
    found = facts(order("3", date(2025, 1, 1)), order("2", date(2025, 1, 9)), order("1", date(2025, 1, 9)))
    assert [(row["order_id"], row["order_number"], row["days_since_previous_order"]) for row in found] == [
        ("1", 2, 8),
        ("2", 3, 0),
        ("3", 1, None),
    ]


@pytest.mark.parametrize(
    ("amount", "status", "is_order", "gross", "net"),
    [
        (50.0, None, True, 50.0, 50.0),
        (50.0, "pending", True, 50.0, 50.0),
        (50.0, "refunded", True, 50.0, 0.0),
        (50.0, "cancelled", False, 0.0, 0.0),
        (-20.0, "paid", False, 0.0, -20.0),
        (-20.0, "refunded", False, 0.0, -20.0),
    ],
)
def test_sign_and_status_decide_what_counts(
    amount: float, status: str | None, is_order: bool, gross: float, net: float
) -> None:
    (row,) = facts(order("1", date(2025, 1, 1), amount=amount, status=status))
    assert (row["is_order"], row["gross_amount"], row["net_amount"]) == (is_order, gross, net)
    assert (row["is_refund"], row["order_number"]) == (amount < 0, 1 if is_order else None)


def test_a_refund_takes_no_number_and_no_place_between_orders() -> None:
    found = facts(order("1", date(2025, 1, 1)), order("2", date(2025, 1, 5), amount=-3.0), order("3", date(2025, 1, 9)))
    assert [(row["order_number"], row["days_since_previous_order"]) for row in found] == [
        (1, None),
        (None, None),
        (2, 8),
    ]


def test_cohort_is_the_signup_month_and_an_order_before_it_has_a_negative_offset() -> None:
    found = facts(order("1", date(2025, 1, 1)), order("2", date(2024, 12, 31), "B"))
    assert [row["signup_month"] for row in found] == [date(2024, 12, 1), date(2025, 1, 1)]
    assert [row["months_since_signup"] for row in found] == [1, -1]


def test_orders_after_the_as_of_day_and_of_accounts_not_signed_up_yet_are_left_out() -> None:
    assert facts(order("1", date(2025, 2, 1)), order("2", date(2025, 1, 1), "later")) == []
