"""Payments as files have them."""

from datetime import date
from pathlib import Path

from health_assets.assets.staged.payments import amount_paid__given_where_others_have_it
from health_assets_tests.assets.rows import rows
from health_assets_tests.frames import settings_of
from health_assets_tests.sources.test_quarantine import reasons, staged

DUE, BEFORE, AFTER = "2025-01-15", "2025-01-05", "2025-01-25"


def payment(**given: str | None) -> dict[str, str | None]:
    return {"payment_id": "P1", "account_id": "CUST_001", "payment_due_date": DUE} | given


def test_a_payment_is_known_from_its_due_day_or_from_when_it_was_paid_if_that_is_earlier(tmp_path: Path) -> None:
    given = [payment(payment_id=str(paid), payment_date=paid) for paid in (None, BEFORE, AFTER)]
    found = staged(settings_of(tmp_path), "payments", given).kept
    assert found["known_date"].to_list() == [date(2025, 1, 15), date(2025, 1, 5), date(2025, 1, 15)]


def test_an_amount_that_is_not_there_is_null_and_one_that_cannot_be_read_costs_the_row(tmp_path: Path) -> None:
    found = staged(settings_of(tmp_path), "payments", [payment(), payment(payment_id="P2", amount_paid="half")])
    assert found.kept["amount_paid"].to_list() == [None]
    assert reasons(found) == [["amount_paid__unreadable"]]


def test_a_due_day_that_cannot_be_read_quarantines_the_row(tmp_path: Path) -> None:
    found = staged(settings_of(tmp_path), "payments", [payment(payment_due_date="end of month", payment_date=BEFORE)])
    assert reasons(found) == [["payment_due_date__unreadable"]]


def test_payment_that_was_made_without_an_amount_is_warned_of_where_others_have_one() -> None:
    paid = [
        {"payment_id": str(n), "payment_date": date(2025, 1, 5), "amount_paid": amount}
        for n, amount in enumerate((5.0, None))
    ]
    unpaid = {"payment_id": "unpaid", "payment_date": None, "amount_paid": None}
    found = amount_paid__given_where_others_have_it(rows("staged_payments", *paid, unpaid)).collect()
    assert found["payment_id"].to_list() == ["1"]
    assert amount_paid__given_where_others_have_it(rows("staged_payments", paid[1], unpaid)).collect().is_empty()


def test_first_of_january_1970_says_never_as_a_blank_does(tmp_path: Path) -> None:
    found = staged(settings_of(tmp_path), "payments", [payment(payment_date="1970-01-01")])
    assert found.kept["payment_date"].to_list() == [None]
    assert found.unreadable.select("column_name", "word").rows() == [("payment_date", "1970-01-01")]
