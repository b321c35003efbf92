"""A column that holds something other than what it is read as is warned of on the first load."""

import pytest

from health_assets_tests.frames import written
from health_assets_tests.quality.company_of_loads import HEADER

pytestmark = pytest.mark.slow

PAID_BEFORE = "mrr_amount__of_ended_periods_is_what_they_paid"
ALL_UNITS = "amount__is_of_all_units"
STATES = "files__are_not_states_of_their_day"
PRICES = "subscription_id,account_id,start_date,amount,quantity,interval,product_name\n"


def test_ended_periods_that_all_paid_nothing_are_what_is_paid_now(company, warehouse) -> None:
    ended = "S1,A1,0,2024-01-01,2024-06-01,\nS2,A2,0.00,2024-01-01,2024-07-01,\n"
    found = company.load(HEADER + ended + "S3,A1,90,2024-06-01,,\n", warehouse)
    assert found[PAID_BEFORE] == (
        "all 2 periods that have ended have an MRR of 0 (such as S1), so their accounts never seem to have paid or churned; if "
        "mrr_amount is what is paid now, map the price instead: sources.subscriptions.columns: {<the price>: amount (or "
        "unit_amount), <its billing period>: interval}"
    )


@pytest.mark.parametrize(
    "rows",
    [
        "S1,A1,0,2024-01-01,2024-06-01,\nS2,A2,80,2024-01-01,2024-07-01,\nS3,A1,90,2024-06-01,,\n",
        "S1,A1,0,2024-01-01,2024-06-01,\nS2,A2,0,2024-01-01,2024-07-01,\nS3,A1,0,2024-06-01,,\n",
        "S1,A1,0,2024-01-01,2024-06-01,\nS3,A1,90,2024-06-01,,\n",
    ],
    ids=["one ended period paid", "nobody pays", "a single ended period"],
)
def test_free_periods_are_not_warned_of(company, warehouse, rows) -> None:
    assert PAID_BEFORE not in company.load(HEADER + rows, warehouse)


def test_amount_that_is_the_same_for_any_quantity_is_the_price_of_a_unit(company, warehouse) -> None:
    rows = "S1,A1,2024-01-01,29,1,month,pro\nS2,A2,2024-01-01,29,10,month,pro\n"
    found = company.load(PRICES + rows, warehouse)
    assert found[ALL_UNITS] == (
        "the amount is the same whatever the quantity in 1 of 1 plans (pro: 29.00 for 1 and for 10), but counts as that of all "
        "units; if it is the price of one: sources.subscriptions.columns: {amount: unit_amount}"
    )


def test_amount_that_grows_with_the_quantity_is_that_of_all_units(company, warehouse) -> None:
    rows = "S1,A1,2024-01-01,29,1,month,pro\nS2,A2,2024-01-01,290,10,month,pro\n"
    assert ALL_UNITS not in company.load(PRICES + rows, warehouse)


def test_count_of_intervals_that_is_not_read_is_named_as_such(company, warehouse) -> None:
    header = "subscription_id,account_id,start_date,amount,interval,billing_frequency\n"
    found = company.load(header + "S1,A1,2024-01-01,1200,month,12\n", warehouse)
    assert found["columns__interval_is_read"] == (
        "billing_frequency of the file is not read, so every price counts as one for a single interval; where it says for how "
        "many: sources.subscriptions.columns: {billing_frequency: interval_count}"
    )


FILES = {"path": ["month_1.csv", "month_2.csv"]}
FIRST = "S1,A1,90,2024-01-01,,\nS2,A2,80,2024-01-01,,\n"


def test_account_that_a_later_file_of_the_same_rows_leaves_out_has_probably_churned(company, warehouse) -> None:
    written(company.folder, "month_1.csv", HEADER + FIRST)
    written(company.folder, "month_2.csv", HEADER + "S1,A1,90,2024-01-01,,\n")
    newest = f"{company.folder.name}/month_2.csv"
    assert company.load("", warehouse, described=FILES)[STATES] == (
        f"1 account without an end is in older files only, not in {newest}, and counted as paying (A2); if each file lists who "
        "pays on its day, a missing row is an end: read the files by the query in docs/connect.md, Files that each list who pays"
    )


@pytest.mark.parametrize(
    "second", ["S3,A1,10,2024-02-01,,\n", FIRST, "S1,A1,90,2024-01-01,2024-02-01,\nS2,A2,80,2024-01-01,,\n"]
)
def test_files_of_different_rows_or_of_all_rows_are_not_warned_of(company, warehouse, second) -> None:
    written(company.folder, "month_1.csv", HEADER + FIRST)
    written(company.folder, "month_2.csv", HEADER + second)
    assert STATES not in company.load("", warehouse, described=FILES | {"duplicates": "newest"})


def test_rows_that_are_all_of_one_of_many_accounts_are_warned_of(company, warehouse) -> None:
    company.accounts(*(f"A{n},2024-01-01,active" for n in range(1, 11)))
    tickets = "".join(f"T{n},A1,2024-02-01\n" for n in range(10))
    found = company.load("ticket_id,account_id,created_at\n" + tickets, warehouse, source="support_tickets")
    assert found["account_id__not_one_for_all"] == (
        "all 10 rows are of account A1, one of 10 accounts; is the account in another column? "
        "sources.support_tickets.columns: {<their column>: account_id}"
    )
    found = company.load(
        "ticket_id,account_id,created_at\n" + tickets + "T10,A2,2024-02-01\n", warehouse, source="support_tickets"
    )
    assert "account_id__not_one_for_all" not in found
