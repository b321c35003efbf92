"""Month-end revenue and its movements."""

from calendar import monthrange
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_assets.assets.fact.revenue_monthly import (
    RevenueMonthly,
    mrr__of_the_as_of_month_is_that_of_the_accounts,
)
from health_assets.assets.mart.revenue.net_revenue_retention import NetRevenueRetention, waterfall__closes_by_segment
from health_assets_tests.assets.rows import AS_OF, account, made, rows, subscription


def months(*subscriptions: dict) -> pl.DataFrame:
    accounts, periods = rows("staged_accounts", account()), rows("staged_subscriptions", *subscriptions)
    return made("fact_revenue_monthly", staged_accounts=accounts, staged_subscriptions=periods).sort("month")


def movements(*subscriptions: dict) -> list[tuple[date, float, str]]:
    return months(*subscriptions).select("month", "mrr", "movement").rows()


def test_a_churned_account_has_a_row_for_each_month_after_it_left() -> None:
    assert movements(subscription(100, date(2024, 10, 5), date(2024, 12, 10))) == [
        (date(2024, 10, 1), 100.0, "new"),
        (date(2024, 11, 1), 100.0, "retained"),
        (date(2024, 12, 1), 0.0, "churn"),
        (date(2025, 1, 1), 0.0, "inactive"),
    ]


def test_a_same_day_upgrade_counts_once_and_is_expansion() -> None:
    change = date(2024, 12, 15)
    found = movements(subscription(100, date(2024, 11, 1), change), subscription(150, change))
    assert found[1] == (date(2024, 12, 1), 150.0, "expansion")


def test_amount_of_a_movement_carries_no_rounding_error() -> None:
    change = date(2024, 12, 15)
    found = months(subscription(0.1, date(2024, 11, 1), change), subscription(0.3, change))
    assert found["expansion_mrr"].to_list() == [0.0, 0.2, 0.0]  # 0.3 - 0.1 is 0.19999999999999998


def test_a_return_after_a_gap_is_reactivation_not_new() -> None:
    found = movements(subscription(100, date(2024, 10, 1), date(2024, 11, 2)), subscription(80, date(2024, 12, 20)))
    assert [movement for _, _, movement in found] == ["new", "churn", "reactivation", "retained"]


def test_a_trial_whose_end_is_not_known_pays_nothing() -> None:
    assert movements(subscription(100, date(2024, 10, 1), first_paid_date=None)) == []


def test_a_trial_pays_from_its_end_on() -> None:
    trial = subscription(100, date(2024, 11, 20), first_paid_date=date(2024, 12, 20))
    assert movements(trial) == [(date(2024, 12, 1), 100.0, "new"), (date(2025, 1, 1), 100.0, "retained")]


@pytest.mark.parametrize("left", [date(2024, 11, 30), date(2024, 12, 20)])  # in the trial, and on the day of its end
def test_who_leaves_within_the_trial_is_neither_new_nor_churned(left: date) -> None:
    assert movements(subscription(100, date(2024, 11, 20), left, first_paid_date=date(2024, 12, 20))) == []


def test_an_account_that_comes_and_goes_within_a_month_is_new_in_the_first_month_that_ends_with_mrr() -> None:
    """Paid 100 from 3 to 9 November and 150 until 19 November, then from 20 December on."""
    came, went, back = date(2024, 11, 3), date(2024, 11, 20), date(2024, 12, 20)
    upgrade = date(2024, 11, 10)
    found = months(subscription(100, came, upgrade), subscription(150, upgrade, went), subscription(80, back))
    assert found.select("month", "mrr", "movement", "came_and_went_mrr").rows() == [
        (date(2024, 11, 1), 0.0, "inactive", 150.0),
        (date(2024, 12, 1), 80.0, "new", 0.0),
        (date(2025, 1, 1), 80.0, "retained", 0.0),
    ]


