"""Revenue and payment of an account as of each day."""

from datetime import date

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, made, rows, subscription


def invoice(number: int, day: date, due: date, paid: date | None, amount: float = 100, status: str = "paid") -> dict:
    return {
        "invoice_id": str(number),
        "account_id": "A",
        "invoice_date": day,
        "invoice_month": day.replace(day=1),
        "due_date": due,
        "amount": amount,
        "currency": "USD",
        "status": status,
        "paid_date": paid,
    }


def signals(
    subscriptions: list[dict],
    invoices: list[dict],
    period: Period,
    limits: dict[str, int] | None = None,
    **histories: list[dict],
) -> list[dict]:
    """Signals where sources never go stale, but for the days that `limits` gives, with what loads showed, or one of AS_OF."""
    company = SETTINGS.model_copy(update={"stale_after_days": limits or {}})
    days = made(
        "fact_account_revenue_daily",
        staged_accounts=rows("staged_accounts", account()),
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
        staged_invoices=rows("staged_invoices", *invoices),
        settings=company,
        period=period,
        **{name: rows(name, *versions) for name, versions in histories.items()},
    )
    return days.sort("as_of_date").to_dicts()


def test_the_end_date_is_the_first_day_without_revenue() -> None:
    period = Period(date(2025, 1, 9), date(2025, 1, 10))
    found = signals([subscription(100, date(2024, 1, 1), date(2025, 1, 10))], [], period)
    assert [(row["mrr"], row["account_status"]) for row in found] == [(100, "active"), (0, "churned")]


def test_a_trial_pays_and_renews_from_its_end_on() -> None:
    trial = subscription(100, date(2024, 12, 10), first_paid_date=date(2025, 1, 10), renewal_date=date(2025, 1, 20))
    found = signals([trial], [], Period(date(2025, 1, 9), date(2025, 1, 10)))
    assert [row["mrr"] for row in found] == [0, 100]
    assert [row["account_status"] for row in found] == [None, "active"]
    assert [row["days_to_renewal"] for row in found] == [None, 10]


def test_who_left_within_the_trial_has_not_churned() -> None:
    left = subscription(100, date(2024, 12, 10), date(2024, 12, 20), first_paid_date=date(2025, 1, 10))
    assert signals([left], [], Period(AS_OF, AS_OF))[0]["account_status"] == "active"  # as the CRM has it


def test_an_invoice_is_overdue_from_the_day_after_it_was_due_until_it_is_paid() -> None:
    paid_late = invoice(1, date(2024, 12, 1), due=date(2025, 1, 10), paid=date(2025, 1, 12))
    in_time = invoice(2, date(2024, 11, 1), due=date(2024, 12, 1), paid=date(2024, 11, 15))
    found = signals([], [paid_late, in_time], Period(date(2025, 1, 10), date(2025, 1, 12)))
    assert [row["overdue_invoice_count"] for row in found] == [0, 1, 0]
    assert [row["overdue_amount"] for row in found] == [0, paid_late["amount"], 0]
    assert [row["late_paid_invoice_count_90d"] for row in found] == [0, 0, 1]


def test_columns_without_a_date_are_known_from_the_first_load_on() -> None:
    bills = [invoice(n, date(2024, n, 1), date(2024, n, 28), None, amount=10.0 * n) for n in (11, 12)]
    found = signals([], bills, Period(date(2025, 1, 30), AS_OF))
    assert [row["crm_status"] for row in found] == [None, "active"]
    assert [row["overdue_invoice_count"] for row in found] == [None, 0]
    assert found[0]["paid_month_change_pct"] is None
    assert round(found[1]["paid_month_change_pct"], 6) == round(100 * (120 / 110 - 1), 6)


FIRST_LOAD, SECOND_LOAD = date(2025, 1, 10), date(2025, 1, 20)
LOADS = ({"valid_from": FIRST_LOAD, "valid_to": date(2025, 1, 19)}, {"valid_from": SECOND_LOAD, "valid_to": None})
AROUND = Period(date(2025, 1, 9), date(2025, 1, 21))


def seen(key: dict, first: dict, second: dict) -> list[dict]:
    """What two loads showed of a record."""
    return [key | values | load for values, load in zip((first, second), LOADS, strict=True)]


def test_the_status_of_the_crm_holds_from_the_load_that_showed_it_to_the_one_that_changed_it() -> None:
    versions = seen({"account_id": "A"}, {"status": "trial"}, {"status": "suspended"})
    found = {row["as_of_date"].day: row for row in signals([], [], AROUND, history_accounts=versions)}
    assert [found[day]["account_status"] for day in (10, 19, 20)] == ["trial", "trial", "suspended"]
    assert [found[day]["is_suspended"] for day in (10, 19, 20)] == [False, False, True]
    assert [found[day]["is_scored"] for day in (10, 20)] == [True, True]


