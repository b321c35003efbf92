"""Descriptions that cannot work: refused before anything runs, all in one answer, with what was probably meant."""

from datetime import date
from pathlib import Path

import pytest

from health_assets.assets import load_all
from health_assets.settings import SettingsError
from health_assets.sources.check import check_sources
from health_assets.tables import source_contracts
from health_assets_tests.frames import settings_of, written

load_all()
ACCOUNTS = "account_id,company_name,signup_date,status\nK0001,Acme,2024-01-01,active\nK0002,Beta,2024-01-01,active\n"
BILLS = "id,customer,day,sum\n1,K0001,2024-01-01,5\n2,K0002,2024-01-02,6\n"
OURS = {"id": "invoice_id", "customer": "account_id", "day": "invoice_date", "sum": "amount"}


def faults(
    folder: Path, bills: str = BILLS, accounts: dict[str, object] | None = None, **described: object
) -> list[str]:
    """What is said of invoices that are described so; nothing if they can be used."""
    written(folder, "accounts.csv", ACCOUNTS)
    written(folder, "bills.csv", bills)
    invoices = {"path": "bills.csv", "columns": OURS} | described
    company = settings_of(
        folder, sources={"accounts": {"path": "accounts.csv"} | (accounts or {}), "invoices": invoices}
    )
    try:
        check_sources(company, source_contracts())
    except SettingsError as error:
        return str(error).splitlines()
    return []


def test_description_that_works_is_accepted(tmp_path):
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"columns": OURS | {"day": "invoice_dat"}}, "no column 'invoice_dat'; did you mean 'invoice_date'?"),
        (
            {"columns": OURS | {"dai": "due_date"}},
            "no column 'dai', which sources.invoices.columns maps; did you mean 'day'?",
        ),
        ({"columns": OURS | {"day": "amount"}}, "'day' and 'sum' are both mapped to 'amount'"),
        ({"columns": OURS | {"day": ["invoice_date", "due_dat"]}}, "no column 'due_dat'; did you mean 'due_date'?"),
        ({"values": {"status": {"bezahlt": "payed"}}}, "'payed' is not a valid status; did you mean 'paid'?"),
        ({"values": {"state": {"bezahlt": "paid"}}}, "no column 'state'; did you mean 'status'?"),
        ({"defaults": {"currancy": "USD"}}, "no column 'currancy'; did you mean 'currency'?"),
        ({"scale": {"amount": [0, 10]}}, "amount has no scale"),
        ({"unit": {"due_date": "minor"}}, "due_date is not an amount of money"),
        ({"unit": {"amount": "ms"}}, "amount is not a date, a time or a duration"),
        ({"date_format": {"amount": "%d.%m.%Y"}}, "amount is no date or time"),
        ({"keys": {"account": {"match": "^", "replace": "K"}}}, "no column 'account'; did you mean 'account_id'?"),
        ({"newest_by": "updatd"}, "no column 'updatd', which sources.invoices.newest_by names"),
        ({"end_date_is": "last_paid_day"}, "has a meaning for subscriptions only"),
        ({"path": "bils.csv"}, "no file matches"),
    ],
)
def test_name_or_word_that_does_not_exist_is_rejected_with_the_one_that_was_meant(tmp_path, described, said):
    (fault,) = [fault for fault in faults(tmp_path, **described) if said in fault]
    assert "sources.invoices" in fault


def test_word_of_another_system_may_stand_for_ours(tmp_path):
    assert faults(tmp_path, values={"status": {"bezahlt": "succeeded", "-": None}}) == []


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    said = faults(
        tmp_path,
        bills=BILLS.replace(",5", ';"1.234,50"').replace(";", ",").replace(",6", ',"6,50"'),
        accounts={"values": {"status": {"active": "aktive"}}},
        columns=OURS | {"sum": "amont"},
    )
    assert [line.split(":")[0] for line in said] == [
        "sources.accounts.values.status", "sources.invoices.columns", "sources.invoices",
    ]  # fmt: skip
    assert 'sources.invoices.decimal: "," reads them all' in said[2]


