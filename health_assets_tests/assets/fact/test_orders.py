"""Orders in the life of an account."""

from datetime import date

from health_assets_tests.assets.rows import account, made, rows

ACCOUNTS = rows("dim_account", account("A", date(2024, 12, 20)), account("B", date(2025, 1, 5)))


def order(order_id: str, day: date, account_id: str = "A", amount: float = 10.0) -> dict:
    return {"order_id": order_id, "account_id": account_id, "order_date": day, "total_amount": amount}


def facts(*orders: dict) -> list[dict]:
    return made("fact_orders", staged_orders=rows("staged_orders", *orders), dim_account=ACCOUNTS).to_dicts()


def test_orders_are_numbered_by_day_and_those_of_one_day_by_key() -> None:
    found = facts(order("3", date(2025, 1, 1)), order("2", date(2025, 1, 9)), order("1", date(2025, 1, 9)))
    assert [(row["order_id"], row["order_number"], row["days_since_previous_order"]) for row in found] == [
        ("1", 2, 8),
        ("2", 3, 0),
        ("3", 1, None),
    ]


def test_cohort_is_the_signup_month_and_an_order_before_it_has_a_negative_offset() -> None:
    found = facts(order("1", date(2025, 1, 1)), order("2", date(2024, 12, 31), "B"))
    assert [row["signup_month"] for row in found] == [date(2024, 12, 1), date(2025, 1, 1)]
    assert [row["months_since_signup"] for row in found] == [1, -1]


def test_orders_after_the_as_of_day_and_of_accounts_not_signed_up_yet_are_left_out() -> None:
    assert facts(order("1", date(2025, 2, 1)), order("2", date(2025, 1, 1), "later")) == []