def test_who_paid_at_the_end_of_the_month_or_of_the_one_before_did_not_come_and_go() -> None:
    """Leaves on 5 December, returns from the 10th to the 19th: a churn of December."""
    first = subscription(100, date(2024, 11, 1), date(2024, 12, 5))
    found = months(first, subscription(100, date(2024, 12, 10), date(2024, 12, 20)))
    assert found["movement"].to_list() == ["new", "churn", "inactive"]
    assert found["came_and_went_mrr"].to_list() == [0.0, 0.0, 0.0]


def test_the_as_of_month_is_measured_on_the_as_of_day_for_those_who_come_and_go_too() -> None:
    gone_today = subscription(100, date(2025, 1, 10), AS_OF)
    assert months(gone_today)["came_and_went_mrr"].to_list() == [100.0]
    assert months(subscription(100, date(2025, 1, 10), date(2025, 2, 1)))["movement"].to_list() == ["new"]


def test_the_mrr_of_the_crm_is_that_of_the_month_of_the_load_without_movements() -> None:
    crm = rows("staged_accounts", account(monthly_recurring_revenue=250.0))
    columns = ["month", "mrr", "movement", "previous_mrr", "churned_mrr", "came_and_went_mrr"]
    found = made("fact_revenue_monthly", staged_accounts=crm)
    assert found.select(columns).rows() == [(date(2025, 1, 1), 250.0, None, None, None, None)]
    assert made("fact_revenue_monthly", staged_accounts=crm, as_of=date(2025, 1, 30)).is_empty()


AMOUNTS = st.sampled_from([0.1, 19.99, 100.0, 333.333333, 1250.5])
DAYS = st.dates(date(2024, 6, 1), date(2025, 2, 10))
SPELLS = st.lists(st.tuples(st.sampled_from("ABC"), AMOUNTS, DAYS, st.integers(0, 120), st.booleans()), max_size=8)


@pytest.mark.slow
@given(SPELLS)
@settings(max_examples=60, deadline=None)
def test_the_waterfall_closes_for_each_account_segment_and_the_total(spells: list[tuple]) -> None:
    periods = [
        subscription(mrr, start, None if runs else start + timedelta(days=days), name, subscription_id=str(number))
        for number, (name, mrr, start, days, runs) in enumerate(spells)
    ]
    accounts = rows("staged_accounts", account("A", employee_count=900), account("B"), account("C"))
    frames = {"staged_accounts": accounts, "staged_subscriptions": rows("staged_subscriptions", *periods)}
    months = made("fact_revenue_monthly", **frames)
    assert RevenueMonthly.is_valid(months, cast=True)
    total = made("mart_net_revenue_retention", fact_revenue_monthly=months.lazy())
    assert NetRevenueRetention.is_valid(total, cast=True)
    segments = made("dim_account", **frames).lazy()
    assert waterfall__closes_by_segment(months.lazy(), segments).collect().is_empty()
    measured = {(row["account_id"], row["month"]): row["mrr"] for row in months.to_dicts()}
    for (name, month), mrr in measured.items():
        day = min(month.replace(day=monthrange(month.year, month.month)[1]), AS_OF)
        paid = (p for p in periods if p["account_id"] == name and p["start_date"] <= day)
        assert mrr == pytest.approx(sum(p["mrr_amount"] for p in paid if p["end_date"] is None or p["end_date"] > day))


def test_account_whose_mrr_differs_between_month_and_day_is_found() -> None:
    month = {"account_id": "A", "month": date(2025, 1, 1), "mrr": 100.0}
    before = month | {"month": date(2024, 12, 1), "mrr": 90.0}
    never_paid = {"account_id": "B", "mrr": None}
    for mrr, faults in ((100.0, 0), (90.0, 1), (None, 1)):
        found = mrr__of_the_as_of_month_is_that_of_the_accounts(
            rows("fact_revenue_monthly", before, month),
            rows("dim_account", {"account_id": "A", "mrr": mrr}, never_paid),
        )
        assert found.collect().height == faults
