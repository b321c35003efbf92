"""Invoices as of the day."""

from datetime import date
from typing import Any

from health_assets_tests.assets.rows import AS_OF, made, rows

BILLED, DUE = date(2024, 12, 1), date(2024, 12, 31)


def invoice(amount: float = 100, paid: date | None = None, **given: Any) -> dict[str, Any]:
    row = {"invoice_id": "I", "account_id": "A", "invoice_date": BILLED, "due_date": DUE, "amount": amount}
    return row | {"paid_date": paid, "is_paid": paid is not None, "currency": "USD"} | given


def state(*invoices: dict, **given: Any) -> list[tuple]:
    """Paid, overdue, days late and collected amount of each invoice."""
    found = made(
        "fact_invoices",
        staged_invoices=rows("staged_invoices", *invoices),
        dim_account=rows("dim_account", {"account_id": "A"}),
        **given,
    )
    return found.select("is_paid", "is_overdue", "days_late", "collected_amount").rows()


def test_an_invoice_paid_after_the_due_date_was_late_and_is_not_overdue() -> None:
    assert state(invoice(paid=date(2025, 1, 10))) == [(True, False, 10, 100)]
    assert state(invoice(paid=DUE)) == [(True, False, 0, 100)]


def test_an_unpaid_invoice_is_overdue_from_the_day_after_the_due_date_on() -> None:
    assert state(invoice(status="open")) == [(False, True, 31, 0)]
    assert state(invoice(status="open", due_date=AS_OF)) == [(False, False, 0, 0)]


def test_a_payment_after_the_as_of_day_is_not_known_yet() -> None:
    assert state(invoice(paid=date(2025, 2, 3), status="paid")) == [(False, True, 31, 0)]


def test_a_payment_without_a_date_is_known_from_the_load_that_shows_it_on() -> None:
    undated = invoice(status="paid", is_paid=True)
    assert state(undated) == [(True, False, None, 100)]
    assert state(undated, as_of=date(2025, 1, 30)) == [(None, None, None, None)]


def test_credit_notes_and_refunds_lower_what_was_collected_and_are_never_overdue() -> None:
    assert state(invoice(-30, status="credited", is_paid=True)) == [(True, False, 0, -30)]
    assert state(invoice(100, date(2024, 12, 5), status="refunded")) == [(True, False, 0, 0)]
    assert state(invoice(status="void")) == [(False, False, 0, 0)]
