"""Month-end revenue and its movements."""

from datetime import date

import pytest

from health_assets.assets.fact.revenue_monthly import fact_revenue_monthly
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows, subscription


def movements(*subscriptions: dict) -> list[tuple[date, float, str]]:
    made = fact_revenue_monthly(
        rows("staged_accounts", account()),
        rows("staged_subscriptions", *subscriptions),
        rows("staged_invoices"),
        SETTINGS,
        AS_OF,
        AS_OF,
    )
    return made.sort("month").select("month", "mrr", "movement").collect().rows()


def test_a_churned_account_has_a_row_for_each_month_after_it_left() -> None:
    assert movements(subscription(100, date(2024, 10, 5), date(2024, 12, 10))) == [
        (date(2024, 10, 1), 100.0, "new"),
        (date(2024, 11, 1), 100.0, "retained"),
        (date(2024, 12, 1), 0.0, "churn"),
        (date(2025, 1, 1), 0.0, "inactive"),
    ]


def test_a_same_day_upgrade_counts_once_and_is_expansion() -> None:
    change = date(2024, 12, 15)
    made = movements(subscription(100, date(2024, 11, 1), change), subscription(150, change))
    assert made[1] == (date(2024, 12, 1), 150.0, "expansion")


def test_a_return_after_a_gap_is_reactivation_not_new() -> None:
    made = movements(subscription(100, date(2024, 10, 1), date(2024, 11, 2)), subscription(80, date(2024, 12, 20)))
    assert [movement for _, _, movement in made] == ["new", "churn", "reactivation", "retained"]


def test_a_trial_whose_end_is_not_known_pays_nothing() -> None:
    assert movements(subscription(100, date(2024, 10, 1), first_paid_date=None)) == []


def test_a_trial_pays_from_its_end_on() -> None:
    trial = subscription(100, date(2024, 11, 20), first_paid_date=date(2024, 12, 20))
    assert movements(trial) == [(date(2024, 12, 1), 100.0, "new"), (date(2025, 1, 1), 100.0, "retained")]


@pytest.mark.parametrize("left", [date(2024, 11, 30), date(2024, 12, 20)])  # in the trial, and on the day of its end
def test_who_leaves_within_the_trial_is_neither_new_nor_churned(left: date) -> None:
    assert movements(subscription(100, date(2024, 11, 20), left, first_paid_date=date(2024, 12, 20))) == []
