"""The command line as its user meets it: the demo company from nothing to the snapshot, and each expected error."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from health_assets.cli.run import LAYERS
from health_assets.cli.terminal import copyable
from health_assets.reporting.formatting import number
from health_assets.settings import SETTINGS_VARIABLE
from health_assets_tests.conftest import END, Said, WholeCompany, said_by

pytestmark = pytest.mark.slow

SETTINGS = "demo/settings.yml"


@pytest.fixture(scope="module")
def ran(whole_company: WholeCompany) -> Iterator[tuple[Path, Said, Said]]:
    """A folder in which the demo company was written and run: the folder, and what both commands said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(whole_company.folder)
        patch.setenv("DAGSTER_HOME", str(whole_company.folder / "dagster"))
        patch.setenv("COLUMNS", "160")
        patch.delenv(SETTINGS_VARIABLE, raising=False)
        yield whole_company.folder, whole_company.demo, whole_company.run


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.delenv(SETTINGS_VARIABLE, raising=False)
    return tmp_path


def test_demo_writes_exports_and_settings(ran: tuple[Path, Said, Said]) -> None:
    folder, demo, _ = ran
    assert demo.exit_code == 0, demo.output
    assert (folder / SETTINGS).exists()
    assert f"up to {END}" in demo.output


def test_an_unknown_profile_is_rejected_with_the_known_ones(empty: Path) -> None:
    demo = said_by("demo", "--profile", "bakery")
    assert demo.exit_code == 1
    assert "unknown profile 'bakery'" in demo.output


def test_run_publishes_and_sums_up(ran: tuple[Path, Said, Said]) -> None:
    folder, _, run = ran
    assert run.exit_code == 0, run.output
    assert f"Demo Company, as of {END}" in run.output
    assert ", 0 failed; " in run.output
    with duckdb.connect(str((folder / "demo" / "published.duckdb").resolve()), read_only=True) as snapshot:
        assert snapshot.sql("select count(*) > 0 from dim.account").fetchone() == (True,)


def test_log_of_a_run_has_a_line_for_each_layer_in_order(ran: tuple[Path, Said, Said]) -> None:
    lines = ran[2].output.splitlines()
    places = [[at for at, line in enumerate(lines) if said in line] for said in LAYERS.values()]
    assert [len(found) for found in places] == [1] * len(LAYERS)
    assert places == sorted(places)


def test_quarantined_rows_are_shown_by_table(ran: tuple[Path, Said, Said]) -> None:
    assert "Quarantined rows" in ran[2].output
    assert "quarantine." in ran[2].output


def test_dagster_writes_nothing_to_the_terminal(ran: tuple[Path, Said, Said]) -> None:
    assert "dagster - " not in ran[2].output
    assert "STEP_START" not in ran[2].output


def test_dagster_keeps_its_history_in_its_home_with_our_settings(ran: tuple[Path, Said, Said]) -> None:
    home = ran[0] / "dagster"
    assert "PooledEventLogStorage" in (home / "dagster.yaml").read_text()
    assert (home / "history" / "runs" / "index.db").exists()


def test_status_has_every_section(ran: tuple[Path, Said, Said]) -> None:
    status = said_by("status", "--settings", SETTINGS)
    assert status.exit_code == 0, status.output
    parts = [
        f"Demo Company, as of {END}",
        "Accounts to contact",
        "Health  ",
        "MRR at churn risk",
        "Retention",
        "Support",
        "in quarantine",
    ]
    assert [part for part in parts if part not in status.output] == []


def test_status_shows_movements_of_the_month_and_sla_adherence(ran: tuple[Path, Said, Said]) -> None:
    folder, _, _ = ran
    said = " ".join(said_by("status", "--settings", SETTINGS).output.split())
    with duckdb.connect(str((folder / "demo" / "published.duckdb").resolve()), read_only=True) as snapshot:
        worse, mrr = snapshot.sql(
            "select count(*), sum(mrr) from mart.customer_health_daily as now join dim.account using (account_id) "
            "join mart.customer_health_daily as before using (account_id, scorecard) where now.as_of_date = (select as_of_date from about) "
            "and before.as_of_date = date_trunc('month', now.as_of_date)::date - 1 and "
            "list_position(['healthy', 'neutral', 'at_risk', 'critical'], now.health_band::varchar) > "
            "list_position(['healthy', 'neutral', 'at_risk', 'critical'], before.health_band::varchar)"
        ).fetchall()[0]
        met, due = snapshot.sql(
            "select count(*) filter (sla_state = 'met'), count(*) filter (sla_state in ('met', 'breached')) from fact.tickets"
        ).fetchall()[0]
        mrr_now, gain, churned = snapshot.sql(
            "select ending_mrr, ending_mrr - starting_mrr, churned_mrr from mart.net_revenue_retention where is_partial"
        ).fetchall()[0]
    assert f"Moved {number(worse)} worsened ({number(mrr)} MRR)" in said
    assert f"{number(100 * met / due, 1)}% over" in said
    assert f"MRR USD {number(mrr_now)}, {number(gain, 0, '+')} in " in said
    assert f"churned {number(-churned, 0, '+')}" in said


def test_status_before_the_first_run_says_what_to_do(empty: Path) -> None:
    (empty / "settings.yml").write_text("company: Acme")
    status = said_by("status", "--settings", "settings.yml")
    assert status.exit_code == 1
    assert "run `health-assets run --settings settings.yml`, or see why" in status.output