@pytest.mark.parametrize(
    ("days", "setting"),
    [
        (["06/18/2026 07:46 AM", "07/02/2026 10:00 PM"], 'date_format: "%m/%d/%Y %I:%M %p"'),
        (["18.06.2026", "02.07.2026"], 'date_format: "%d.%m.%Y"'),
        (["1704067200", "1704067201"], "unit: {invoice_date: s}"),
        (["45292", "45293"], "unit: {invoice_date: excel}"),
    ],
)
def test_dates_that_cannot_be_read_are_named_with_the_setting_that_reads_them(tmp_path, days, setting):
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n1,K0001,{days[0]},5\n2,K0002,{days[1]},6\n")
    assert f"invoice_date cannot be read in 2 of the first 2 rows, for example {days[0]!r}, {days[1]!r}" in fault
    assert f"sources.invoices.{setting} reads them all" in fault


def test_day_and_month_swapped_in_the_format_are_found_by_the_days_that_are_no_months(tmp_path):
    rows = "".join(f"{day},K0001,06/{day}/2026,5\n" for day in range(10, 29))
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n{rows}", date_format="%d/%m/%Y")
    assert 'date_format: "%m/%d/%Y" reads them all' in fault


def test_keys_of_accounts_that_are_spelled_otherwise_are_named_with_the_setting_that_joins_them(tmp_path):
    (fault,) = faults(tmp_path, bills=BILLS.replace("K000", ""))
    assert "2 of the first 2 rows belong to no account, for example '1', '2'; accounts have 'K0001', 'K0002'" in fault
    assert "keys: {account_id: {match:" in fault


def test_a_tenth_of_misread_rows_is_enough_where_a_setting_reads_them_all(tmp_path):
    rows = "".join(f"{n},K0001,{n:02}/02/2026,5\n" for n in range(1, 15))
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n{rows}", date_format="%m/%d/%Y")
    assert "cannot be read in 2 of the first 14 rows" in fault
    assert 'date_format: "%d/%m/%Y" reads them all' in fault


def test_serial_days_among_days_in_the_format_are_named_with_their_unit(tmp_path):
    rows = "1,K0001,05.02.2026,5\n2,K0002,06.02.2026,6\n3,K0002,46059,7\n"
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n{rows}", date_format="%d.%m.%Y")
    assert "invoice_date cannot be read in 1 of the first 3 rows, for example '46059'" in fault
    assert "sources.invoices.unit: {invoice_date: excel} reads them all" in fault


def test_file_read_as_one_column_has_one_fault_which_names_the_delimiter(tmp_path):
    (fault,) = faults(tmp_path, bills=BILLS.replace(",", ";"))
    assert fault.endswith(
        "has a single column, 'id;customer;day;sum'; set the delimiter of its columns: sources.invoices.delimiter: \";\""
    )


def test_accounts_without_a_key_are_one_fault_whatever_else_is_connected(tmp_path):
    (fault,) = faults(tmp_path, accounts={"columns": {"account_id": "company_name"}})
    assert "has no column 'account_id', which accounts needs" in fault


@pytest.mark.parametrize("described", [{"columns": {"acount": "account_id"}}, {"delimiter": "|"}])
def test_accounts_whose_key_is_mapped_from_no_column_of_the_file_are_one_fault(tmp_path, described):
    (fault,) = faults(tmp_path, accounts=described)
    assert "accounts.csv: has " in fault
    assert "sources.accounts." in fault


def test_delimiter_that_the_file_does_not_have_is_refused_with_the_one_that_it_has(tmp_path):
    (fault,) = faults(tmp_path, delimiter="|", where="day > '2024'")
    assert fault.endswith('sources.invoices.delimiter: ","')


def test_format_that_reads_all_but_a_few_values_is_suggested(tmp_path):
    rows = "".join(f"{n},K0001,{n}.01.2024,5\n" for n in range(13, 20))
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n{rows}20,K0001,soon,5\n")
    assert fault.endswith('sources.invoices.date_format: "%d.%m.%Y" reads 7 of 8')


