"""Payments on the evening of the as-of day, 2025-01-31."""

from datetime import date

import pytest

from health_assets_tests.assets.rows import account, made, rows


def payment(due: date, paid: date | None = None, **given) -> dict:
    known = min(due, paid or due)
    row = {"payment_id": "1", "account_id": "A", "payment_due_date": due, "payment_date": paid, "known_date": known}
    return row | given


def facts(*payments: dict) -> list[dict]:
    frames = {"staged_payments": rows("staged_payments", *payments), "dim_account": rows("dim_account", account())}
    return made("fact_payments", **frames).to_dicts()


def is_late(due: date, paid: date | None) -> tuple[bool, bool, int]:
    (row,) = facts(payment(due, paid))
    return row["is_due"], row["is_late"], row["days_late"]


def test_paid_after_the_due_day_counts_as_late() -> None:
    assert is_late(date(2025, 1, 10), date(2025, 1, 13)) == (True, True, 3)


def test_paid_on_the_due_day_is_in_time() -> None:
    assert is_late(date(2025, 1, 10), date(2025, 1, 10)) == (True, False, 0)


def test_unpaid_and_past_due_counts_as_late() -> None:
    assert is_late(date(2025, 1, 30), None) == (True, True, 1)


def test_unpaid_and_due_on_the_day_itself_may_still_be_paid() -> None:
    assert is_late(date(2025, 1, 31), None) == (False, False, 0)


def test_paid_before_it_is_due_is_known_and_not_due() -> None:
    assert is_late(date(2025, 2, 10), date(2025, 1, 20)) == (False, False, 0)


def test_a_payment_made_after_the_as_of_day_is_not_known_yet() -> None:
    (row,) = facts(payment(date(2025, 1, 10), date(2025, 2, 3), amount_paid=50.0))
    assert (row["payment_date"], row["amount_paid"]) == (None, None)
    assert (row["is_late"], row["days_late"]) == (True, 21)


@pytest.mark.parametrize("paid", [None, date(2025, 2, 2)])
def test_what_is_due_later_and_not_paid_by_the_day_is_left_out(paid: date | None) -> None:
    assert facts(payment(date(2025, 2, 10), paid)) == []


def test_payments_of_accounts_not_signed_up_yet_are_left_out() -> None:
    assert facts(payment(date(2025, 1, 10), account_id="later")) == []
