"""The account page of the terminal."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from health_assets.alerts.weekly import LISTED, _item
from health_assets.cli.terminal import console
from health_assets.reporting import accounts
from health_assets.reporting.formatting import next_step
from health_assets.reporting.reader import published, rows
from health_assets_tests.conftest import WholeCompany, said_by


@pytest.fixture
def settings_file(whole_company: WholeCompany) -> str:
    return str(whole_company.folder / "demo" / "settings.yml")


def test_a_name_without_a_command_shows_the_account(whole_company: WholeCompany, settings_file: str) -> None:
    ((account, name),) = whole_company.rows("select account_id, company_name from mart.attention_list limit 1")
    for arguments in ([account], ["show", account], [name.upper()]):
        said = said_by("account", *arguments, "--settings", settings_file)
        assert said.exit_code == 0
        assert f"{name} ({account})" in said.output


def test_an_unknown_account_is_an_error_that_suggests_one(whole_company: WholeCompany, settings_file: str) -> None:
    ((name,),) = whole_company.rows("select company_name from dim.account order by account_id limit 1")
    said = said_by("account", f"{name}x", "--settings", settings_file)
    assert said.exit_code == 1


def test_the_parts_of_the_score_add_up_to_it(whole_company: WholeCompany) -> None:
    with published(whole_company.settings) as connection:
        scores = connection.sql("select account_id, computed_health_score from mart.customer_health").fetchall()
        for account, score in scores[:20]:
            parts = accounts.score_parts(connection, account)
            assert sum(parts["points"].drop_nulls()) == pytest.approx(score or 0, abs=1e-6)
            assert score is None or sum(parts["most_points"].drop_nulls()) == pytest.approx(100)
            for days in accounts.MOVED_SINCE:
                if since := accounts.moved(connection, account, days):
                    assert sum(change for _, change in since.parts) == pytest.approx(since.change, abs=0.05)


def test_each_raised_factor_and_the_next_step_are_shown(whole_company: WholeCompany, settings_file: str) -> None:
    ((account, factors, step),) = whole_company.rows(
        "select account_id, [f.sentence for f in factors], next_step from mart.attention_list "
        "join mart.churn_risk using (account_id) order by factor_count desc, account_id limit 1"
    )
    assert len(factors) > 1
    page = said_by("account", account, "--settings", settings_file).output
    assert [sentence for sentence in [*factors, step] if sentence not in page] == []


def test_the_page_for_the_customer_leaves_internals_out(whole_company: WholeCompany, settings_file: str) -> None:
    ((account,),) = whole_company.rows("select account_id from mart.attention_list order by attention_rank limit 1")
    internal = said_by("account", account, "--settings", settings_file, "--events", "500").output
    page = said_by("account", account, "--settings", settings_file, "--events", "500", "--for-customer").output
    for word in ("Health", "Churn risk", "Next step", " touchpoint ", "owner "):
        assert word not in page
    assert "Churn risk" in internal
    assert "Tickets, 90 days" in page
    assert " ticket " in page


@pytest.fixture
def few_accounts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema dim; create schema fact")
        connection.execute(
            "create table dim.account as from (values ('A-1', 'Arbor Learning, Inc.'), ('A-2', 'Müller & Söhne'), "
            "('A-3', 'Harbor Foods'), ('A-4', 'Harbor Books')) as t(account_id, company_name)"
        )
        yield connection


@pytest.mark.parametrize(
    ("given", "account"),
    [
        ("learning", "A-1"),
        ("MÜLLER", "A-2"),
        ("Harbor Foods", "A-3"),
        ("foods", "A-3"),
        ("arbor", "A-1"),
        ("ooks", "A-4"),
        ("a-4", "A-4"),
    ],
)
def test_part_of_a_name_that_one_account_has_is_enough(
    few_accounts: duckdb.DuckDBPyConnection, given: str, account: str
) -> None:
    assert accounts.account_id_of(few_accounts, given) == account


def test_part_of_a_name_that_several_accounts_have_lists_them(few_accounts: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(accounts.AccountNotFoundError, match=r"give an id: A-3 \(Harbor Foods\), A-4 \(Harbor Books\)$"):
        accounts.account_id_of(few_accounts, "harbor")
    with pytest.raises(accounts.AccountNotFoundError, match="there is no such account"):
        accounts.account_id_of(few_accounts, " ")


def test_a_scheduled_cancellation_is_said_with_its_amount_and_day(few_accounts: duckdb.DuckDBPyConnection) -> None:
    assert accounts.scheduled_ends(few_accounts, "A-1") == []
    few_accounts.execute(
        "create table fact.subscriptions as from (values ('A-1', 1500, date '2026-12-03'), ('A-1', 500, date '2026-12-03'), "
        "('A-1', 70, null), ('A-2', 10, date '2026-12-01')) as t(account_id, mrr, scheduled_end_date)"
    )
    assert accounts.scheduled_ends(few_accounts, "A-1") == ["2,000 MRR on 3 December 2026"]


def test_the_status_of_the_crm_is_said_where_it_is_another() -> None:
    assert accounts.status_of({"account_status": "active", "crm_status": "suspended"}) == "active, suspended in the CRM"
    assert accounts.status_of({"account_status": "active", "crm_status": "active"}) == "active"
    assert accounts.status_of({"account_status": "trial", "crm_status": None}) == "trial"


def test_points_beyond_the_cap_are_explained() -> None:
    factors = [{"points": 40}, {"points": 75}]
    assert accounts.risk_points({"churn_risk_score": 100}, factors) == (
        "100 of 100 points; the factors add up to 115, and the score is capped"
    )
    assert accounts.risk_points({"churn_risk_score": 75}, factors[1:]) == "75 of 100 points"
    assert accounts.risk_points({"churn_risk_score": None}, []) == ""


def test_the_next_step_is_worded_alike_by_status_account_report_and_weekly_alert(
    whole_company: WholeCompany, settings_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 200)  # status shortens lines to the terminal's width
    ((account, step, role, days),) = whole_company.rows(
        "select account_id, next_step, next_step_owner_role, next_step_days from mart.attention_list "
        "where attention_rank = 1"
    )
    words = next_step(step, role, days)
    report = tmp_path / "report.html"
    said_by("report", "--settings", settings_file, "--output", str(report))
    with published(whole_company.settings) as connection:
        listed = rows(connection, LISTED, [None])
    pages = {
        "status": said_by("status", "--settings", settings_file).output,
        "account": said_by("account", account, "--settings", settings_file).output,
        "report": report.read_text(encoding="utf-8"),
        "weekly": _item(listed[0]).next_step,
    }
    assert [name for name, page in pages.items() if words not in " ".join(page.split())] == []
