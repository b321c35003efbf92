"""Subscriptions as files have them."""

from datetime import date
from pathlib import Path

import pytest

from health_assets.assets.staged.subscriptions import paid_days__of_one_product_do_not_overlap
from health_assets_tests.assets.rows import rows, subscription
from health_assets_tests.frames import settings_of
from health_assets_tests.sources.test_quarantine import staged

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


def first_paid_date(tmp_path: Path, **given: str | None) -> date | None:
    row = {"subscription_id": "S1", "account_id": "CUST_001", "mrr_amount": "100", "start_date": "2024-03-01"} | given
    return staged(settings_of(tmp_path), "subscriptions", [row]).kept["first_paid_date"].item()


@pytest.mark.parametrize("status", ["trial", "active", None])
def test_a_trial_is_paid_from_its_end_on_whatever_the_status_says(tmp_path: Path, status: str | None) -> None:
    assert first_paid_date(tmp_path, status=status, trial_end_date="2024-04-01") == APRIL


def test_without_the_end_of_the_trial_the_status_alone_tells_that_there_is_one(tmp_path: Path) -> None:
    assert first_paid_date(tmp_path, status="trial") is None
    assert first_paid_date(tmp_path, status="active") == MARCH
    assert first_paid_date(tmp_path) == MARCH


def test_a_trial_that_ended_before_the_period_began_changes_nothing(tmp_path: Path) -> None:
    assert first_paid_date(tmp_path, trial_end_date="2024-02-20") == MARCH


def overlapping(*given: dict) -> list[str]:
    found = paid_days__of_one_product_do_not_overlap(rows("staged_subscriptions", *given))
    return found.collect()["subscription_id"].to_list()


def test_a_period_that_begins_before_an_earlier_one_has_ended_is_told() -> None:
    long, short = subscription(100, MARCH, None), subscription(20, MARCH, APRIL)
    assert overlapping(long, short, subscription(30, MAY)) == [short["subscription_id"], "A-2024-05-01-30"]


def test_a_change_on_the_same_day_another_product_and_an_unpaid_trial_do_not_overlap() -> None:
    assert overlapping(
        subscription(100, MARCH, APRIL),
        subscription(150, APRIL),
        subscription(20, MARCH, product_name="add-on"),
        subscription(30, MARCH, MAY, subscription_id="left in the trial", first_paid_date=MAY),
        subscription(40, MARCH, account_id="B"),
    ) == []  # fmt: skip
