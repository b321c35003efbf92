"""The dashboard of the security provider, from files to the lines that its document prints."""

from pathlib import Path

import duckdb
import polars as pl

from health_assets.dashboard import TABLES, security_dashboard
from health_assets.settings import Settings
from health_assets_tests import cybersecurity_ten_accounts as ten
from health_assets_tests.inline_company import company_of, made


def test_the_ten_accounts_print_what_the_document_shows(tmp_path: Path) -> None:
    company = company_of(
        tmp_path,
        ten.FILES,
        as_of=ten.AS_OF,
        history_start="2024-12-01",
        scorecard="cybersecurity",
        sources=ten.SPELLINGS,
    )
    assert printed(company) == ten.PRINTED.strip("\n")


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
        snapshot.execute("create schema mart")
        for relation in TABLES:
            frame = made(relation.replace(".", "_"), company).collect()
            snapshot.register("made", frame.with_columns(pl.col(pl.Enum).cast(pl.String)).to_arrow())
            snapshot.execute(f"create table {relation} as select * from made")
        return "\n".join(str(line) for line in security_dashboard(snapshot, company)).strip("\n")
