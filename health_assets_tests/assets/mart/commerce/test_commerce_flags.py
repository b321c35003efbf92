"""Accounts that pay late or ask for help repeatedly."""

import polars as pl

from health_assets_tests.assets.mart.commerce.test_order_value_by_age_group import worth
from health_assets_tests.assets.rows import account, made, rows

ACCOUNTS = rows("dim_account", *(account(account_id) for account_id in "ABCD"))


def late(**counts: int) -> pl.LazyFrame:
    return rows(
        "mart_payment_risk",
        *({"account_id": account_id, "late_payment_count": count} for account_id, count in counts.items()),
    )


def asking(**counts: int) -> pl.LazyFrame:
    return rows(
        "mart_support_frequency",
        *(
            {"account_id": account_id, "ticket_count_90d": count, "is_multi_ticket_account": count >= 2}
            for account_id, count in counts.items()
        ),
    )


def flagged(**frames: pl.LazyFrame) -> list[dict]:
    return made("mart_commerce_flags", dim_account=ACCOUNTS, **frames).to_dicts()


def test_two_late_payments_or_two_tickets_flag_an_account_and_one_of_each_does_not() -> None:
    found = flagged(mart_payment_risk=late(A=2, B=0, C=1, D=1), mart_support_frequency=asking(A=0, B=2, C=1, D=0))
    assert [row["account_id"] for row in found] == ["A", "B"]
    assert found[0]["reasons"] == "Late payments: 2 (threshold: 2)"
    assert found[1]["reasons"] == "Tickets in 90 days: 2 (threshold: 2)"


def test_two_flags_come_first_then_the_higher_spend_then_the_key() -> None:
    value = rows("mart_customer_value", worth("A", 5.0, 1), worth("B", 9.0, 1), worth("C", 5.0, 1), worth("D", 1.0, 1))
    found = flagged(
        mart_payment_risk=late(A=2, B=2, C=2, D=3),
        mart_support_frequency=asking(A=0, B=0, C=0, D=4),
        mart_customer_value=value,
    )
    assert [(row["account_id"], row["attention_rank"], row["flag_count"]) for row in found] == [
        ("D", 1, 2),
        ("B", 2, 1),
        ("A", 3, 1),
        ("C", 4, 1),
    ]
    assert found[0]["reasons"] == "Late payments: 3 (threshold: 2); Tickets in 90 days: 4 (threshold: 2)"


def test_a_flag_whose_source_is_not_connected_is_null_and_raises_nothing() -> None:
    (row,) = flagged(mart_payment_risk=late(A=2, B=1))
    assert (row["has_repeated_late_payments"], row["has_frequent_tickets"], row["ticket_count_90d"]) == (
        True,
        None,
        None,
    )
    assert (row["value_segment"], row["total_spend"]) == (None, None)
    assert flagged() == []
