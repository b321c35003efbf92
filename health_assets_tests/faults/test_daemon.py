"""The real daemon, schedule and sensors, and a web server on loopback in Slack's place."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from health_assets.alerts import WEBHOOK_VARIABLE
from health_assets.alerts.outbox import Outbox
from health_assets.demo import write_company
from health_assets.settings import SETTINGS_VARIABLE
from health_assets.sources.account_notes import append, touchpoint
from health_assets_tests.faults.conftest import ROOT
from health_assets_tests.loopback_slack import SECRET, Slack

pytestmark = pytest.mark.slow
DAGSTER = (sys.executable, "-m", "dagster")
MODULE = "health_assets_tests.faults.every_minute"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()
QUIET_SECONDS = 75  # two evaluations of each sensor


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
        yield log
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture
def daemon(environment: dict[str, str]) -> Iterator[Path]:
    with daemon_of(MODULE, environment) as log:
        yield log


def seen_within(seconds: float, happened: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(1)
    return False


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
def test_schedule_run_snapshot_sensor_alert_run_and_post_and_a_failed_check_posts_one_data_alert(
    company: Path,
    environment: dict[str, str],
    daemon: Path,
    slack: Slack,
    capsys: pytest.CaptureFixture[str],
) -> None:
    started = time.monotonic()
    assert seen_within(900, lambda: len(slack.accepted) > 0), daemon.read_text()[-5000:]
    digest_after = time.monotonic() - started
    titles = [message["text"] for message in slack.accepted]
    assert len(titles) == 1
    assert "account" in titles[0]

    subscriptions = company / "subscriptions.csv"  # nine rows of ten are gone: a blocking check
    subscriptions.write_text(subscriptions.read_text().splitlines()[0] + "\n")
    again = subprocess.run(
        [
            *DAGSTER,
            "job",
            "backfill",
            "-m",
            MODULE,
            "-j",
            "daily",
            "--partitions",
            f"{YESTERDAY:%Y-%m}-01",
            "--noprompt",
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert seen_within(500, lambda: len(slack.accepted) > 1), daemon.read_text()[-5000:]
    time.sleep(QUIET_SECONDS)
    assert [message["text"] for message in slack.accepted][1:] == ["Demo Company: 2 blocking checks failed"]
    assert "staged_subscriptions: rows__not_collapsed" in slack.sections()[-1]
    assert SECRET not in daemon.read_text()
    with capsys.disabled():
        print(
            f"\nschedule -> run -> snapshot -> sensor -> alert run -> POST after {digest_after:.0f} s; then 1 data alert"
        )


@pytest.mark.timeout(1200)
def test_first_note_about_an_account_is_counted_by_a_run_of_the_same_daemon(
    company: Path, environment: dict[str, str], daemon: Path
) -> None:
    published = company / "published.duckdb"
    assert seen_within(500, published.exists), daemon.read_text()[-5000:]
    first = published.resolve()
    account = (company / "accounts.csv").read_text().splitlines()[1].split(",")[0]
    moment = f"{YESTERDAY}T10:00:00Z"
    append(company / "notes", "touchpoints", touchpoint(account, moment, "call", "Ada", "positive", None))
    assert seen_within(500, lambda: published.resolve() != first), daemon.read_text()[-5000:]
    with duckdb.connect(str(published.resolve()), read_only=True) as connection:
        assert connection.sql("select account_id, kind from fact.touchpoints").fetchall() == [(account, "call")]
