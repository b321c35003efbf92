"""Subscriptions as files have them."""

from datetime import date
from pathlib import Path

import pytest

from health_assets.assets.raw.billing import RawSubscriptions
from health_assets.assets.staged.subscriptions import (
    mrr_amount__is_a_price_per_month,
    paid_days__of_one_product_do_not_overlap,
)
from health_assets.sources.readers import SourceError, read_source
from health_assets_tests.assets.rows import rows, subscription
from health_assets_tests.frames import settings_of, written
from health_assets_tests.sources.test_quarantine import staged

MARCH, APRIL, MAY = date(2024, 3, 1), date(2024, 4, 1), date(2024, 5, 1)


def file_row(**given: str | None) -> dict[str, str | None]:
    return {"subscription_id": "S1", "account_id": "CUST_001", "mrr_amount": "100", "start_date": "2024-03-01"} | given


def first_paid_date(tmp_path: Path, **given: str | None) -> date | None:
    return staged(settings_of(tmp_path), "subscriptions", [file_row(**given)]).kept["first_paid_date"].item()


def price(tmp_path: Path, **given: str | None) -> float | list[str]:
    """MRR of a row without mrr_amount, or the reasons for which it is quarantined."""
    outcome = staged(settings_of(tmp_path), "subscriptions", [file_row(**{"mrr_amount": None} | given)])
    return (
        outcome.rejected["reasons"].item().to_list() if outcome.kept.is_empty() else outcome.kept["mrr_amount"].item()
    )


@pytest.mark.parametrize(
    ("interval", "count", "mrr"),
    [
        ("month", None, 120), ("Monthly", "3", 40), ("year", None, 10), ("ANNUAL", "2", 5), ("quarterly", None, 40),
        ("week", None, 520), ("week", "2", 260), ("day", "30", 121.666667), ("semi-annually", None, 20),
        ("3 months", None, 40), ("every 2 weeks", None, 260), ("P1Y", None, 10), ("12m", None, 10), ("per annum", None, 10),
    ],
)  # fmt: skip
def test_a_price_of_120_for_an_interval_is_brought_to_a_month(
    tmp_path: Path, interval: str, count: str | None, mrr: float
) -> None:
    assert price(tmp_path, amount="120", interval=interval, interval_count=count) == mrr


def test_a_unit_price_counts_for_its_quantity_and_discounts_are_of_the_whole_price(tmp_path: Path) -> None:
    assert price(tmp_path, unit_amount="10", quantity="12", interval="month") == 120
    assert price(tmp_path, unit_amount="10", interval="month") == 10
    assert price(tmp_path, unit_amount="10", quantity="12", discount_amount="60", interval="year") == 5
    assert price(tmp_path, amount="1200", quantity="12", discount_amount="120", interval="year") == 90  # of all units
    assert price(tmp_path, amount="30", discount_amount="50", interval="month") == 0


def test_the_amount_per_month_goes_before_a_price_for_an_interval(tmp_path: Path) -> None:
    assert price(tmp_path, mrr_amount="100", amount="1200", interval="fortnight or so") == 100


def test_a_price_whose_interval_is_not_known_quarantines_the_row_with_its_reason(tmp_path: Path) -> None:
    assert price(tmp_path, amount="120", interval="now and then") == ["interval__is_known"]
    assert price(tmp_path, amount="120") == ["interval__given_with_amount"]
    assert price(tmp_path, amount="120", interval="month", quantity="many") == ["quantity__unreadable"]


def test_a_file_without_amount_per_month_needs_a_price_and_its_interval(tmp_path: Path) -> None:
    def checked(header: str) -> None:
        path = {"path": written(tmp_path, "subscriptions.csv", f"subscription_id,account_id,start_date,{header}\n")}
        company = settings_of(tmp_path, sources={"subscriptions": path})
        read_source("subscriptions", RawSubscriptions, company)

    checked("amount,interval")
    checked("unit_amount,interval")
    with pytest.raises(
        SourceError, match=r"has no column 'mrr_amount', .* needs, or amount and interval, or unit_amount and"
    ):
        checked("amount")


@pytest.mark.parametrize(("start", "end"), [("2024-03-01", "2024-03-31"), ("2024-03-31", "2024-03-31")])
def test_a_company_says_that_its_end_dates_are_still_paid(tmp_path: Path, start: str, end: str) -> None:
    source = {"path": "subscriptions.csv", "end_date_is": "last_paid_day"}
    company = settings_of(tmp_path, sources={"subscriptions": source})
    outcome = staged(company, "subscriptions", [file_row(start_date=start, end_date=end)])
    assert outcome.kept["end_date"].to_list() == [APRIL]


@pytest.mark.parametrize("end_date_is", ["first_unpaid_day", "last_paid_day"])
def test_an_end_before_the_start_or_missing_for_an_ended_status_quarantines_the_row(
    tmp_path: Path, end_date_is: str
) -> None:
    company = settings_of(tmp_path, sources={"subscriptions": {"path": "s.csv", "end_date_is": end_date_is}})
    rows_given = [file_row(end_date="2024-02-29"), file_row(subscription_id="S2", status="canceled")]
    outcome = staged(company, "subscriptions", rows_given)
    assert outcome.rejected["reasons"].to_list() == [["end_date__not_before_start"], ["end_date__given_when_ended"]]


def test_a_status_that_is_not_known_costs_no_row(tmp_path: Path) -> None:
    kept = staged(settings_of(tmp_path), "subscriptions", [file_row(status="on sabbatical")]).kept
    assert kept.select("status", "mrr_amount").rows() == [(None, 100)]


def test_a_price_per_month_with_another_interval_is_warned_of() -> None:
    periods = [
        subscription(1200, MARCH, interval="year", interval_count=1, subscription_id="annual"),
        subscription(300, MARCH, interval="month", interval_count=3, subscription_id="three months"),
        subscription(100, MARCH, interval="month", interval_count=1),
        subscription(100, MARCH, interval="year", interval_count=1, amount=1200.0),
        subscription(100, MARCH),
    ]
    found = mrr_amount__is_a_price_per_month(rows("staged_subscriptions", *periods)).collect()
    assert found["subscription_id"].to_list() == ["annual", "three months"]


@pytest.mark.parametrize("status", ["trial", "active", None])
def test_a_trial_is_paid_from_its_end_on_whatever_the_status_says(tmp_path: Path, status: str | None) -> None:
    assert first_paid_date(tmp_path, status=status, trial_end_date="2024-04-01") == APRIL


def test_without_the_end_of_the_trial_the_status_decides_whether_there_is_one(tmp_path: Path) -> None:
    assert first_paid_date(tmp_path, status="trial") is None
    assert first_paid_date(tmp_path, status="active") == MARCH
    assert first_paid_date(tmp_path) == MARCH


def test_a_trial_that_ended_before_the_period_began_changes_nothing(tmp_path: Path) -> None:
    assert first_paid_date(tmp_path, trial_end_date="2024-02-20") == MARCH


def overlapping(*given: dict) -> list[str]:
    found = paid_days__of_one_product_do_not_overlap(rows("staged_subscriptions", *given))
    return found.collect()["subscription_id"].to_list()


def test_a_period_that_begins_before_an_earlier_one_has_ended_is_reported() -> None:
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
