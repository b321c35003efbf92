"""What enters the staged layer, what is quarantined and why; no row is lost."""

import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources.columns import READER_COLUMNS
from health_assets.sources.parsing import FILE, ROW
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of

load_all()
ACCOUNTS = {"account_id": pl.Series(["CUST_001", "CUST_002"])}


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> Settings:
    return settings_of(tmp_path_factory.mktemp("company"))


def staged(company: Settings, name: str, rows: list[dict[str, str | None]], *, monthly: bool = False) -> FilteredRows:
    """Rows as a file has them, through the real staged transform and the gate."""
    table, raw = TABLES[f"staged_{name}"], TABLES[f"raw_{name}"]
    columns = [column for column in raw.rows.column_names() if column not in READER_COLUMNS]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).with_row_index(ROW, offset=1)
    text = frame.with_columns(pl.col(ROW).cast(pl.Int64), pl.lit("data/file.csv").alias(FILE)).lazy()
    existing = ACCOUNTS if "account_id" in table.contract.column_names() and name != "accounts" else {}
    return filter_rows(table.function(text, company), table.contract, existing, monthly=monthly)


def subscription(**given: str | None) -> dict[str, str | None]:
    return {"subscription_id": "S1", "account_id": "CUST_001", "mrr_amount": "100", "start_date": "2024-01-01"} | given


def reasons(outcome: FilteredRows) -> list[list[str]]:
    return outcome.rejected["reasons"].to_list()


def counts(outcome: FilteredRows) -> tuple[int, ...]:
    summed = outcome.loads.drop("month").sum().row(0)
    assert summed[0] == sum(summed[1:5])
    return summed


def test_row_that_keeps_its_contract_is_kept(company):
    outcome = staged(company, "subscriptions", [subscription()])
    assert outcome.kept.select("account_id", "mrr_amount").rows() == [("CUST_001", 100.0)]
    assert counts(outcome) == (1, 1, 0, 0, 0, 0)


def test_unreadable_value_quarantines_the_row_with_the_record_as_it_stood(company):
    outcome = staged(company, "subscriptions", [subscription(mrr_amount="about 5")])
    row = outcome.rejected.row(0, named=True)
    assert row["reasons"] == ["mrr_amount__unreadable"]
    assert (row[FILE], row[ROW]) == ("data/file.csv", 1)
    assert json.loads(row["record"])["mrr_amount"] == "about 5"


@pytest.mark.parametrize("day", ["2024-02-30", "1704067200", "01/02/2024"])
def test_day_that_cannot_be_read_quarantines_the_row(company, day):
    assert reasons(staged(company, "subscriptions", [subscription(start_date=day)])) == [["start_date__unreadable"]]


@pytest.mark.parametrize(("day", "bound"), [("0001-01-01", "at_least"), ("9999-12-31", "at_most")])
def test_day_outside_the_century_quarantines_the_row(company, day, bound):
    outcome = staged(company, "subscriptions", [subscription(start_date=day)])
    assert f"start_date__{bound}" in reasons(outcome)[0]


def test_blank_in_a_needed_column_is_called_blank(company):
    assert reasons(staged(company, "subscriptions", [subscription(start_date=" ")])) == [["start_date__not_null"]]


def test_every_reason_is_given(company):
    outcome = staged(company, "subscriptions", [subscription(mrr_amount="-5", end_date="2023-01-01", account_id="X")])
    assert reasons(outcome) == [["account_id__orphan", "end_date__not_before_start", "mrr_amount__at_least"]]


def test_unknown_currency_quarantines_the_row(company):
    outcome = staged(company, "subscriptions", [subscription(currency="XXX")])
    assert reasons(outcome) == [["currency__unknown"]]
    assert "fx_rates" in outcome.rejected["hint"][0]


def test_unknown_interval_has_one_reason_and_a_hint_that_maps_the_word(company):
    outcome = staged(company, "subscriptions", [subscription(mrr_amount=None, amount="120", interval="jährlich")])
    assert reasons(outcome) == [["interval__is_known"]]
    assert outcome.rejected["hint"][0] == (
        "interval jährlich is not known; map it to day, week, month, quarter or year, for example "
        "values: {interval: {jährlich: year}}"
    )


@pytest.mark.parametrize(("created_at", "reason"), [("soon", "created_at__unreadable"), (None, "created_at__not_null")])
def test_value_that_is_computed_from_a_missing_one_is_no_second_reason(company, created_at, reason):
    outcome = staged(
        company, "support_tickets", [{"ticket_id": "T", "account_id": "CUST_001", "created_at": created_at}]
    )
    assert reasons(outcome) == [[reason]]