def test_printed_commands_name_the_settings_as_they_were_given() -> None:
    said = (
        "If the load is correct, to publish it anyway, run: health-assets run --accept\nhealth-assets doctor shows more"
    )
    assert copyable(said, None) == said
    named = copyable(said, Path("my settings.yml"))
    assert "run: health-assets run --accept --settings 'my settings.yml'\n" in named
    assert named.endswith("health-assets doctor --settings 'my settings.yml' shows more")
    assert copyable(named, Path("other.yml")) == named


def test_missing_settings_file_is_named(empty: Path) -> None:
    run = said_by("run", "--settings", "nowhere.yml")
    assert (run.exit_code, "nowhere.yml: there is no such settings file" in run.output) == (1, True)


def test_missing_source_file_stops_before_anything_runs(empty: Path) -> None:
    (empty / "settings.yml").write_text("sources: {accounts: {path: gone.csv}}")
    run = said_by("run", "--settings", "settings.yml")
    assert run.exit_code == 1
    assert "sources.accounts.path: no file matches" in run.output
    assert not (empty / "data" / "warehouse.duckdb").exists()


def test_missing_required_column_is_named_with_its_file(empty: Path) -> None:
    (empty / "accounts.csv").write_text("account_id,company_nam,signup_date,status\nA,Acme,2024-01-01,active\n")
    (empty / "settings.yml").write_text("sources: {accounts: {path: accounts.csv}}")
    run = said_by("run", "--settings", "settings.yml")
    assert run.exit_code == 1
    assert "accounts.csv" in run.output
    assert "company_name" in run.output


def test_damaged_warehouse_is_one_message(empty: Path) -> None:
    (empty / "accounts.csv").write_text("account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\n")
    (empty / "w.duckdb").write_text("this is no database" * 1000)
    (empty / "settings.yml").write_text("warehouse: w.duckdb\nsources: {accounts: {path: accounts.csv}}")
    run = said_by("run", "--settings", "settings.yml")
    assert run.exit_code == 1
    assert "w.duckdb: cannot be opened as a DuckDB file" in run.output
    assert "Traceback" not in run.output


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("31.01.2025", "--as-of: '31.01.2025' is not a day; write it as 2025-01-31"),
        ("1999-01-01", "must be between history_start"),
        ("2999-01-01", "must be between history_start"),
    ],
)
def test_a_bad_as_of_day_is_rejected(empty: Path, as_of: str, said: str) -> None:
    (empty / "settings.yml").write_text("company: Acme")
    run = said_by("run", "--settings", "settings.yml", "--as-of", as_of)
    assert (run.exit_code, said in run.output) == (1, True), run.output


def test_scorecard_explain_ends_in_the_published_score(ran: tuple[Path, Said, Said]) -> None:
    folder, _, _ = ran
    with duckdb.connect(str((folder / "demo" / "published.duckdb").resolve()), read_only=True) as snapshot:
        account, score = snapshot.sql(
            "select account_id, health_score from mart.customer_health where health_score is not null limit 1"
        ).fetchall()[0]
    explained = said_by("scorecard", "explain", account, "--settings", SETTINGS)
    assert explained.exit_code == 0, explained.output
    assert f"score = {score:.2f}".rstrip("0").rstrip(".") in explained.output
    refused = said_by("scorecard", "explain", "nobody", "--settings", SETTINGS)
    assert (refused.exit_code, "nobody: there is no such account" in refused.output) == (1, True)


def test_scorecard_explain_knows_accounts_by_name_and_says_why_one_is_not_scored(ran: tuple[Path, Said, Said]) -> None:
    folder, _, _ = ran
    with duckdb.connect(str((folder / "demo" / "published.duckdb").resolve()), read_only=True) as snapshot:
        account, name = snapshot.sql(
            "select account_id, company_name from dim.account where is_active and company_name in "
            "(select company_name from dim.account group by 1 having count(*) = 1) order by 1 limit 1"
        ).fetchall()[0]
        (churned,) = snapshot.sql(
            "select account_id from dim.account where account_status = 'churned' order by 1 limit 1"
        ).fetchall()[0]
        young, first_day = snapshot.sql(
            "select account_id, signup_date from dim.account order by 2 desc limit 1"
        ).fetchall()[0]

    def explained(*asked: str) -> str:
        return said_by("scorecard", "explain", *asked, "--settings", SETTINGS).output

    assert explained(name.upper()) == explained(account.lower()) == explained(account)
    assert f"did you mean {account} ({name})" in explained(f"{name[:-1]}~")
    assert f"{churned}: not scored on {END}: it had churned" in explained(churned)
    assert f"it signed up on {first_day}" in explained(young, "--as-of", str(first_day - timedelta(days=1)))


def test_scorecard_compare_counts_the_accounts_that_would_change_band(ran: tuple[Path, Said, Said]) -> None:
    same = said_by("scorecard", "compare", "standard", "standard", "--settings", SETTINGS)
    assert f"As of {END}: 0 of" in same.output
    assert said_by("scorecard", "compare", "standard", "bakery", "--settings", SETTINGS).exit_code == 1


def test_backtest_of_a_short_history_says_so(ran: tuple[Path, Said, Said]) -> None:
    tested = said_by("backtest", "--settings", SETTINGS)
    assert tested.exit_code == 0, tested.output
    assert "Not enough history" in tested.output or "not enough evidence" in tested.output
