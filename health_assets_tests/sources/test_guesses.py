"""What init takes a column of an export for, by its name and its values."""

import json
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from health_assets.assets import load_all
from health_assets.sources.advice import remedy
from health_assets.sources.guesses.candidates import Candidate, candidates_in
from health_assets.sources.guesses.matching import Match, implied_by, matches
from health_assets.sources.guesses.names import KNOWN, PART, name_score, unit_of
from health_assets.sources.guesses.spelling import SALESFORCE, join_accounts, spelling_of
from health_assets.tables import source_contracts
from health_assets_tests.frames import written


def candidate(name: str, **columns: list[str | None]) -> Candidate:
    given = {column.replace("__", " "): values for column, values in columns.items()}
    return Candidate(name, pl.DataFrame(given, schema=dict.fromkeys(given, pl.String)), {"path": f"{name}.csv"})


def contracts():
    load_all()
    return source_contracts()


@pytest.mark.parametrize(
    "theirs",
    [
        "Refund Amount",
        "Total Amount Refunded",
        "Tax Amount",
        "total_amount_tax",
        "Shipping Total Amount",
        "gift_total_amount",
    ],
)
def test_a_refund_a_tax_or_a_fee_is_not_the_amount_of_an_order(theirs: str) -> None:
    assert name_score(theirs, "orders", "total_amount") == 0


def test_a_total_that_includes_the_tax_is_the_amount_of_an_order() -> None:
    assert name_score("Order Total (inc tax)", "orders", "total_amount") > PART
    assert name_score("Total incl. VAT, order total", "orders", "total_amount") > 0


@pytest.mark.parametrize(
    ("theirs", "source", "ours"),
    [
        ("Refund Amount", "orders", "refunded_amount"),
        ("Total Refunded", "orders", "refunded_amount"),
        ("Discount Amount", "subscriptions", "discount_amount"),
        ("last_login_at", "users", "last_login_at"),
    ],
)
def test_a_word_for_another_thing_is_no_hindrance_where_ours_has_it_too(theirs: str, source: str, ours: str) -> None:
    assert name_score(theirs, source, ours) >= KNOWN - 0.1


def test_the_time_of_an_event_is_not_that_of_the_clock_of_a_device() -> None:
    times = ("etl_tstamp", "collector_tstamp", "dvce_created_tstamp", "derived_tstamp")
    assert max(times, key=lambda theirs: name_score(theirs, "usage_events", "event_timestamp")) == "derived_tstamp"
    assert name_score("dvce_created_tstamp", "usage_events", "event_timestamp") == 0


def test_the_outer_name_of_a_nested_value_does_not_say_what_it_is() -> None:
    assert name_score("properties.$browser", "usage_events", "properties") == 0


def test_amounts_of_refunds_are_read_as_what_was_paid_back_and_not_as_spend() -> None:
    orders = candidate(
        "orders",
        Order__ID=["1", "2"],
        Customer__ID=["7", "8"],
        Order__Date=["2024-03-01", "2024-03-02"],
        Order__Total__inc=["12.00", "20.00"],
        Refund__Amount=["0.00", "20.00"],
    )
    orders.rows = orders.rows.rename({"Order Total inc": "Order Total (inc tax)"})
    (match,), _ = matches([orders], contracts())
    assert {ours: match.columns[ours] for ours in ("total_amount", "refunded_amount")} == {
        "total_amount": "Order Total (inc tax)",
        "refunded_amount": "Refund Amount",
    }


@pytest.mark.parametrize(
    ("values", "scale"),
    [(["1", "7", "4"], [1, 7]), (["2", "10"], [1, 10]), (["0", "10"], [0, 10]), (["40", "100"], [0, 100])],
)
def test_ratings_are_of_the_scale_that_their_highest_value_ends(values: list[str], scale: list[int]) -> None:
    answers = candidate("csat", csat=values)
    match = Match("feedback", answers, {"satisfaction_score": "csat"}, 1.0)
    assert spelling_of(match, contracts()["feedback"]).keys["scale"] == {"satisfaction_score": scale}


def test_json_in_a_column_of_text_is_looked_into(tmp_path: Path) -> None:
    inside = json.dumps({"$group_0": "A1", "list": [1]}).replace('"', '""')
    written(tmp_path, "events.csv", f'uuid,properties\n1,"{inside}"\n')
    (events,), _ = candidates_in(tmp_path)
    assert events.header == ["uuid", "properties", "properties.$group_0"]
    assert events.values("properties.$group_0").to_list() == ["A1"]


def found(*candidates: Candidate) -> dict[str, Match]:
    return {match.source: match for match in matches(list(candidates), contracts())[0]}


ACCOUNTS = {"Company__ID": ["org_1", "org_2"], "Name": ["One", "Two"], "Created__at": ["2024-01-01", "2024-02-01"]}


def test_keys_of_accounts_are_found_by_their_values_where_the_name_of_the_column_does_not_say_it() -> None:
    tickets = candidate(
        "tickets",
        id=["1", "2", "3"],
        created_at=["2024-03-01", "2024-03-02", "2024-03-03"],
        requester__group=["org_2", "org_1", "org_1"],
    )
    assert (
        found(candidate("companies", **ACCOUNTS), tickets)["support_tickets"].columns["account_id"] == "requester group"
    )