def test_orphan_whose_key_differs_in_spelling_gets_a_hint_and_no_join(company):
    outcome = staged(company, "subscriptions", [subscription(account_id="cust001"), subscription(account_id="OTHER")])
    assert outcome.kept.height == 0
    assert [hint and hint.split(" ")[0] for hint in outcome.rejected["hint"]] == ["CUST_001", None]
    assert "`keys`" in outcome.rejected["hint"][0]


def test_equal_duplicates_collapse(company):
    outcome = staged(company, "subscriptions", [subscription(), subscription(mrr_amount="$100.00")])
    assert counts(outcome) == (2, 1, 0, 1, 0, 0)


def test_of_conflicting_duplicates_the_last_is_kept_and_the_other_quarantined(company):
    outcome = staged(company, "subscriptions", [subscription(mrr_amount="1"), subscription(mrr_amount="2")])
    assert outcome.kept["mrr_amount"].to_list() == [2.0]
    assert reasons(outcome) == [["grain__superseded"]]
    assert counts(outcome) == (2, 1, 1, 0, 0, 0)


def account(**given: str | None) -> dict[str, str | None]:
    return {"account_id": "A", "company_name": "Acme", "signup_date": "2024-01-01"} | given


def test_word_date_and_number_that_decide_nothing_become_null_and_the_row_stays(company):
    ticket = {"ticket_id": "T", "account_id": "CUST_001", "created_at": "2024-01-02"}
    odd = {"status": "zombie", "resolved_at": "soon", "resolution_time_hours": "a lot", "is_escalated": "perhaps"}
    outcome = staged(company, "support_tickets", [ticket | odd])
    assert outcome.kept.select("ticket_id", *odd).row(0) == ("T", None, None, None, None)
    assert counts(outcome) == (1, 1, 0, 0, 0, 4)


def test_value_outside_its_bounds_becomes_null_and_the_row_stays(company):
    outcome = staged(company, "accounts", [account(age="200", licensed_seats="-1")])
    assert outcome.kept.select("age", "licensed_seats").rows() == [(None, None)]
    assert counts(outcome) == (1, 1, 0, 0, 0, 2)


def test_values_that_became_null_are_counted_by_column_and_word_with_three_samples(company):
    rows = [account(account_id=str(n), status="zombie") for n in range(5)] + [account(account_id="9", age="inf")]
    unreadable = staged(company, "accounts", rows).unreadable.drop("month")
    assert unreadable.sort("row_count").rows() == [
        ("age", "inf", 1, ["data/file.csv row 6"]),
        ("status", "zombie", 5, ["data/file.csv row 1", "data/file.csv row 2", "data/file.csv row 3"]),
    ]


@pytest.mark.parametrize("blank", ["N/A", "null", "-", "0000-00-00", "NaN"])
def test_words_for_blank_are_no_unreadable_values(company, blank):
    outcome = staged(company, "subscriptions", [subscription(end_date=blank, seats=blank, status=blank)])
    assert counts(outcome) == (1, 1, 0, 0, 0, 0)


def test_subscription_whose_end_cannot_be_read_is_quarantined_and_one_that_ends_in_the_year_9999_runs(company):
    ends = [subscription(end_date="31/31/2024"), subscription(subscription_id="S2", end_date="9999-12-31")]
    outcome = staged(company, "subscriptions", ends)
    assert reasons(outcome) == [["end_date__unreadable"]]
    assert outcome.kept.select("subscription_id", "end_date").rows() == [("S2", None)]


def test_due_date_that_cannot_be_read_is_the_usual_one_and_counted(company):
    invoice = {"invoice_id": "I", "account_id": "CUST_001", "invoice_date": "2024-01-01", "amount": "5"}
    outcome = staged(company, "invoices", [invoice | {"due_date": "soon"}])
    assert outcome.kept["due_date"].to_list() == [date(2024, 1, 31)]
    assert counts(outcome) == (1, 1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("source", "column", "theirs", "ours"),
    [
        ("subscriptions", "status", "Trialing", "trial"),
        ("subscriptions", "status", "non_renewing", "active"),
        ("subscriptions", "status", "incomplete_expired", "incomplete"),
        ("support_tickets", "status", "Waiting on customer", "pending"),
        ("support_tickets", "status", "To Do", "open"),
        ("support_tickets", "priority", "Highest", "p1"),
        ("support_tickets", "priority", "2", "p2"),
        ("support_tickets", "satisfaction_score", "good", 5.0),
        ("support_tickets", "satisfaction_score", "unoffered", None),
        ("invoices", "status", "payment_due", "overdue"),
    ],
)
def test_common_words_of_other_systems_are_understood(company, source, column, theirs, ours):
    given = {
        "subscriptions": subscription(),
        "support_tickets": {"ticket_id": "T", "account_id": "CUST_001", "created_at": "2024-01-02"},
        "invoices": {"invoice_id": "I", "account_id": "CUST_001", "invoice_date": "2024-01-01", "amount": "5"},
    }[source]
    outcome = staged(company, source, [given | {column: theirs}])
    assert outcome.kept[column].to_list() == [ours]
    assert counts(outcome) == (1, 1, 0, 0, 0, 0)


