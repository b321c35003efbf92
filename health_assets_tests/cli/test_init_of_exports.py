"""Exports as vendors write them: what `init` reads of each, and what it asks."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from health_assets.settings import load
from health_assets_tests.cli.test_init import initialised
from health_assets_tests.frames import written
from health_assets_tests.inline_company import made

pytestmark = pytest.mark.slow

ACCOUNTS = "account_id,company_name,signup_date\nC-11,One,2024-01-01\nC-12,Two,2024-01-01\nC-13,Three,2024-01-01\n"


def periods(folder: Path, *columns: str) -> list[tuple[Any, ...]]:
    rows = made("staged_subscriptions", load(folder / "settings.yml")).collect().sort("subscription_id")
    return rows.select("subscription_id", *columns).rows()


def test_price_stands_for_an_mrr_that_is_0_on_all_rows_that_have_ended(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    header = "subscriptions.id,customers.id,subscriptions.plan_unit_price,subscriptions.plan_quantity,"
    header += "subscriptions.billing_period,subscriptions.billing_period_unit,subscriptions.started_at,"
    header += "subscriptions.cancelled_at,subscriptions.mrr\n"
    rows = "S1,C-11,600,2,6,Month,01-Jan-2024 10:00,,200\nS2,C-12,30,1,1,Month,01-Jan-2024 10:00,01-Mar-2024 10:00,0\n"
    written(tmp_path, "subscriptions.csv", header + rows)
    said, _ = initialised(tmp_path)
    assert "subscriptions.mrr is 0 on every row that has ended, so it is what is paid now" in said.output
    assert periods(tmp_path, "account_id", "mrr_amount") == [("S1", "C-11", 200.0), ("S2", "C-12", 30.0)]


@pytest.mark.parametrize(("amounts", "mrr"), [((29, 29, 29), 290.0), ((29, 290, 87), 290.0)], ids=["of one", "of all"])
def test_amount_is_of_one_unit_or_of_all_as_the_plans_show(
    tmp_path: Path, amounts: tuple[int, ...], mrr: float
) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    header = "id,Customer ID,Plan,Quantity,Amount,Interval,Start,Ended At\n"
    quantities = (1, 10, 3)
    rows = "".join(
        f"S{n},C-1{n},pro,{quantity},{amount},month,2024-01-01,\n"
        for n, (quantity, amount) in enumerate(zip(quantities, amounts, strict=True), 1)
    )
    written(tmp_path, "subscriptions.csv", header + rows)
    initialised(tmp_path)
    assert periods(tmp_path, "mrr_amount")[1] == ("S2", mrr)


def test_end_that_is_still_paid_is_known_by_its_name_or_its_day(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    rows = "".join(f"S{n},C-1{n},90,2024-01-15,2024-0{n + 3}-14\n" for n in (1, 2, 3))
    written(tmp_path, "subscriptions.csv", "subscription_id,account_id,mrr,start,end\n" + rows)
    _, guessed = initialised(tmp_path)
    assert guessed["sources"]["subscriptions"]["end_date_is"] == "last_paid_day"
    assert periods(tmp_path, "end_date")[0] == ("S1", date(2024, 4, 15))


def test_paid_until_counts_before_the_day_of_the_cancellation_and_an_empty_column_for_nothing(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    header = "uuid,account_code,mrr,activated_at,canceled_at,expires_at,ended_at\n"
    written(tmp_path, "subscriptions.csv", header + "S1,C-11,90,2024-01-01,2024-03-02,2024-12-31,\n")
    initialised(tmp_path)
    assert periods(tmp_path, "end_date") == [("S1", date(2024, 12, 31))]


def test_count_in_a_column_named_like_the_account_is_no_key(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS.replace("C-1", "").replace("C-", ""))
    header = "Ticket ID,Created time,Resolved time,Closed time,Customer interactions,Company\n"
    rows = "1,2024-02-01 10:00,2024-02-01 12:00,2024-02-04 12:00,1,One\n2,2024-02-02 10:00,,,1,Two\n"
    written(tmp_path, "tickets.csv", header + rows)
    said, guessed = initialised(tmp_path)
    assert "support_tickets" not in guessed["sources"]
    assert (
        'Company holds what company_name of accounts says: instead of path, give the query `select t.*, a."account_id" as '
        "account_id from read_csv('tickets.csv', header = true, all_varchar = true) t left join read_csv('accounts.csv', header = "
        'true, all_varchar = true) a on lower(a."company_name") = lower(t."Company")`'
    ) in " ".join(said.output.split())
    assert "Resolved time: resolved_at" in (tmp_path / "settings.yml").read_text(encoding="utf-8")


def test_day_and_month_are_in_the_order_that_the_other_dates_of_the_file_show(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    rows = "S1,C-11,90,3/25/2024,8/1/2024\nS2,C-12,90,4/13/2024,\n"
    written(tmp_path, "subscriptions.csv", "subscription_id,account_id,mrr,start,end\n" + rows)
    initialised(tmp_path)
    assert periods(tmp_path, "end_date") == [("S1", date(2024, 8, 1)), ("S2", None)]


REPORT = "Example Corp,,,\nCustomer list,,,\n,,,\nCustomer ID,Customer,Customer since,Owner\n"
ROWS = [("C-11", "One", "2024-01-01", "Ann"), ("C-12", "Two", "2024-01-02", "Bo")]
BELOW = [("Total", "", "", ""), ("Friday, 3 May 2024", "", "", "")]


def report(folder: Path, ending: str) -> None:
    lines = [line.split(",") for line in REPORT.splitlines()] + [list(row) for row in (*ROWS, *BELOW)]
    if ending == "csv":
        text = "\r\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in line) for line in lines)
        written(folder, "customers.csv", text + "\r\n")
        return
    with xlsxwriter.Workbook(str(folder / "customers.xlsx")) as book:
        sheet = book.add_worksheet()
        for row, line in enumerate(lines):
            sheet.write_row(row, 0, line)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_title_above_the_header_and_remarks_below_the_rows_are_no_rows(tmp_path: Path, ending: str) -> None:
    report(tmp_path, ending)
    said, guessed = initialised(tmp_path)
    assert said.exit_code == 0, said.output
    assert guessed["sources"]["accounts"]["lines_before_header"] == 3
    accounts = made("staged_accounts", load(tmp_path / "settings.yml")).collect().sort("account_id")
    assert accounts.select("account_id", "company_name").rows() == [("C-11", "One"), ("C-12", "Two")]
    assert "2 of 4 rows kept" in said.output
    assert "quarantined" not in said.output


def test_row_that_was_cut_off_is_not_taken_for_a_remark(tmp_path: Path) -> None:
    rows = "".join(f"C-{n},Company {n},2024-01-01\n" for n in range(20))
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date\n" + rows + "C-20,Comp")
    said, guessed = initialised(tmp_path)
    assert "where" not in guessed["sources"]["accounts"]
    assert "1 row quarantined: signup_date__not_null" in said.output


def test_file_that_was_saved_again_is_read_once(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "accounts (1).csv", ACCOUNTS + "C-14,Four,2024-01-01\n")
    said, guessed = initialised(tmp_path)
    assert guessed["sources"]["accounts"]["path"] == "accounts (1).csv"
    assert "accounts.csv: an older copy of accounts (1).csv; it is not read" in said.output


def test_files_that_leave_out_who_has_churned_are_named(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    header = "subscription_id,account_id,mrr,start_date\n"
    for month, rows in {
        "2024-01": "S1,C-11,9,2024-01-01\nS2,C-12,9,2024-01-01\n",
        "2024-02": "S1,C-11,9,2024-01-01\n",
    }.items():
        written(tmp_path, f"subscriptions_{month}.csv", header + rows)
    said, _ = initialised(tmp_path)
    assert "1 account without an end is in older files only" in said.output


def test_starts_alone_do_not_say_when_the_files_were_written(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "subscriptions.csv", "subscription_id,account_id,mrr,start_date\nS1,C-11,9,2024-01-01\n")
    said, guessed = initialised(tmp_path)
    assert "as_of" not in guessed
    assert "as_of: nothing says when the files were written (the last start is of 2024-01-01)" in said.output


def test_file_that_fits_nothing_says_what_it_resembles_and_lacks(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(
        tmp_path,
        "contracts.csv",
        "contract_id,account_id,start,total price,billing cycle\nK1,C-11,2024-01-01,about 9,month\n",
    )
    written(tmp_path, "mrr.csv", "Customer,Jan-24,Feb-24,Mar-24\nOne,9,9,9\n")
    said, _ = initialised(tmp_path)
    output = " ".join(said.output.split())
    assert "contracts.csv: looks like subscriptions, but none of its columns" in output
    assert "total price could be amount, but 'about 9' cannot be read as such" in output
    assert (
        "mrr.csv: has a column for each month (Jan-24 ... Mar-24); see docs/connect.md, A column for each month"
        in output
    )


def test_deals_are_no_orders(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    header = "Deal - ID,Deal - Organization ID,Deal - Value,Deal - Deal created,Deal - Status\n"
    written(tmp_path, "deals.csv", header + "1,C-11,900,2024-01-01,Lost\n2,C-12,900,2024-01-01,Open\n")
    _, guessed = initialised(tmp_path)
    assert "orders" not in guessed["sources"]


def test_dates_with_two_digits_of_a_year_are_of_this_century(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", "account_id;company_name;signup_date\nC-1;One;03.04.24\nC-2;Two;25.12.23\n")
    _, guessed = initialised(tmp_path)
    assert guessed["sources"]["accounts"]["date_format"] == "%d.%m.%y"
    accounts = made("staged_accounts", load(tmp_path / "settings.yml")).collect().sort("account_id")
    assert accounts["signup_date"].to_list() == [date(2024, 4, 3), date(2023, 12, 25)]


def test_invoices_without_subscriptions_name_the_setting_that_makes_them_revenue(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "invoices.csv", "Invoice Number,Customer,Invoice Date,Total\nI1,C-11,2024-01-01,90\n")
    said, guessed = initialised(tmp_path)
    assert "invoices" in guessed["sources"]
    assert "to check: MRR: no subscriptions are connected" in (tmp_path / "settings.yml").read_text(encoding="utf-8")
    assert "add revenue: {basis: paid_invoices}" in " ".join(said.output.split())