def test_days_before_anything_is_known_of_any_account_have_no_row() -> None:
    versions = seen({"account_id": "A"}, {"status": "trial"}, {"status": "active"})
    assert next(row["as_of_date"].day for row in signals([], [], AROUND, history_accounts=versions)) == 10
    runs = [subscription(100, date(2025, 1, 15))]
    assert next(row["as_of_date"].day for row in signals(runs, [], AROUND)) == 15
    assert signals([], [], AROUND) == []


def test_an_invoice_settled_without_a_date_was_overdue_while_loads_showed_it_unpaid() -> None:
    settled = invoice(1, date(2024, 12, 1), due=date(2024, 12, 31), paid=None)
    versions = seen({"invoice_id": "1"}, {"status": "open"}, {"status": "paid", "is_paid": True})
    found = {row["as_of_date"].day: row for row in signals([], [settled], AROUND, history_invoices=versions)}
    assert [found[day]["overdue_invoice_count"] for day in (9, 10, 19, 20)] == [None, 1, 1, 0]
    assert [found[day]["overdue_amount"] for day in (10, 20)] == [100, 0]


def test_paid_months_compare_as_they_were_known_on_the_day() -> None:
    """December, 150 after 100, is seen to be paid by the second load."""
    november, december = (
        invoice(n, date(2024, n, 1), date(2024, n, 28), None, amount=50.0 * (n - 9)) for n in (11, 12)
    )
    first = [{"invoice_id": "11", "status": "paid"} | LOADS[0] | {"valid_to": None}]
    versions = first + seen({"invoice_id": "12"}, {"status": "open"}, {"status": "paid"})
    found = {row["as_of_date"].day: row for row in signals([], [november, december], AROUND, history_invoices=versions)}
    assert [found[day]["paid_month_change_pct"] for day in (9, 10, 19, 20, 21)] == [None, 100, 100, 50, 50]


def test_a_renewal_date_that_moved_on_counts_from_the_load_that_showed_it() -> None:
    renewed = subscription(100, date(2024, 1, 1), renewal_date=date(2026, 1, 15), subscription_id="S")
    versions = seen({"subscription_id": "S"}, {"renewal_date": date(2025, 1, 15)}, {"renewal_date": date(2026, 1, 15)})
    found = {row["as_of_date"].day: row for row in signals([renewed], [], AROUND, history_subscriptions=versions)}
    assert [found[day]["days_to_renewal"] for day in (9, 15, 16, 20)] == [6, 0, None, 360]


def test_without_invoices_nothing_is_said_of_payment() -> None:
    assert signals([], [], Period(AS_OF, AS_OF))[0]["overdue_invoice_count"] is None


def contractions(subscriptions: list[dict], *days: date, run: date) -> list[int]:
    """Contractions of six months on some days, as a run of a later day writes them."""
    found = signals(subscriptions, [], Period(days[0], run))
    return [row["contraction_month_count_6m"] for row in found if row["as_of_date"] in days]


def test_a_contraction_counts_from_the_day_of_the_fall_on_through_the_five_months_after_its_own() -> None:
    fall = date(2025, 1, 10)
    lower = [subscription(100, date(2024, 1, 1), fall), subscription(60, fall)]
    around = (date(2025, 1, 9), fall, date(2025, 1, 31), date(2025, 2, 1))
    assert contractions(lower, *around[:2], run=fall) == [0, 1]
    assert contractions(lower, *around, run=date(2025, 3, 15)) == [0, 1, 1, 1]
    assert contractions(lower, date(2025, 6, 30), date(2025, 7, 1), run=date(2025, 7, 1)) == [1, 0]


def test_a_fall_that_recovers_by_the_month_end_is_no_contraction_from_then_on() -> None:
    low, high = date(2025, 1, 10), date(2025, 1, 20)
    recovers = [subscription(100, date(2024, 1, 1), low), subscription(60, low, high), subscription(100, high)]
    assert contractions(recovers, low, date(2025, 1, 19), high, date(2025, 2, 1), run=date(2025, 2, 1)) == [1, 1, 0, 0]


def test_a_month_and_the_five_before_it_may_each_have_a_contraction() -> None:
    firsts = [date(2024, month, 5) for month in range(7, 13)] + [date(2025, 1, 5)]
    falls = zip([date(2024, 1, 1), *firsts], [*firsts, None], range(100, 20, -10), strict=True)
    shrinking = [subscription(mrr, start, end) for start, end, mrr in falls]
    days = (date(2024, 12, 4), date(2024, 12, 5), date(2025, 1, 4), date(2025, 1, 5), AS_OF)
    assert contractions(shrinking, *days, run=AS_OF) == [5, 6, 5, 6, 6]