def test_format_that_reads_too_few_values_is_not_suggested(tmp_path):
    rows = "".join(f"{n},K0001,{n}.01.2024,5\n" for n in range(13, 16))
    (fault,) = faults(tmp_path, bills=f"id,customer,day,sum\n{rows}20,K0001,soon,5\n")
    assert fault.endswith("is another column meant?")


def test_format_that_is_set_already_is_not_suggested_for_what_it_cannot_read(tmp_path):
    rows = "".join(f"{n},K0001,{n}.01.2024,5\n" for n in range(13, 18))
    bills = f"id,customer,day,sum\n{rows}20,K0001,soon,5\n"
    assert faults(tmp_path, bills=bills, date_format="%d.%m.%Y") == []


PRICES = "subscription_id,account_id,start_date,amount,interval\nS1,K0001,2024-01-01,120,jährlich\n"


def test_words_without_which_no_price_is_known_are_refused_with_the_setting_that_maps_them(tmp_path):
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "prices.csv", PRICES + "S2,K0002,2024-01-01,10,month\n")
    sources = {"accounts": {"path": "accounts.csv"}, "subscriptions": {"path": "prices.csv"}}
    with pytest.raises(SettingsError) as error:
        check_sources(settings_of(tmp_path, sources=sources), source_contracts())
    assert str(error.value) == (
        "sources.subscriptions: interval has words that are not known in 1 of the first 2 rows: 'jährlich' 1; map each to "
        "day, week, month, quarter or year, for example sources.subscriptions.values: {interval: {jährlich: year}}"
    )


def test_words_that_are_mapped_are_known(tmp_path):
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "prices.csv", PRICES)
    prices = {"path": "prices.csv", "values": {"interval": {"jährlich": "year"}}}
    sources = {"accounts": {"path": "accounts.csv"}, "subscriptions": prices}
    check_sources(settings_of(tmp_path, sources=sources), source_contracts())


def test_default_that_yaml_takes_for_a_date_is_that_day(tmp_path):
    described = {"columns": {"id": "invoice_id", "customer": "account_id", "sum": "amount"}}
    assert faults(tmp_path, **described, defaults={"invoice_date": date(2024, 1, 1)}) == []


def test_few_rows_that_cannot_be_read_do_not_stop_a_run_before_it_starts(tmp_path):
    assert faults(tmp_path, bills=BILLS + "3,K0001,soon,7\n4,X,2024-01-01,7\n") == []


def test_fault_of_many_files_is_said_once(tmp_path):
    for number in range(5):
        written(tmp_path, f"b{number}.csv", "id\n1\n")
    said = faults(tmp_path, path="b*.csv", columns={"id": "invoice_id", "customer": "account_id"})
    assert sum("and 2 more files: has no column 'customer'" in line for line in said) == 1


def test_missing_accounts_and_unknown_sources_are_named(tmp_path):
    written(tmp_path, "a.csv", ACCOUNTS)
    company = settings_of(tmp_path, sources={"acounts": {"path": "a.csv"}}, stale_after_days={"order": 3})
    with pytest.raises(SettingsError) as error:
        check_sources(company, source_contracts())
    assert [line.split(": ")[0] for line in str(error.value).splitlines()] == [
        "sources.accounts", "sources.acounts", "stale_after_days.order",
    ]  # fmt: skip


def test_each_description_of_a_source_is_read_by_its_own_format(tmp_path):
    written(tmp_path, "old.csv", "id,customer,day,sum\n3,K0001,01.13.2024,5\n4,K0001,01.14.2024,5\n")
    other = {"path": "old.csv", "columns": OURS, "date_format": "%d.%m.%Y"}
    written(tmp_path, "accounts.csv", ACCOUNTS)
    written(tmp_path, "bills.csv", BILLS)
    described = [{"path": "bills.csv", "columns": OURS}, other]
    company = settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}, "invoices": described})
    with pytest.raises(
        SettingsError, match=r"invoice_date cannot be read in 2 of the first 2 rows, for example '01\.13\.2024'"
    ):
        check_sources(company, source_contracts())
