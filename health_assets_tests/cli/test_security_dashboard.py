"""The security provider's ten accounts, from files to their scores and to the lines that its document prints."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from health_assets.cli.security_dashboard import security_dashboard
from health_assets.reporting.service import DASHBOARD_TABLES
from health_assets.settings import Settings
from health_assets_tests import cybersecurity_ten_accounts as ten
from health_assets_tests.inline_company import all_made, company_of, made

pytestmark = pytest.mark.slow


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    return company_of(
        tmp_path,
        ten.FILES,
        as_of=ten.AS_OF,
        history_start="2024-12-01",
        scorecard="cybersecurity",
        sources=ten.SPELLINGS,
    )


def test_the_ten_accounts_print_what_the_document_shows(company: Settings) -> None:
    assert printed(company) == ten.PRINTED.strip("\n")


def test_each_account_gets_the_score_worked_out_by_hand(company: Settings) -> None:
    parts = [f"{part}_score" for part in ("usage", "support", "security", "satisfaction", "health")]
    rows = made("mart_customer_health", company).select("account_id", *parts, "health_band").collect().iter_rows()
    found = {account: (*(round(score, 9) for score in scores), band) for account, *scores, band in rows}
    assert found == ten.SCORES


def test_contract_events_of_another_spelling_find_their_accounts(company: Settings) -> None:
    journey = made("mart_customer_journey", company).collect()
    counts = ["account_id", "contract_event_count", "renewed_count", "downgraded_count", "revenue_impact_total"]
    assert journey.filter(pl.col("contract_event_count") > 0).select(counts).rows() == [
        ("SEC-03", 2, 1, 0, 15000),
        ("SEC-04", 1, 0, 1, -5000),
    ]


def test_without_incidents_and_feedback_there_is_no_dashboard(tmp_path: Path) -> None:
    files = {name: ten.FILES[name] for name in ("accounts", "subscriptions", "support_tickets")}
    assert (
        printed(company_of(tmp_path, files, as_of=ten.AS_OF, history_start="2024-12-01", sources=ten.SPELLINGS)) == ""
    )


def test_what_the_files_do_not_say_is_not_measured(tmp_path: Path) -> None:
    incidents = [
        {key: row[key] for key in ("incident_id", "account_id", "detected_at")} for row in ten.SECURITY_INCIDENTS
    ]
    files = {"accounts": ten.CUSTOMERS, "security_incidents": incidents}
    lines = printed(company_of(tmp_path, files, as_of=ten.AS_OF, history_start="2024-12-01", sources=ten.SPELLINGS))
    assert "Total MRR: not measured" in lines
    assert "Critical Incidents: not measured" in lines
    assert "False Positives: not measured" in lines
    assert "CUSTOMER SATISFACTION" not in lines


def printed(company: Settings) -> str:
    """The dashboard of a company whose tables are made from its files."""
    with duckdb.connect() as snapshot:
        snapshot.execute("create schema mart; create schema dim")
        names = {relation.replace(".", "_"): relation for relation in DASHBOARD_TABLES}
        for name, frame in all_made(names, company).items():
            snapshot.register("made", frame.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow())
            snapshot.execute(f"create table {names[name]} as select * from made")
        return "\n".join(str(line) for line in security_dashboard(snapshot, company)).strip("\n")


def test_customers_are_not_counted_where_nothing_says_who_is_one(tmp_path: Path) -> None:
    files = {
        "accounts": [{"account_id": "A1", "company_name": "One", "signup_date": "2024-01-01"}],
        "security_incidents": [{"incident_id": "I1", "account_id": "A1", "detected_at": "2024-03-01"}],
    }
    unknown = company_of(tmp_path, files, as_of="2024-03-31", history_start="2024-01-01")
    assert "Total Customers: not measured" in printed(unknown)
    customers = {"accounts": {"defaults": {"status": "active"}}}
    known = company_of(tmp_path, files, as_of="2024-03-31", history_start="2024-01-01", sources=customers)
    assert "Total Customers: 1" in printed(known)
