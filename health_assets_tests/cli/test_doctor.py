"""The doctor finds problems, says how to fix them, shows no secret and writes nothing."""

import socket
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner

from health_assets.alerts import WEBHOOK_VARIABLE, store_of
from health_assets.alerts.data_alerts import of_unstarted_run
from health_assets.alerts.entry import State, entry_of
from health_assets.alerts.outbox import Outbox
from health_assets.cli import app as cli
from health_assets.cli.doctor import Finding, Status, examine
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets.orchestration.jobs import DAILY_JOB
from health_assets.orchestration.processes import PROCESS_TAG
from health_assets.settings import load
from health_assets.sources.formats import SourceError
from health_assets.warehouse.snapshot import publish
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY, files_of, settings_of, written

pytestmark = pytest.mark.slow

ACCOUNTS = "account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\n"
SECRET = "https://hooks.slack.com/services/T0/B0/never-shown"


@dg.op(config_schema={"is_sound": bool})
def made(context: dg.OpExecutionContext) -> None:
    if not context.op_config["is_sound"]:
        raise SourceError("accounts.csv: no file matches")


@dg.job(name=DAILY_JOB)
def daily() -> None:
    made()


@pytest.fixture
def healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}})
    monkeypatch.setenv(WEBHOOK_VARIABLE, SECRET)
    return tmp_path


def findings(folder: Path, today: date = LOAD_DAY) -> dict[str, Finding]:
    return {one.subject: one for one in examine(folder / "settings.yml", today)}


def test_a_sound_set_up_has_no_error_and_no_file_is_created(healthy: Path) -> None:
    before = sorted(healthy.rglob("*"))
    assert [one for one in findings(healthy).values() if one.status == Status.wrong] == []
    assert sorted(healthy.rglob("*")) == before


def test_accounts_without_their_key_are_one_finding_while_other_sources_are_connected(healthy: Path) -> None:
    written(healthy, "orders.csv", "order_id,account_id,order_date,total_amount\n1,A,2024-01-01,5\n")
    accounts = {"path": "accounts.csv", "columns": {"acount": "account_id"}}
    settings_of(healthy, sources={"orders": {"path": "orders.csv"}, "accounts": accounts})
    wrong = [one for one in findings(healthy).values() if one.status == Status.wrong]
    assert [one.subject for one in wrong] == ["sources.accounts"]
    assert "has no column 'acount', which sources.accounts.columns maps; did you mean 'account_id'?" in wrong[0].message


def test_nothing_is_written_to_the_alert_state_the_run_history_or_anywhere_else(
    healthy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(healthy / "dagster"))
    company = load(healthy / "settings.yml")
    prepare_home(company)

    with open_instance() as instance:
        daily.execute_in_process(instance=instance, run_config={"ops": {"made": {"config": {"is_sound": True}}}})
    with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
        outbox.add([entry_of(of_unstarted_run("accounts.csv: no file matches", LOAD_DAY), "default")])
    with Warehouse.opened(company.warehouse) as warehouse:
        publish(warehouse, company.published, "run", LOAD_DAY, "Test")
    before = files_of(healthy)
    found = findings(healthy)
    assert (found["alerts"].message, found["last run"].status) == ("1 pending", Status.good)
    assert files_of(healthy) == before


def test_a_failed_last_run_is_shown_with_its_reason(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(healthy / "dagster"))
    assert "last run" not in findings(healthy)

    prepare_home(load(healthy / "settings.yml"))
    with open_instance() as instance:
        for is_sound, status, said in [
            (True, Status.good, f"as of {LOAD_DAY}, published"),
            (False, Status.warning, f"as of {LOAD_DAY}, failed: accounts.csv: no file matches\nNothing was published"),
        ]:
            config = {"ops": {"made": {"config": {"is_sound": is_sound}}}}
            daily.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
            last = findings(healthy)["last run"]
            assert (last.status, last.message) == (status, said)


