"""Accounts leave because of what happened to them, but not all accounts with problems leave."""

from datetime import date

import numpy as np
import pytest

from health_assets.demo.calendar import Calendar
from health_assets.demo.lifecycles import CHAMPION, PAYMENT, Lifecycles, simulate

OBSERVED_IN_WEEKS = (40, 54, 68, 82)
QUARTER = 13  # weeks


@pytest.fixture(scope="module")
def lifecycles() -> Lifecycles:
    return simulate(3_000, Calendar(24, date(2026, 11, 23)), seed=7)


def trailing(history: np.ndarray, week: int) -> np.ndarray:
    return history[week - QUARTER + 1 : week + 1].sum(axis=0)


SUFFERING = {
    "bad tickets": lambda lifecycles, week: trailing(lifecycles.bad_tickets, week),
    "falling usage": lambda lifecycles, week: (
        trailing(lifecycles.usage, week - QUARTER) - trailing(lifecycles.usage, week)
    ),
    "payment trouble": lambda lifecycles, week: trailing(lifecycles.trouble[:, PAYMENT], week),
    "a champion gone": lambda lifecycles, week: trailing(lifecycles.trouble[:, CHAMPION], week),
}


def leaves_within_a_quarter(lifecycles: Lifecycles, week: int) -> np.ndarray:
    return ~lifecycles.is_paying[week + 1 : week + 1 + QUARTER].all(axis=0)


@pytest.mark.parametrize("what", SUFFERING)
def test_accounts_with_more_problems_leave_more_often(lifecycles, what):
    worst_leave, best_leave = [], []
    for week in OBSERVED_IN_WEEKS:
        observed = np.flatnonzero(lifecycles.is_paying[week - 2 * QUARTER : week + 1].all(axis=0))
        order = observed[np.argsort(SUFFERING[what](lifecycles, week)[observed], kind="stable")]
        third = len(order) // 3
        leaves = leaves_within_a_quarter(lifecycles, week)
        best_leave.append(leaves[order[:third]].mean())
        worst_leave.append(leaves[order[-third:]].mean())
    assert np.mean(worst_leave) > 1.3 * np.mean(best_leave)


def test_most_accounts_with_problems_stay_and_some_leave_without_warning(lifecycles):
    week = OBSERVED_IN_WEEKS[1]
    bad, leaves = trailing(lifecycles.bad_tickets, week), leaves_within_a_quarter(lifecycles, week)
    is_paying = lifecycles.is_paying[week]
    assert leaves[is_paying & (bad >= 3)].mean() < 0.6
    assert leaves[is_paying & (bad == 0)].sum() > 0


def test_churn_is_that_of_a_plausible_company(lifecycles):
    paying = lifecycles.is_paying[52:]
    monthly = (paying[:-1] & ~paying[1:]).sum() / paying[:-1].sum() * 52 / 12
    mrr = lifecycles.mrr.sum(axis=0)
    cohort = mrr[-53] > 0
    assert 0.015 <= monthly <= 0.03
    assert 0.95 <= mrr[-2][cohort].sum() / mrr[-53][cohort].sum() <= 1.10


def test_some_accounts_return(lifecycles):
    came = lifecycles.is_paying & ~np.roll(lifecycles.is_paying, 1, axis=0)
    assert 0 < (came[1:].sum(axis=0) > 1).mean() < 0.1


def test_absent_accounts_have_no_activity(lifecycles):
    for happens in (
        lifecycles.usage,
        lifecycles.tickets,
        lifecycles.incidents,
        lifecycles.touches,
        lifecycles.suspended,
        lifecycles.mrr.sum(axis=0),
    ):
        assert not happens[~lifecycles.present].any()
