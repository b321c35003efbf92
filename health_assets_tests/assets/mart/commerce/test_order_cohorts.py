"""Retention of signup months; the as-of day is 2025-01-31."""

from datetime import date

from health_assets.assets.mart.commerce.order_cohorts import (
    cohort_account_count__of_all_cohorts_is_that_of_the_accounts,
)
from health_assets_tests.assets.rows import AS_OF, account, made, rows

SIGNUPS = {"A": date(2024, 11, 20), "B": date(2024, 11, 2), "C": date(2024, 12, 31)}


def cohorts(*ordered: tuple[str, date], as_of: date = AS_OF) -> list[tuple]:
    orders = [
        {"order_id": str(n), "account_id": account_id, "order_date": day, "total_amount": 10.0}
        for n, (account_id, day) in enumerate(ordered)
    ]
    accounts = rows("dim_account", *(account(*signup) for signup in SIGNUPS.items()))
    facts = made("fact_orders", staged_orders=rows("staged_orders", *orders), dim_account=accounts, as_of=as_of)
    found = made("mart_order_cohorts", fact_orders=facts.lazy(), dim_account=accounts, as_of=as_of)
    columns = ["cohort_month", "month_offset", "cohort_account_count", "active_account_count", "account_retention_pct"]
    return found.select(columns).rows()


def test_retention_is_accounts_that_order_of_the_whole_cohort() -> None:
    found = cohorts(("A", date(2024, 11, 21)), ("A", date(2024, 12, 1)), ("A", date(2024, 12, 9)), ("C", AS_OF))
    november, december = date(2024, 11, 1), date(2024, 12, 1)
    assert found == [
        (november, 0, 2, 1, 50.0),
        (november, 1, 2, 1, 50.0),
        (november, 2, 2, 0, 0.0),
        (december, 0, 1, 0, 0.0),
        (december, 1, 1, 1, 100.0),
    ]


def test_a_partial_month_shows_the_count_without_retention() -> None:
    found = cohorts(("A", date(2024, 11, 21)), ("C", date(2025, 1, 3)), as_of=date(2025, 1, 30))
    assert [row[3:] for row in found if row[0] == date(2024, 12, 1)] == [(0, 0.0), (1, None)]


def test_before_the_first_order_of_the_company_nothing_is_measured() -> None:
    assert [row[3:] for row in cohorts(("A", date(2024, 12, 21)))][:2] == [(None, None), (1, 50.0)]


def test_an_order_before_the_signup_is_in_no_cell() -> None:
    found = cohorts(("C", date(2024, 11, 21)))
    assert sum(row[3] for row in found) == 0


def test_without_orders_there_are_no_cohorts() -> None:
    assert cohorts() == []


def test_a_lost_account_breaks_the_sum_and_no_cohorts_at_all_do_not() -> None:
    accounts = rows("dim_account", account("A"), account("B"))
    one = {"cohort_month": date(2024, 1, 1), "month_offset": 0, "cohort_account_count": 1}
    check = cohort_account_count__of_all_cohorts_is_that_of_the_accounts
    assert check(rows("mart_order_cohorts", one), accounts).collect().height == 1
    assert check(rows("mart_order_cohorts", one | {"cohort_account_count": 2}), accounts).collect().is_empty()
    assert check(rows("mart_order_cohorts"), accounts).collect().is_empty()
