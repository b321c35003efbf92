"""Lifetime value of an account."""

from datetime import date

import pytest

from health_assets.assets.mart.revenue.customer_lifetime_value import (
    mart_customer_lifetime_value,
    movements__are_those_of_the_months,
)
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows

PAID = ({"account_id": "other", "movement": "new", "expansion_mrr": 0.0, "contraction_mrr": 0.0},)


def valued(*accounts: dict, movements: tuple = PAID) -> dict[str, dict]:
    made = mart_customer_lifetime_value(
        rows("dim_account", *accounts), rows("fact_revenue_monthly", *movements), SETTINGS, AS_OF
    )
    return {row["account_id"]: row for row in made.collect().iter_rows(named=True)}


def account(account_id: str, value: float | None, months: int | None, **given: object) -> dict:
    row = {"account_id": account_id, "lifetime_value": value, "months_since_first_subscription": months}
    return row | {"tenure_months": months} | given


@pytest.mark.parametrize(
    ("value", "segment"),
    [(100_000, "high"), (99_999.99, "medium"), (50_000, "medium"), (20_000, "low"), (19_999, "entry"), (-5, "entry")],
)
def test_segment_starts_at_its_amount(value: float, segment: str) -> None:
    assert valued(account("A", value, 6))["A"]["clv_segment"] == segment


def test_account_of_less_than_six_months_has_no_segment() -> None:
    made = valued(account("young", 200_000.0, 5), account("never paid", 0.0, None), account("not known", None, 12))
    assert {row["clv_segment"] for row in made.values()} == {None}


def test_in_a_shop_the_tenure_begins_with_the_signup() -> None:
    months = {"half a year": date(2024, 7, 31), "a day less": date(2024, 8, 1)}
    made = valued(*(account(name, 60.0, None, signup_date=day) for name, day in months.items()), movements=())
    assert [
        tuple(made[name][column] for column in ("tenure_months", "monthly_clv_rate", "clv_segment")) for name in months
    ] == [
        (6, 10.0, "entry"),
        (5, 12.0, None),
    ]


def test_monthly_rate_is_value_over_months_and_null_in_the_first() -> None:
    made = valued(account("A", 1200.0, 12), account("new", 100.0, 0))
    assert (made["A"]["monthly_clv_rate"], made["new"]["monthly_clv_rate"]) == (100.0, None)


def test_net_expansion_is_rises_less_falls_and_churn_is_no_contraction() -> None:
    moves = ((0.0, 0.0, "new"), (300.0, 0.0, "expansion"), (0.0, 100.0, "contraction"), (0.0, 0.0, "churn"))
    movements = tuple(
        {"account_id": "A", "movement": name, "expansion_mrr": up, "contraction_mrr": down} for up, down, name in moves
    )
    made = valued(account("A", 1.0, 12), account("never paid", 0.0, None), movements=movements)
    totals = ("expansion_revenue_total", "contraction_revenue_total", "net_expansion")
    assert [made["A"][name] for name in totals] == [300.0, 100.0, 200.0]
    assert [made["never paid"][name] for name in totals] == [0.0, 0.0, 0.0]


def test_without_revenue_history_movements_are_null() -> None:
    only_crm = {"account_id": "A", "month": date(2025, 1, 1), "mrr": 100.0}
    made = valued(account("A", None, None), movements=(only_crm,))["A"]
    assert (made["expansion_revenue_total"], made["net_expansion"], made["lifetime_value"]) == (None, None, None)


def test_totals_that_are_not_those_of_the_months_are_found() -> None:
    months = rows("fact_revenue_monthly", PAID[0] | {"account_id": "A", "expansion_mrr": 50.0})
    for rises, faults in ((50.0, 0), (40.0, 1)):
        value = {"account_id": "A", "expansion_revenue_total": rises, "contraction_revenue_total": 0.0}
        found = movements__are_those_of_the_months(rows("mart_customer_lifetime_value", value), months)
        assert found.collect().height == faults
