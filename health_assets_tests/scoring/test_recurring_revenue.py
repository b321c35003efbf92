"""Recurring revenue of a company without subscription data: from the invoices that were paid."""

from datetime import date

import pytest

from health_assets.assets.fact.account_revenue_daily import fact_account_revenue_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, made, rows

BY_INVOICES = SETTINGS.model_copy(update={"revenue": SETTINGS.revenue.model_copy(update={"basis": "paid_invoices"})})


def invoice(day: date, amount: float = 100, paid: date | None = None, account_id: str = "A", **given: object) -> dict:
    return {
        "invoice_id": f"{account_id}-{day}-{amount}",
        "account_id": account_id,
        "invoice_date": day,
        "amount": amount,
        "is_paid": paid is not None,
        "paid_date": paid,
    } | given


def monthly(*invoices: dict, as_of: date, gap_months: int = 1) -> list[tuple[int, float, str]]:
    """Month, MRR and movement of account A."""
    revenue = BY_INVOICES.revenue.model_copy(update={"allowed_gap_months": gap_months})
    table = made(
        "fact_revenue_monthly",
        staged_accounts=rows("staged_accounts", account()),
        staged_invoices=rows("staged_invoices", *invoices),
        settings=BY_INVOICES.model_copy(update={"revenue": revenue}),
        as_of=as_of,
    )
    return [(row["month"].month, row["mrr"], row["movement"]) for row in table.to_dicts()]


def test_a_gap_keeps_the_last_mrr_until_it_is_longer_than_allowed() -> None:
    january = invoice(date(2024, 1, 5), paid=date(2024, 1, 9))
    april = invoice(date(2024, 4, 5), 150, paid=date(2024, 4, 9))
    assert monthly(january, april, as_of=date(2024, 4, 30)) == [
        (1, 100, "new"),
        (2, 100, "retained"),  # a gap of one month
        (3, 0, "churn"),  # of two
        (4, 150, "reactivation"),
    ]
    assert [mrr for _, mrr, _ in monthly(january, april, as_of=date(2024, 4, 30), gap_months=0)] == [100, 0, 0, 150]


def test_an_invoice_is_spread_over_the_months_that_it_pays_for() -> None:
    year = {"period_start": date(2024, 1, 1), "period_end": date(2024, 12, 31)}
    annual = invoice(date(2023, 12, 20), 1200, paid=date(2023, 12, 28), **year)
    found = monthly(annual, as_of=date(2025, 2, 28))
    assert [mrr for _, mrr, _ in found] == [100] * 13 + [0]  # a year, a month of grace, the churn
    assert found[13] == (2, 0, "churn")


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [(date(2024, 1, 1), date(2024, 3, 31), 3), (date(2024, 2, 1), date(2024, 2, 29), 1), (date(2024, 1, 15), date(2024, 2, 14), 1)],
)  # fmt: skip
def test_periods_count_in_whole_months(first: date, last: date, months: int) -> None:
    bill = invoice(first, 300, paid=first, period_start=first, period_end=last)
    assert monthly(bill, as_of=date(2024, 2, 29))[0][1] == 300 / months


def test_what_is_unpaid_or_paid_later_is_no_revenue_yet() -> None:
    january = invoice(date(2024, 1, 5), paid=date(2024, 1, 9))
    unpaid = invoice(date(2024, 2, 5), 500)
    paid_later = invoice(date(2024, 2, 6), 700, paid=date(2024, 3, 2))
    assert monthly(january, unpaid, paid_later, as_of=date(2024, 2, 29))[-1] == (2, 100, "retained")
    assert monthly(january, unpaid, paid_later, as_of=date(2024, 3, 31)) == [
        (1, 100, "new"),
        (2, 700, "expansion"),  # of the month that it was for
        (3, 700, "retained"),
    ]


def test_a_credit_note_that_was_paid_out_lowers_its_month() -> None:
    bills = [invoice(date(2024, 1, 5), paid=date(2024, 1, 9)), invoice(date(2024, 1, 20), -30, paid=date(2024, 1, 20))]
    assert monthly(*bills, as_of=date(2024, 1, 31)) == [(1, 70, "new")]


def test_the_account_pays_the_mrr_of_the_as_of_day_and_has_churned_after_the_gap() -> None:
    def status(as_of: date) -> tuple[float, str, date | None]:
        table = made(
            "dim_account",
            staged_accounts=rows("staged_accounts", account()),
            staged_invoices=rows("staged_invoices", invoice(date(2024, 1, 5), paid=date(2024, 1, 9))),
            settings=BY_INVOICES,
            as_of=as_of,
        )
        (row,) = table.select("mrr", "account_status", "churn_date").rows()
        return row

    assert status(date(2024, 2, 29)) == (100, "active", None)
    assert status(date(2024, 3, 1)) == (0, "churned", date(2024, 3, 1))


@pytest.mark.parametrize("written_on", [date(2024, 2, 5), date(2024, 3, 31)])
def test_a_month_goes_on_until_the_payment_of_the_next_is_known(written_on: date) -> None:
    invoices = [invoice(date(2024, month, 1), paid=date(2024, month, 10)) for month in (1, 2, 3)]
    frames = rows("staged_accounts", account()), rows("staged_subscriptions"), rows("staged_invoices", *invoices)
    period = Period(date(2024, 1, 1), written_on)
    by_day = fact_account_revenue_daily(*frames, BY_INVOICES, AS_OF, period).collect()
    known = {row["as_of_date"]: (row["mrr"], row["account_status"]) for row in by_day.to_dicts()}
    assert known[date(2024, 1, 10)] == known[date(2024, 2, 5)] == (100, "active")
    assert known[date(2024, 1, 9)][0] == 0
