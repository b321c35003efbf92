"""The real daemon, schedule and sensors, and a web server on loopback in Slack's place."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from health_assets.alerts import WEBHOOK_VARIABLE
from health_assets.alerts.outbox import Outbox
from health_assets.demo import write_company
from health_assets.orchestration.alert_jobs import ALERTS_JOB, DATA_ALERTS_JOB
from health_assets.orchestration.instance import open_instance
from health_assets.orchestration.jobs import DAILY_JOB
from health_assets.orchestration.run_history import NOT_FINISHED
from health_assets.settings import SETTINGS_VARIABLE
from health_assets.sources.account_notes import append, touchpoint
from health_assets_tests.faults.conftest import ROOT
from health_assets_tests.faults.served import seen_within
from health_assets_tests.loopback_slack import SECRET, Slack

pytestmark = pytest.mark.slow
DAGSTER = (sys.executable, "-m", "dagster")
MODULE = "health_assets_tests.faults.every_minute"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()


@pytest.fixture
def company(tmp_path: Path) -> Path:
    """A tiny company whose accounts all had the last level critical, so that most have left it by now."""
    folder = tmp_path / "company"
    write_company(folder, accounts=6, months=2, end=YESTERDAY, seed=7, profile="core")
    settings = folder / "settings.yml"
    kept = [line for line in settings.read_text().splitlines() if not line.startswith("as_of:")]
    settings.write_text(
        "\n".join(
            [
                *kept,
                "plausibility: {min_rows: 1}",
                "alerts: {rules: {risk_level: {leave_days: 0}, health_band: {leave_days: 0}}}",
                "",
            ]
        )
    )
    accounts = [line.split(",")[0] for line in (folder / "accounts.csv").read_text().splitlines()[1:]]
    with Outbox.opened(folder / "alerts.sqlite") as outbox, outbox.transaction():
        before = (YESTERDAY - timedelta(days=1)).isoformat()
        for rule in ("risk_level", "health_band"):
            outbox.connection.execute("insert into rules (rule, as_of_date) values (?, ?)", [rule, before])
            outbox.connection.executemany(
                "insert or replace into levels (account_id, rule, level, as_of_date) values (?, ?, 'critical', ?)",
                [(account, rule, before) for account in accounts],
            )
    return folder


@pytest.fixture
def environment(company: Path, slack: Slack) -> dict[str, str]:
    home = company.parent / "dagster"
    home.mkdir()
    shutil.copy(ROOT / "health_assets" / "orchestration" / "dagster.yaml", home)
    proxies = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}
    return {name: value for name, value in os.environ.items() if name not in proxies} | {
        "DAGSTER_HOME": str(home),
        SETTINGS_VARIABLE: str(company / "settings.yml"),
        WEBHOOK_VARIABLE: slack.url,
    }


@contextmanager
def daemon_of(module: str, environment: dict[str, str]) -> Iterator[Path]:
    """A daemon as it runs beside the web server; its log."""
    log = Path(environment["DAGSTER_HOME"]) / "daemon.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "-m", module],
            cwd=ROOT,
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield log
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def instance(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", environment["DAGSTER_HOME"])
    with open_instance() as opened:
        yield opened


@pytest.mark.timeout(300)
def test_settings_that_the_daemon_cannot_use_are_reported_once(
    company: Path, environment: dict[str, str], slack: Slack
) -> None:
    (company / "settings.yml").write_text("compnay: Acme\n")
    with daemon_of("health_assets.definitions", environment) as log:
        assert seen_within(120, lambda: len(slack.accepted) > 0), log.read_text()[-5000:]
        assert seen_within(120, lambda: "compnay" in log.read_text())
    assert [message["text"] for message in slack.accepted] == ["health-assets: The daily schedule is not running"]
    assert "compnay" in slack.sections()[0]
    assert SECRET not in log.read_text()


@pytest.mark.timeout(1800)
def test_one_daemon_alerts_after_its_daily_run_counts_the_first_note_and_reports_failed_checks_once(
    company: Path, environment: dict[str, str], instance: dg.DagsterInstance, slack: Slack
) -> None:
    with daemon_of(MODULE, environment) as log:
        assert seen_within(300, lambda: count(instance, DAILY_JOB)), log.read_text()[-5000:]
        stop_schedule(instance)  # what runs from here on, something else has started
        assert seen_within(600, lambda: len(slack.accepted) > 0), log.read_text()[-5000:]
        (title,) = [message["text"] for message in slack.accepted]
        assert "account" in title

        account = (company / "accounts.csv").read_text().splitlines()[1].split(",")[0]
        moment = f"{YESTERDAY}T10:00:00Z"
        append(company / "notes", "touchpoints", touchpoint(account, moment, "call", "Ada", "positive", None))
        assert seen_within(500, lambda: touchpoints(company) == [(account, "call")]), log.read_text()[-5000:]
        assert seen_within(120, lambda: is_idle_after(instance, ALERTS_JOB, 2)), log.read_text()[-5000:]
        accepted = len(slack.accepted)

        subscriptions = company / "subscriptions.csv"  # nine rows of ten are gone: a blocking check
        subscriptions.write_text(subscriptions.read_text().splitlines()[0] + "\n")
        assert seen_within(500, lambda: is_idle_after(instance, DATA_ALERTS_JOB, 1)), log.read_text()[-5000:]
        backfill(environment)
        assert seen_within(500, lambda: is_idle_after(instance, DATA_ALERTS_JOB, 2)), log.read_text()[-5000:]
        reported = [message["text"] for message in slack.accepted][accepted:]
        assert reported == ["Demo Company: 2 blocking checks failed"]
        assert "staged_subscriptions: rows__not_collapsed" in slack.sections()[-1]
        assert count(instance, DAILY_JOB, dg.DagsterRunStatus.FAILURE) == 2
        assert SECRET not in log.read_text()


def count(instance: dg.DagsterInstance, job: str, *statuses: dg.DagsterRunStatus) -> int:
    """How many runs of a job there are."""
    return instance.get_runs_count(dg.RunsFilter(job_name=job, statuses=statuses))


def is_idle_after(instance: dg.DagsterInstance, job: str, runs: int) -> bool:
    """Whether so many runs of a job have succeeded, and no run of any job waits or is in progress."""
    succeeded = count(instance, job, dg.DagsterRunStatus.SUCCESS)
    return succeeded >= runs and not instance.get_runs_count(dg.RunsFilter(statuses=NOT_FINISHED))


def stop_schedule(instance: dg.DagsterInstance) -> None:
    (schedule,) = [state for state in instance.all_instigator_state() if state.name == "daily_schedule"]
    instance.update_instigator_state(schedule.with_status(InstigatorStatus.STOPPED))


def touchpoints(company: Path) -> list[tuple[str, str]]:
    """The touchpoints that readers see, once there is a snapshot."""
    with duckdb.connect(os.path.realpath(company / "published.duckdb"), read_only=True) as connection:
        return connection.sql("select account_id, kind from fact.touchpoints").fetchall()


def backfill(environment: dict[str, str]) -> None:
    """The current month, as the page of partitions has it run."""
    month = f"{YESTERDAY:%Y-%m}-01"
    subprocess.run(
        [*DAGSTER, "job", "backfill", "-m", MODULE, "-j", DAILY_JOB, "--partitions", month, "--noprompt"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=200,
        check=True,
    )