def test_ticket_resolved_before_it_was_created_keeps_its_row(company):
    ticket = {"ticket_id": "T", "account_id": "CUST_001", "created_at": "2024-01-02", "resolved_at": "2024-01-01"}
    assert staged(company, "support_tickets", [ticket]).kept.height == 1


def test_events_are_counted_by_the_month_from_which_they_are_known(company):
    event = {"account_id": "CUST_001", "event_name": "login"}
    outcome = staged(
        company,
        "usage_events",
        [
            event | {"event_id": "1", "event_timestamp": "2024-01-31T23:00:00"},
            event | {"event_id": "2", "event_timestamp": "2024-02-01"},
            event | {"event_id": "3", "event_timestamp": "never"},
        ],
        monthly=True,
    )
    assert outcome.loads.sort("month").select("month", "rows_kept", "rows_quarantined").rows() == [
        (None, 0, 1),
        (date(2024, 1, 1), 1, 0),
        (date(2024, 2, 1), 1, 0),
    ]


def test_file_without_rows_is_no_rows(company):
    outcome = staged(company, "subscriptions", [])
    assert (outcome.kept.height, outcome.rejected.height) == (0, 0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "subscription_id": st.sampled_from(["S1", "S2", "", None]),
                "account_id": st.sampled_from(["CUST_001", "CUST001", "", "'; DROP TABLE x; --"]),
                "mrr_amount": st.sampled_from(["1", "1.0", "$2", "NaN", "-1", "1e308", None]),
                "start_date": st.sampled_from(["2024-01-01", "2024-01-01T00:00:00", "2024-02-30", "9999-01-01", ""]),
                "end_date": st.sampled_from(["2024-01-01", "2023-01-01", None]),
                "status": st.sampled_from(["active", " CANCELLED", "?", None]),
            }
        ),
        max_size=8,
    )
)
def test_rows_in_are_rows_kept_quarantined_or_collapsed(company, rows):
    outcome = staged(company, "subscriptions", rows)
    read, kept, quarantined, collapsed, _, _ = counts(outcome)
    assert (read, kept, quarantined) == (len(rows), outcome.kept.height, outcome.rejected.height)
    assert read == kept + quarantined + collapsed
    assert all(reasons(outcome))
    assert outcome.kept["subscription_id"].is_unique().all()


def test_an_amount_that_names_its_currency_is_converted_by_its_rate_or_quarantined(tmp_path):
    company = settings_of(tmp_path, reporting_currency="EUR", fx_rates={"USD": 0.5})
    rows = [
        subscription(mrr_amount="USD 100.00"),
        subscription(subscription_id="S2", mrr_amount="100 €"),
        subscription(subscription_id="S3", mrr_amount="GBP 100"),
        subscription(subscription_id="S4", mrr_amount="USD 100", currency="EUR"),
    ]
    outcome = staged(company, "subscriptions", rows)
    assert outcome.kept["mrr_amount"].to_list() == [50.0, 100.0, 100.0]
    assert [reason for several in reasons(outcome) for reason in several] == ["currency__unknown"]


def test_the_mrr_of_the_crm_is_converted_by_the_currency_that_it_names(tmp_path):
    company = settings_of(tmp_path, reporting_currency="EUR", fx_rates={"USD": 0.5})
    account = {"company_name": "One", "signup_date": "2024-01-01"}
    rows = [
        account | {"account_id": "A", "monthly_recurring_revenue": "$1.2k"},
        account | {"account_id": "B", "monthly_recurring_revenue": "GBP 5"},
    ]
    assert staged(company, "accounts", rows).kept["monthly_recurring_revenue"].to_list() == [600.0, None]
