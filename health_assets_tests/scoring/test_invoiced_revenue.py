"""Recurring revenue of a company without subscription data: from the invoices that were paid."""

from calendar import monthrange
from datetime import date, timedelta

import polars as pl
import pytest

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


def monthly(*invoices: dict, as_of: date, **changed: int) -> list[tuple[int, float, str]]:
    """Month, MRR and movement of account A, with `revenue` of the settings changed."""
    revenue = BY_INVOICES.revenue.model_copy(update=changed)
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
    assert [mrr for _, mrr, _ in monthly(january, april, as_of=date(2024, 4, 30), allowed_gap_months=0)] == [
        100,
        0,
        0,
        150,
    ]


def test_an_invoice_is_spread_over_the_months_that_it_pays_for() -> None:
    year = {"period_start": date(2024, 1, 1), "period_end": date(2024, 12, 31)}
    annual = invoice(date(2023, 12, 20), 1200, paid=date(2023, 12, 28), **year)
    found = monthly(annual, as_of=date(2025, 2, 28))
    assert [mrr for _, mrr, _ in found] == [100] * 13 + [0]  # a year, a month of grace, the churn
    assert found[13] == (2, 0, "churn")


@pytest.mark.parametrize(
    ("first", "last", "mrr"),
    [
        (date(2024, 1, 1), date(2024, 3, 31), 100),  # three months, the last day included
        (date(2024, 1, 1), date(2024, 4, 1), 100),  # and the day after the last, as Stripe writes it
        (date(2024, 2, 1), date(2024, 2, 29), 300),
        (date(2024, 1, 15), date(2024, 2, 14), 300),
        (date(2024, 1, 31), date(2024, 2, 29), 300),  # a month from the last day of one to that of the next
        (date(2024, 1, 1), date(2024, 1, 30), 304.375),  # 300 x 30.4375 / 30 days
        (date(2024, 1, 25), date(2024, 1, 31), 1304.464286),  # 300 x 30.4375 / 7 days
        (date(2024, 1, 1), date(2024, 1, 1), 300),  # a single day: a month that begins then
    ],
)
def test_an_amount_is_divided_by_whole_months_else_by_days(first: date, last: date, mrr: float) -> None:
    bill = invoice(first, 300, paid=first, period_start=first, period_end=last)
    assert monthly(bill, as_of=date(2024, 2, 29))[0][1] == mrr


def weekly(first: date, count: int, amount: float = 100) -> list[dict]:
    starts = [first + timedelta(weeks=week) for week in range(count)]
    return [invoice(day, amount, paid=day, period_start=day, period_end=day + timedelta(days=6)) for day in starts]


def test_weekly_invoices_make_the_same_mrr_in_months_of_four_and_of_five_weeks() -> None:
    found = monthly(*weekly(date(2024, 7, 1), 27), as_of=date(2024, 12, 31))  # five Mondays in July, four in August
    assert [mrr for _, mrr, _ in found] == [434.821429] * 6  # 100 x 30.4375 / 7


def test_of_two_periods_of_30_days_in_a_month_only_the_one_of_the_measure_day_counts() -> None:
    first, second = date(2024, 7, 1), date(2024, 7, 31)
    bills = [invoice(day, paid=day, period_start=day, period_end=day + timedelta(days=29)) for day in (first, second)]
    assert monthly(*bills, as_of=date(2024, 7, 31)) == [(7, 101.458333, "new")]  # 100 x 30.4375 / 30, once


def test_whoever_is_billed_every_30_days_is_so_too_where_30_days_are_a_month() -> None:
    """From 29 September to 28 October is a month, and the third period of 30 days."""
    starts = [date(2024, 7, 31), date(2024, 8, 30), date(2024, 9, 29)]
    bills = [invoice(day, paid=day, period_start=day, period_end=day + timedelta(days=29)) for day in starts]
    assert {mrr for _, mrr, _ in monthly(*bills, as_of=date(2024, 10, 15))} == {101.458333}


def test_a_company_says_for_how_many_months_an_invoice_of_a_single_day_pays() -> None:
    day = date(2024, 1, 1)
    bill = invoice(day, 1200, paid=day, period_start=day, period_end=day)
    revenue = {"one_day_period_months": 12}
    assert monthly(bill, as_of=date(2024, 3, 31), **revenue) == [
        (1, 100, "new"), (2, 100, "retained"), (3, 100, "retained"),
    ]  # fmt: skip


