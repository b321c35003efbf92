"""How accounts pay; the as-of day is 2025-01-31."""

from datetime import date

import pytest

from health_assets.assets.mart.commerce.payment_risk import late_payment_count__is_that_of_the_payments
from health_assets_tests.assets.rows import account, made, rows


def payment(account_id: str, due: date, paid: date | None) -> dict:
    known = min(due, paid or due)
    return {"account_id": account_id, "payment_due_date": due, "payment_date": paid, "known_date": known}


def risks(*payments: dict) -> list[dict]:
    accounts = rows("dim_account", account("A"), account("B"))
    staged = rows("staged_payments", *(row | {"payment_id": str(n)} for n, row in enumerate(payments)))
    facts = made("fact_payments", staged_payments=staged, dim_account=accounts)
    return made("mart_payment_risk", fact_payments=facts.lazy(), dim_account=accounts).to_dicts()


def test_late_rate_is_of_the_payments_due_before_the_day() -> None:
    due = date(2025, 1, 10)
    found = risks(
        payment("A", due, due),  # in time
        payment("A", due, date(2025, 1, 14)),  # 4 days late
        payment("A", date(2025, 1, 29), None),  # 2 days late so far
        payment("A", date(2025, 1, 31), None),  # may still be paid
        payment("A", date(2025, 2, 9), date(2025, 1, 20)),  # paid before it was due
    )[0]
    assert (found["due_payment_count"], found["late_payment_count"], found["past_due_payment_count"]) == (3, 2, 1)
    assert found["late_payment_rate"] == pytest.approx(2 / 3)
    assert (found["mean_days_late"], found["has_late_payment"]) == (3.0, True)


def test_an_account_with_nothing_due_has_no_late_rate() -> None:
    found = risks(payment("A", date(2025, 1, 10), None))[1]
    assert (found["due_payment_count"], found["late_payment_rate"], found["has_late_payment"]) == (0, None, False)
    assert found["mean_days_late"] is None


def test_without_payments_nothing_is_said_of_anybody() -> None:
    assert risks() == []


def test_a_lost_payment_breaks_the_sum() -> None:
    late = rows("fact_payments", {"payment_id": "1", "is_due": True, "is_late": True})
    one = rows("mart_payment_risk", {"account_id": "A", "due_payment_count": 1, "late_payment_count": 1})
    none = rows("mart_payment_risk", {"account_id": "A", "due_payment_count": 1, "late_payment_count": 0})
    assert late_payment_count__is_that_of_the_payments(one, late).collect().is_empty()
    assert late_payment_count__is_that_of_the_payments(none, late).collect().height == 1