def test_an_account_that_pays_nothing_has_no_contraction_but_has_left() -> None:
    assert contractions([subscription(100, date(2024, 1, 1), date(2025, 1, 10))], AS_OF, run=AS_OF) == [0]


def test_before_the_first_payment_date_overdue_invoices_are_not_measured() -> None:
    bill = invoice(1, date(2024, 12, 1), due=date(2024, 12, 5), paid=date(2025, 1, 11))
    found = signals([], [bill], Period(date(2025, 1, 10), date(2025, 1, 11)))
    assert [row["overdue_invoice_count"] for row in found] == [None, 0]


def test_an_open_invoice_stays_overdue_and_a_void_or_credited_one_never_is() -> None:
    bills = [
        invoice(1, date(2024, 12, 1), date(2024, 12, 15), None, status="open"),
        invoice(2, date(2024, 12, 1), date(2024, 12, 15), None, status="void"),
        invoice(3, date(2024, 12, 1), date(2024, 12, 15), None, amount=-50, status="open"),
        invoice(4, date(2024, 12, 1), date(2024, 12, 15), None, status="paid"),
    ]
    (day,) = signals([], bills, Period(AS_OF, AS_OF))
    assert (day["overdue_invoice_count"], day["overdue_amount"]) == (1, bills[0]["amount"])


def test_a_late_payment_counts_for_90_days() -> None:
    bill = invoice(1, date(2024, 8, 1), due=date(2024, 8, 20), paid=date(2024, 9, 1))
    found = signals([], [bill], Period(date(2024, 11, 29), date(2024, 11, 30)))  # the 90th day, and the day after
    assert [row["late_paid_invoice_count_90d"] for row in found] == [1, 0]


def test_the_nearest_renewal_of_a_running_subscription_counts() -> None:
    ended = subscription(10, date(2024, 1, 1), date(2025, 1, 10), renewal_date=date(2025, 1, 15))
    running = subscription(20, date(2024, 2, 1), renewal_date=date(2025, 1, 20))
    found = signals([ended, running], [], Period(date(2025, 1, 9), date(2025, 1, 21)))
    days = {row["as_of_date"].day: row["days_to_renewal"] for row in found}
    assert (days[9], days[10], days[20], days[21]) == (6, 10, 0, None)


def test_without_subscriptions_the_crm_mrr_is_that_of_the_load_day_alone() -> None:
    accounts = rows("staged_accounts", account(monthly_recurring_revenue=250.0), account("B"))
    period = Period(date(2025, 1, 30), AS_OF)
    days = made("fact_account_revenue_daily", staged_accounts=accounts, period=period)
    columns = [
        "account_id",
        "as_of_date",
        "mrr",
        "account_status",
        "contraction_month_count_6m",
        "mrr_change_ratio_90d",
    ]
    assert days.sort("account_id", "as_of_date").select(columns).rows() == [
        ("A", AS_OF, 250.0, "active", None, None),
        ("B", AS_OF, None, "active", None, None),
    ]


def test_an_account_without_a_subscription_pays_nothing_once_the_company_has_one() -> None:
    accounts = rows("staged_accounts", account(), account("B"))
    subscriptions = rows("staged_subscriptions", subscription(100, date(2025, 1, 31)))
    frames = {"staged_accounts": accounts, "staged_subscriptions": subscriptions}
    days = made("fact_account_revenue_daily", **frames, period=Period(date(2025, 1, 30), AS_OF))
    assert days.sort("account_id", "as_of_date")["mrr"].to_list() == [100, 0]


def test_invoices_silent_beyond_their_limit_say_nothing_of_payment_and_mrr_goes_on() -> None:
    bill = invoice(1, date(2025, 1, 10), due=date(2025, 1, 20), paid=date(2025, 1, 25))
    runs = [subscription(100, date(2024, 1, 1))]
    found = signals(
        runs, [bill], Period(date(2025, 1, 30), AS_OF), {"invoices": 20}
    )  # 20 and 21 days after the invoice
    assert [row["overdue_invoice_count"] for row in found] == [0, None]
    assert [row["late_paid_invoice_count_90d"] for row in found] == [1, None]
    assert [row["mrr"] for row in found] == [100, 100]
    assert signals(runs, [bill], Period(AS_OF, AS_OF), {"invoices": 21})[0]["paid_month_change_pct"] == 100
    assert signals(runs, [bill], Period(AS_OF, AS_OF), {"invoices": 20})[0]["paid_month_change_pct"] is None