def test_the_webhook_url_is_never_shown(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for url, status in {
        SECRET: Status.good,
        "": Status.warning,
        "http://127.0.0.1:99/never-shown": Status.warning,
        "hooks.slack.com/never-shown": Status.wrong,
        "https://hooks.slack.com/ never-shown": Status.wrong,
    }.items():
        monkeypatch.setenv(WEBHOOK_VARIABLE, url)
        found = findings(healthy)
        assert found[WEBHOOK_VARIABLE].status == status, url
        assert "never-shown" not in repr(found)


@pytest.mark.parametrize(
    ("settings", "subject", "message"),
    [
        ("companie: Acme", "settings", "did you mean 'company'?"),
        ("sources: {accounts: {path: gone.csv}}", "sources.accounts", "no file matches"),
        ("sources: {accounts: {path: other.csv}}", "sources.accounts", "has no column 'company_name'"),
        ("sources: {acounts: {path: accounts.csv}}", "sources.acounts", "there is no such source"),
        ("company: Acme", "sources.accounts", "not connected"),
    ],
)
def test_each_problem_has_a_remedy(healthy: Path, settings: str, subject: str, message: str) -> None:
    written(healthy, "other.csv", "account_id,name,signup_date\n")
    written(healthy, "settings.yml", settings)
    found = findings(healthy)[subject]
    assert (found.status, message in found.message, bool(found.remedy)) == (Status.wrong, True, True)


def test_the_process_that_locks_the_warehouse_is_named(healthy: Path) -> None:
    import subprocess
    import sys

    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", holding, str(healthy / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        found = findings(healthy)["warehouse"]
    finally:
        holder.communicate()
    assert f"process {holder.pid} is writing to it" in found.message


def test_a_damaged_warehouse_a_full_disk_and_an_old_snapshot_are_found(healthy: Path) -> None:
    company = settings_of(healthy, sources={"accounts": {"path": "accounts.csv"}}, maintenance={"free_disk_gb": 1e9})
    with Warehouse.opened(company.warehouse) as warehouse:
        publish(warehouse, company.published, "run", LOAD_DAY, "Test")
    company.warehouse.write_bytes(b"no database" * 1000)
    found = findings(healthy, date(2025, 2, 9))
    assert "is damaged" in found["warehouse"].message
    assert found["warehouse"].remedy.startswith("move it aside and run")  # it never was a warehouse
    assert found["disk"].status == Status.wrong
    assert "as of 2025-01-31, 9 days behind" in found["snapshot"].message


def test_the_command_exits_with_1_only_for_an_error(healthy: Path) -> None:
    settings = healthy / "settings.yml"
    said = CliRunner().invoke(cli.app, ["doctor", "--settings", str(settings)])
    assert (said.exit_code, "never-shown" in said.output) == (0, False), said.output
    settings.write_text("companie: Acme")
    said = CliRunner().invoke(cli.app, ["doctor", "--settings", str(settings)])
    assert (said.exit_code, "did you mean 'company'?" in said.output) == (1, True)


def test_file_system_without_symbolic_links_is_foreseen(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "symlink_to", refuses)
    found = findings(healthy)["snapshot"]
    assert (found.status, "has no symbolic links" in found.message) == (Status.wrong, True)


def test_alert_that_is_dead_and_a_run_whose_process_is_gone_are_found(
    healthy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(healthy / "dagster"))
    company = load(healthy / "settings.yml")
    prepare_home(company)
    with open_instance() as instance:
        gone = {PROCESS_TAG: f"{socket.gethostname()}:{2**22 + 1}"}
        config = {"ops": {"made": {"config": {"is_sound": True}}}}
        instance.create_run_for_job(daily, status=dg.DagsterRunStatus.STARTED, tags=gone, run_config=config)
    with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
        entry = entry_of(of_unstarted_run("accounts.csv: no file matches", LOAD_DAY), "default")
        outbox.add([entry])
        outbox.settle([entry.id], State.dead, datetime.now(UTC), "HTTP 404", repeat=False)
    found = findings(healthy)
    assert found["alerts"].message == "1 not delivered (channel default: HTTP 404), 0 pending"
    assert "health-assets alerts retry" in found["alerts"].remedy
    assert f"Process {2**22 + 1} ended during the run" in found["runs"].message
