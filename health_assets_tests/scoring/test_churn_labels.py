"""Who is observed, and who left: days, populations and labels, each by hand."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from health_assets.scoring.churn_labels import churn_dates, labelled, observation_days, observed
from health_assets_tests.assets.rows import SETTINGS, rows

RULES = SETTINGS.backtest
DAY = date(2025, 1, 31)
ORDERS = rows("fact_orders")


def after(days: int) -> date:
    return DAY + timedelta(days=days)


def orders(*days: int, amount: float = 10) -> pl.LazyFrame:
    given = [
        {"order_id": str(day), "account_id": "A", "order_date": after(day), "total_amount": amount} for day in days
    ]
    return rows("fact_orders", *given)


def seen(orders: pl.LazyFrame = ORDERS, mrr: float = 0, **account: Any) -> list[dict[str, Any]]:
    """What is observed on DAY of an account that signed up 60 days before."""
    signup = {"account_id": "A", "signup_date": after(-60)}
    revenue = {"account_id": "A", "as_of_date": DAY, "mrr": mrr, "account_status": "active" if mrr else None}
    tables = rows("fact_account_revenue_daily", revenue), orders, rows("dim_account", signup | account)
    return observed(*tables, [DAY], RULES).collect().to_dicts()


def label(*churned_after: int) -> bool | None:
    observation = pl.LazyFrame({"account_id": ["A"], "as_of_date": [DAY], "is_commerce": [False]})
    churns = pl.LazyFrame(
        {"account_id": ["A"] * len(churned_after), "churn_date": [after(days) for days in churned_after]},
        schema={"account_id": pl.String, "churn_date": pl.Date},
    )
    return labelled(observation, churns, ORDERS, RULES).collect()["churned"].item()


def left_the_shop(*ordered_after: int) -> bool | None:
    observation = pl.LazyFrame({"account_id": ["A"], "as_of_date": [DAY], "is_commerce": [True]})
    nobody = churn_dates(rows("fact_account_revenue_daily"), 0)
    return labelled(observation, nobody, orders(*ordered_after), RULES).collect()["churned"].item()


def churned_on(*statuses: str | None, gap: int = 0) -> list[date]:
    days = [
        {"account_id": "A", "as_of_date": after(place), "account_status": status}
        for place, status in enumerate(statuses)
    ]
    return churn_dates(rows("fact_account_revenue_daily", *days), gap).collect()["churn_date"].to_list()


def test_days_are_a_month_apart_and_their_windows_end_inside_the_data() -> None:
    # 14 + 90 days before 31 May is 16 February
    assert observation_days(date(2024, 12, 20), date(2025, 5, 31), RULES) == [date(2025, 1, 16), date(2025, 2, 16)]
    assert observation_days(date(2025, 5, 1), date(2025, 5, 31), RULES) == []


def test_paying_account_of_sixty_days_is_observed() -> None:
    (row,) = seen(mrr=50, first_paid_date=after(-60))
    assert (row["value"], row["tenure_days"], row["is_commerce"]) == (50, 60, False)
    assert seen(mrr=50, first_paid_date=after(-60), signup_date=after(-59)) == []
    assert seen(mrr=0, first_paid_date=after(-60)) == []


def test_account_that_had_cancelled_by_the_day_is_left_out() -> None:
    assert seen(mrr=50, first_paid_date=after(-60), cancelled_date=DAY) == []
    assert len(seen(mrr=50, first_paid_date=after(-60), cancelled_date=after(1))) == 1


def test_where_nobody_ever_paid_by_contract_whoever_ordered_in_180_days_is_observed() -> None:
    (row,) = seen(orders(-179, -3, 1))  # 10 + 10; the order of tomorrow is none yet
    assert (row["is_commerce"], row["value"], row["days_without_order"]) == (True, 20, 3)
    assert len(seen(orders(-179))) == 1
    assert seen(orders(-180)) == []
    assert seen(orders(1)) == []


def test_where_contracts_are_paid_orders_make_nobody_observed() -> None:
    assert seen(orders(-3), first_paid_date=after(-60)) == []


def test_churn_counts_after_the_lead_and_within_the_horizon() -> None:
    assert [label(days) for days in (0, 1, 14, 15, 104, 105)] == [False, None, None, True, True, False]


def test_churn_too_soon_is_left_out_even_if_it_churns_again() -> None:
    assert label(10, 60) is None


def test_account_that_returned_later_has_churned_all_the_same() -> None:
    assert label(-30, 20) is True
    assert label() is False


def test_who_does_not_order_within_the_horizon_after_the_lead_has_left_the_shop() -> None:
    # the horizon is day 15 to 104; orders in the lead do not count
    assert [left_the_shop(days) for days in (14, 15, 104, 105)] == [True, False, False, True]
    assert left_the_shop() is True
    assert left_the_shop(3, 60) is False


def test_churn_is_the_first_unpaid_day_unless_it_pays_again_within_the_gap() -> None:
    assert churned_on(None, "active", "churned", "churned") == [after(2)]
    assert churned_on("active", "churned", "active", "churned") == [after(1), after(3)]
    # unpaid on day 1, paying on day 3: 2 days
    assert churned_on("active", "churned", "churned", "active", gap=2) == []
    assert churned_on("active", "churned", "churned", "active", gap=1) == [after(1)]
