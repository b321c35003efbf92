"""Spend, rank, value segments and RFM scores; the as-of day is 2025-01-31."""

from datetime import date

import polars as pl

from health_assets.assets.mart.commerce.customer_value import total_spend__is_that_of_the_orders
from health_assets_tests.assets.rows import account, made, rows


def order(account_id: str, amount: float, day: date = date(2025, 1, 10), **given) -> dict:
    row = {"order_id": f"{account_id}-{day}-{amount}", "account_id": account_id, "order_date": day}
    return row | {"total_amount": amount} | given


def facts(*orders: dict) -> pl.LazyFrame:
    dim = rows("dim_account", *(account(account_id) for account_id in {order["account_id"] for order in orders}))
    return made("fact_orders", staged_orders=rows("staged_orders", *orders), dim_account=dim).lazy()


def values(accounts: str, *orders: dict) -> dict[str, dict]:
    dim = rows("dim_account", *(account(account_id) for account_id in accounts))
    found = made("mart_customer_value", fact_orders=facts(*orders), dim_account=dim)
    return {row["account_id"]: row for row in found.to_dicts()}


def segments(spends: dict[str, float]) -> dict[str, str]:
    found = values("".join(spends), *(order(account_id, spend) for account_id, spend in spends.items()))
    return {account_id: row["value_segment"] for account_id, row in found.items()}


def test_an_account_without_orders_has_spent_nothing_and_has_no_average_order_value() -> None:
    found = values("AB", order("A", 30.0), order("A", 10.0, date(2025, 1, 21)))
    assert (found["A"]["total_spend"], found["A"]["average_order_value"]) == (40.0, 20.0)
    assert (found["A"]["days_since_last_order"], found["A"]["is_repeat_buyer"]) == (10, True)
    assert (found["A"]["lifetime_value"], found["A"]["signup_month"]) == (40.0, date(2024, 1, 1))
    assert (found["B"]["total_spend"], found["B"]["average_order_value"], found["B"]["spend_rank"]) == (0.0, None, None)
    assert (found["B"]["value_segment"], found["B"]["recency_score"]) == ("none", None)


def test_high_is_a_fifth_of_the_buyers_and_medium_three_tenths_both_rounded_up() -> None:
    # 6 buyers: ceil(1.2) = 2 high, ceil(1.8) = 2 medium, the other 2 low; G has no order
    spends = {"A": 60.0, "B": 50.0, "C": 40.0, "D": 30.0, "E": 20.0, "F": 10.0}
    found = values("ABCDEFG", *(order(account_id, spend) for account_id, spend in spends.items()))
    assert [found[account_id]["value_segment"] for account_id in "ABCDEFG"] == [
        "high", "high", "medium", "medium", "low", "low", "none",
    ]  # fmt: skip


def test_a_share_that_is_a_whole_number_of_buyers_is_not_rounded_up() -> None:
    found = segments({chr(65 + place): 100.0 - place for place in range(10)})
    assert "".join(segment[0] for segment in found.values()) == "hhmmmlllll"


def test_equal_spends_are_ranked_by_account() -> None:
    assert segments({"C": 10.0, "B": 10.0, "A": 10.0}) == {"A": "high", "B": "medium", "C": "low"}


def test_one_buyer_alone_is_high() -> None:
    assert segments({"A": 5.0}) == {"A": "high"}


def test_rfm_scores_are_one_plus_the_fifths_of_buyers_below_and_equal_values_score_equal() -> None:
    # spends 10, 20, 20, 40: min ranks 1, 2, 2, 4; 1 + floor(5 x (rank - 1) / 4) = 1, 2, 2, 4
    days = {"A": date(2025, 1, 4), "B": date(2025, 1, 3), "C": date(2025, 1, 2), "D": date(2025, 1, 2)}
    spends = {"A": 10.0, "B": 20.0, "C": 20.0, "D": 40.0}
    found = values("ABCD", *(order(account_id, spends[account_id], days[account_id]) for account_id in "ABCD"))
    assert [found[account_id]["monetary_score"] for account_id in "ABCD"] == [1, 2, 2, 4]
    assert [found[account_id]["recency_score"] for account_id in "ABCD"] == [4, 3, 1, 1]  # the latest order is best
    assert [found[account_id]["frequency_score"] for account_id in "ABCD"] == [1, 1, 1, 1]


def test_without_orders_nothing_is_said_of_anybody() -> None:
    assert values("AB") == {}


def test_a_refund_lowers_net_spend_next_to_the_gross_and_is_no_order() -> None:
    day = date(2025, 1, 20)
    found = values("AB", order("A", 100.0), order("A", -30.0, day), order("B", 80.0), order("B", 5.0))
    assert (found["A"]["total_spend"], found["A"]["gross_spend"], found["A"]["lifetime_value"]) == (70.0, 100.0, 70.0)
    assert (found["A"]["order_count"], found["A"]["average_order_value"]) == (1, 70.0)
    assert found["A"]["last_order_date"] == date(2025, 1, 10)
    assert (found["A"]["spend_rank"], found["B"]["spend_rank"]) == (2, 1)  # 70 net against 85


def test_an_account_with_refunds_alone_is_no_buyer_and_its_refunds_count() -> None:
    found = values("A", order("A", -30.0))["A"]
    assert (found["total_spend"], found["order_count"], found["value_segment"]) == (-30.0, 0, "none")
    assert (found["average_order_value"], found["last_order_date"]) == (None, None)


def test_an_order_that_is_in_no_account_breaks_the_sum() -> None:
    orders = facts(order("A", 30.0), order("A", -5.0))
    worth = rows("mart_customer_value", {"account_id": "A", "total_spend": 25.0, "gross_spend": 30.0, "order_count": 1})
    assert total_spend__is_that_of_the_orders(worth, orders).collect().is_empty()
    orders = facts(order("A", 30.0), order("X", 5.0), order("A", -5.0))
    assert total_spend__is_that_of_the_orders(worth, orders).collect().height == 1
