"""Pauses and overwritten prices, remembered load by load."""

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from health_assets.scoring.price_periods import price_periods
from health_assets.settings.source import Source
from health_assets_tests.assets.rows import SETTINGS, account, made, rows, subscription

START, FIRST_LOAD, SECOND_LOAD = date(2024, 10, 1), date(2024, 12, 10), date(2025, 1, 20)
NEW_PERIOD = SETTINGS.model_copy(update={"sources": {"subscriptions": Source(path="s.csv", changes="new_period")}})


def row(mrr: float = 100, end: date | None = None, **given: Any) -> dict[str, Any]:
    return subscription(mrr, START, end, subscription_id="S", price_per_month=mrr) | given


def seen(
    valid_from: date, valid_to: date | None = None, mrr: float = 100, status: str = "active", **given: Any
) -> dict:
    version = {"subscription_id": "S", "valid_from": valid_from, "valid_to": valid_to, "status": status}
    return version | {"price_per_month": mrr} | given


def paid(staged: dict, *history: dict, settings: Any = SETTINGS) -> list[tuple]:
    """First paid day, first unpaid day and price of each period."""
    periods = price_periods(rows("staged_subscriptions", staged), rows("history_subscriptions", *history), settings)
    return periods.sort("first_paid_date").select("first_paid_date", "end_date", "mrr_amount").collect().rows()


@pytest.mark.parametrize("status", ["paused", "incomplete"])
def test_nothing_is_paid_from_the_load_day_on_which_the_pause_was_first_seen(status: str) -> None:
    assert paid(row(status=status), seen(FIRST_LOAD, status=status)) == [(START, FIRST_LOAD, 100)]


def test_a_dated_pause_begins_on_its_day_whenever_it_was_loaded() -> None:
    paused = {"status": "paused", "paused_at": datetime(2024, 11, 5, 9)}
    assert paid(row(**paused), seen(FIRST_LOAD, **paused)) == [(START, date(2024, 11, 5), 100)]
    assert paid(row(**paused)) == [(START, date(2024, 11, 5), 100)]  # as of a day before the first load


def test_a_pause_ends_with_the_load_that_no_longer_shows_it() -> None:
    paused = seen(FIRST_LOAD, date(2025, 1, 19), status="paused")
    found = paid(row(end=date(2025, 6, 1)), paused, seen(SECOND_LOAD))
    assert found == [(START, FIRST_LOAD, 100), (SECOND_LOAD, date(2025, 6, 1), 100)]


def test_a_subscription_paused_from_its_start_on_has_no_paid_day() -> None:
    paused = {"status": "paused", "paused_at": datetime(2024, 9, 1)}
    assert paid(row(**paused), seen(FIRST_LOAD, **paused)) == [(START, START, 100)]


def test_a_trial_whose_end_was_never_given_pays_from_the_load_on_that_no_longer_shows_it() -> None:
    trial = seen(FIRST_LOAD, date(2025, 1, 19), status="trial")
    assert paid(row(), trial, seen(SECOND_LOAD)) == [(SECOND_LOAD, None, 100)]
    ended = row(trial_end_date=date(2024, 11, 1), first_paid_date=date(2024, 11, 1))
    assert paid(ended, trial, seen(SECOND_LOAD)) == [(date(2024, 11, 1), None, 100)]


def test_other_status_words_decide_nothing() -> None:
    for status in ("active", "past_due", "unpaid", "cancelled", None):
        assert paid(row(status=status), seen(FIRST_LOAD, status=status)) == [(START, None, 100)]


def test_an_overwritten_price_is_a_correction_unless_the_settings_say_that_it_is_new() -> None:
    history = [seen(FIRST_LOAD, date(2025, 1, 19), 100), seen(SECOND_LOAD, None, 300)]
    assert paid(row(300), *history) == [(START, None, 300)]
    assert paid(row(300), *history, settings=NEW_PERIOD) == [(START, SECOND_LOAD, 100), (SECOND_LOAD, None, 300)]


def test_a_price_in_another_currency_changes_with_the_contract_and_not_with_the_rate() -> None:
    history = [seen(FIRST_LOAD, date(2025, 1, 19), 100), seen(SECOND_LOAD, None, 120)]
    company = NEW_PERIOD.model_copy(update={"fx_rates": {"EUR": 2.0}})
    assert paid(row(240, currency="EUR", price_per_month=120), *history, settings=company) == [
        (START, SECOND_LOAD, 200),
        (SECOND_LOAD, None, 240),
    ]


def test_a_new_price_is_expansion_in_the_month_of_its_load() -> None:
    months = made(
        "fact_revenue_monthly",
        staged_accounts=rows("staged_accounts", account()),
        staged_subscriptions=rows("staged_subscriptions", row(300)),
        history_subscriptions=rows(
            "history_subscriptions", seen(FIRST_LOAD, date(2025, 1, 19), 100), seen(SECOND_LOAD, None, 300)
        ),
        settings=NEW_PERIOD,
    )
    assert months.sort("month").select("mrr", "expansion_mrr").rows() == [(100, 0), (100, 0), (100, 0), (300, 200)]


def test_a_status_that_changes_while_the_price_stays_changes_no_amount() -> None:
    history = [seen(FIRST_LOAD, date(2025, 1, 19), status="past_due"), seen(SECOND_LOAD, None, status="active")]
    found = paid(row(), *history, settings=NEW_PERIOD)
    assert found == [(START, SECOND_LOAD, 100), (SECOND_LOAD, None, 100)]


def test_periods_of_other_subscriptions_stay_as_they_are() -> None:
    trial = subscription(50, START, first_paid_date=None, subscription_id="trial")
    staged = rows("staged_subscriptions", row(status="paused"), trial, subscription(70, START, subscription_id="other"))
    periods = price_periods(staged, rows("history_subscriptions", seen(FIRST_LOAD, status="paused")), SETTINGS)
    found = periods.sort("subscription_id").select("subscription_id", "first_paid_date", "end_date").collect()
    assert found.rows() == [("S", START, FIRST_LOAD), ("other", START, None), ("trial", None, None)]
    assert isinstance(periods, pl.LazyFrame)