def test_short_numbers_are_no_keys_of_accounts_unless_the_name_says_it() -> None:
    accounts = candidate("companies", **ACCOUNTS | {"Company__ID": ["1", "2"]})
    tickets = candidate("tickets", id=["7", "8"], created_at=["2024-03-01"] * 2, stars=["1", "2"])
    assert "support_tickets" not in found(accounts, tickets)


def test_the_name_of_an_account_is_its_key_where_the_file_has_no_other() -> None:
    tracker = candidate("accounts", Customer=["One", "Two"], Customer__since=["2024-01-01", "2024-02-01"])
    columns = found(tracker)["accounts"].columns
    assert (columns["account_id"], columns["company_name"]) == ("Customer", "Customer")


def test_an_account_is_known_by_its_number_before_its_name() -> None:
    tenants = candidate(
        "tenants", Customer=["One", "Two"], Tenant__ID=["T1", "T2"], Onboarded=["2024-01-01", "2024-02-01"]
    )
    columns = found(tenants)["accounts"].columns
    assert (columns["account_id"], columns["company_name"]) == ("Tenant ID", "Customer")


def test_an_annual_value_is_the_price_of_a_year() -> None:
    deals = candidate(
        "contracts",
        Company__ID=["org_1"],
        Contract__Start__Date=["2024-01-01"],
        Annual__Contract__Value=["EUR 1,200.00"],
    )
    match = found(candidate("companies", **ACCOUNTS), deals)["subscriptions"]
    assert match.columns["amount"] == "Annual Contract Value"
    assert implied_by("subscriptions", match.columns) == {"interval": "year"}
    assert implied_by("subscriptions", {"amount": "Price"}) == {}


def test_an_amount_in_cents_by_its_name() -> None:
    invoices = candidate(
        "invoices", id=["1"], Company__ID=["org_1"], issuing_date=["2024-01-01"], total_amount_cents=["1200"]
    )
    match = found(candidate("companies", **ACCOUNTS), invoices)["invoices"]
    assert spelling_of(match, contracts()["invoices"]).keys["unit"] == {"amount": "minor"}


@pytest.mark.parametrize(
    ("theirs", "unit"),
    [
        ("Time to first response (seconds)", "s"),
        ("first_reply_time_in_minutes", "minutes"),
        ("First response time", None),
    ],
)
def test_a_time_to_respond_is_read_in_the_unit_that_its_name_says(theirs: str, unit: str | None) -> None:
    assert unit_of(theirs) == unit
    assert bool(name_score(theirs, "support_tickets", "first_response_time_hours")) == (unit is not None)


def test_seconds_are_no_serial_days() -> None:
    seconds = pl.Series("text", ["86000", "72000", "64000"])
    assert remedy("first_response_at", pl.Datetime("us"), seconds, seconds) is None
    days = pl.Series("text", ["45000", "45001.5"])
    assert remedy("created_at", pl.Datetime("us"), days, days).setting == "unit: {created_at: excel}"


def test_a_score_of_promoters_and_detractors_is_a_recommendation() -> None:
    answers = candidate(
        "answers",
        Company__ID=["org_1", "org_2"],
        created_at=["2024-03-01", "2024-03-02"],
        score=["10", "3"],
        category=["promoter", "detractor"],
    )
    answers.name = "responses"
    assert found(candidate("companies", **ACCOUNTS), answers)["feedback"].columns["nps_score"] == "score"


def test_of_two_columns_of_states_the_one_whose_words_are_understood_is_the_status() -> None:
    invoices = candidate(
        "invoices",
        id=["1", "2", "3"],
        Company__ID=["org_1", "org_2", "org_2"],
        issuing_date=["2024-01-01"] * 3,
        total_amount=["5", "6", "7"],
        status=["finalized", "finalized", "voided"],
        payment_status=["succeeded", "failed", "succeeded"],
    )
    assert found(candidate("companies", **ACCOUNTS), invoices)["invoices"].columns["status"] == "payment_status"


def test_the_time_of_the_ticket_is_not_that_of_its_first_answer() -> None:
    tickets = candidate(
        "conversations",
        id=["1"],
        Company__ID=["org_1"],
        **{"attributes.firstResponse.createdAt": ["2024-03-02"], "attributes.createdAt": ["2024-03-01"]},
    )
    columns = found(candidate("companies", **ACCOUNTS), tickets)["support_tickets"].columns
    assert columns["created_at"] == "attributes.createdAt"


def test_keys_of_salesforce_with_and_without_three_checking_characters_are_equal() -> None:
    accounts = candidate("companies", **ACCOUNTS | {"Company__ID": ["0015g00000AbCdE", "0015g00000aBcDe"]})
    tickets = candidate(
        "tickets",
        id=["1", "2"],
        Company__ID=["0015g00000AbCdEAAQ", "0015g00000aBcDeIAI"],
        created_at=["2024-03-01"] * 2,
    )
    keys, undecided = join_accounts(list(found(accounts, tickets).values()), contracts())
    assert keys["support_tickets"] == {"keys": {"account_id": {"match": SALESFORCE, "replace": r"\1"}}}
    assert undecided == []


def test_each_sheet_of_a_workbook_is_looked_at(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "book.xlsx")) as book:
        book.add_worksheet("Read me").write(0, 0, "Do not share")
        sheet = book.add_worksheet("Customers")
        for column, name in enumerate(("Customer ID", "Name", "Start")):
            sheet.write(0, column, name)
            sheet.write(1, column, f"{name} 1")
    found_there, _ = candidates_in(tmp_path)
    assert [(one.name, one.described["sheet"]) for one in found_there] == [("Customers", "Customers")]