def by_month(*amounts: float, first: int = 1) -> list[dict]:
    """Invoices of 2024, each for the calendar month in which it is paid."""
    starts = [date(2024, month, 1) for month in range(first, first + len(amounts))]
    return [
        invoice(
            day, amount, paid=day, period_start=day, period_end=day + timedelta(days=monthrange(2024, day.month)[1] - 1)
        )
        for day, amount in zip(starts, amounts, strict=True)
    ]


def test_a_catch_up_for_the_month_before_is_no_expansion_and_then_contraction() -> None:
    """The price rose from 100 to 200 in the middle of February; the invoice of March adds 50 for the half month."""
    found = monthly(*by_month(100, 100, 250, 200, 200), as_of=date(2024, 5, 31))
    assert [(mrr, movement) for _, mrr, movement in found][2:] == [
        (200, "expansion"), (200, "retained"), (200, "retained"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "amounts",
    [
        (100, 100, 350, 200, 200),  # 150 beyond the new price is more than a month of the difference
        (100, 130, 250, 200, 200),  # the price before was not constant
        (100, 100, 250, 200, 180),  # nor the one after
    ],
)
def test_what_cannot_be_a_catch_up_counts_as_it_was_invoiced(amounts: tuple[float, ...]) -> None:
    assert [mrr for _, mrr, _ in monthly(*by_month(*amounts), as_of=date(2024, 5, 31))] == list(amounts)


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


def test_a_credit_note_or_refund_lowers_what_was_collected_and_not_mrr() -> None:
    credit = {"status": "credited", "is_paid": True}
    bills = [
        invoice(date(2025, 1, 5), paid=date(2025, 1, 9), status="paid"),
        invoice(date(2025, 1, 20), -30, **credit),
        invoice(date(2025, 1, 7), 50, paid=date(2025, 1, 8), status="refunded"),
    ]
    assert monthly(*bills, as_of=AS_OF) == [(1, 150, "new")]
    frames = {"staged_accounts": rows("staged_accounts", account()), "staged_invoices": rows("staged_invoices", *bills)}
    assert made("dim_account", **frames)["lifetime_value"].item() == 70  # 100 - 30, and nothing of the 50


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


def days(*invoices: dict, period: Period) -> pl.DataFrame:
    frames = {
        "staged_accounts": rows("staged_accounts", account()),
        "staged_invoices": rows("staged_invoices", *invoices),
    }
    return made("fact_account_revenue_daily", **frames, settings=BY_INVOICES, period=period)


@pytest.mark.parametrize("written_on", [date(2024, 2, 5), date(2024, 3, 31)])
def test_a_month_goes_on_until_the_payment_of_the_next_is_known(written_on: date) -> None:
    invoices = [invoice(date(2024, month, 1), paid=date(2024, month, 10)) for month in (1, 2, 3)]
    by_day = days(*invoices, period=Period(date(2024, 1, 1), written_on))
    known = {row["as_of_date"]: (row["mrr"], row["account_status"]) for row in by_day.to_dicts()}
    assert known[date(2024, 1, 10)] == known[date(2024, 2, 5)] == (100, "active")
    assert known[date(2024, 1, 9)][0] == 0


def mrr_by_day(*invoices: dict, first_day: date, last_day: date) -> dict[int, float]:
    table = days(*invoices, period=Period(first_day, last_day))
    return {row["as_of_date"].day: row["mrr"] for row in table.to_dicts()}


def test_a_day_knows_only_what_was_paid_by_then() -> None:
    january, february = by_month(100, 150)
    found = mrr_by_day(
        january, february | {"paid_date": date(2024, 2, 20)}, first_day=date(2024, 2, 1), last_day=date(2024, 2, 29)
    )
    assert (found[1], found[19], found[20], found[29]) == (100, 100, 150, 150)


def test_an_invoice_paid_after_its_last_day_counts_in_the_gap_that_follows() -> None:
    """January, paid on 10 February: the allowed gap ends on 1 March."""
    (january,) = by_month(100)
    found = mrr_by_day(
        january | {"paid_date": date(2024, 2, 10)}, first_day=date(2024, 2, 1), last_day=date(2024, 3, 1)
    )
    assert (found[9], found[10], found[29], found[1]) == (0, 100, 100, 0)
