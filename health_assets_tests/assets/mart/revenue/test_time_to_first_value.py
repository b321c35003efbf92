"""Days from the signup to the first use and the first payment."""

from datetime import date

from health_assets_tests.assets.rows import made, rows

SIGNUP = date(2024, 11, 10)


def first_value(*days: date, first_paid: date | None = None) -> tuple:
    account = {"account_id": "A", "signup_date": SIGNUP, "first_paid_date": first_paid}
    usage = [{"account_id": "A", "activity_date": day} for day in days]
    found = made(
        "mart_time_to_first_value",
        dim_account=rows("dim_account", account),
        fact_usage_daily=rows("fact_usage_daily", *usage),
    )
    return found.select("signup_month", "days_to_first_event", "days_to_first_payment").row(0)


def test_the_first_event_and_the_first_paid_day_count_from_the_signup() -> None:
    found = first_value(date(2024, 11, 20), date(2024, 11, 13), first_paid=date(2024, 12, 10))
    assert found == (date(2024, 11, 1), 3, 30)


def test_use_before_the_signup_counts_as_at_once() -> None:
    assert first_value(date(2024, 11, 1), first_paid=SIGNUP) == (date(2024, 11, 1), 0, 0)


def test_what_has_not_happened_is_null() -> None:
    assert first_value() == (date(2024, 11, 1), None, None)
