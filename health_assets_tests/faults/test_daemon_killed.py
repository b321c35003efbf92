"""The daemon and its run are killed with SIGKILL: after a restart the run is ended and the queue moves on."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from health_assets.cli.doctor import examine
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets_tests.faults.conftest import ROOT
from health_assets_tests.faults.served import environment, group_of, seen_within
from health_assets_tests.frames import settings_of, written

pytestmark = pytest.mark.slow
MODULE = "health_assets_tests.faults.endless"
DAEMON = [sys.executable, "-m", "dagster._daemon", "run", "-m", MODULE]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's home as our commands prepare it."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\n")
    prepare_home(settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}}))
    return tmp_path / "dagster"


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance() as opened:
        yield opened


def launch(job: str, home: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "dagster", "job", "launch", "-m", MODULE, "-j", job],
        cwd=ROOT,
        env=environment(DAGSTER_HOME=str(home)),
        capture_output=True,
        check=True,
        timeout=120,
    )


def statuses(instance: dg.DagsterInstance) -> dict[str, str]:
    return {run.job_name: run.status.value for run in instance.get_runs()}


@pytest.mark.timeout(300)
def test_run_that_was_killed_with_the_daemon_is_ended_and_the_queue_moves_within_a_minute(
    home: Path, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    log, more = home / "log", {"DAGSTER_HOME": str(home)}
    with group_of(DAEMON, log, **more):
        launch("daily", home)
        launch("quick", home)
        assert seen_within(120, (home / "begun").exists), log.read_text()[-3000:]
        assert seen_within(60, lambda: statuses(instance) == {"daily": "STARTED", "quick": "QUEUED"})
        said = {one.subject for one in examine(home.parent / "settings.yml")}
        assert not said & {"runs", "queue"}
    # every process of the daemon is dead now, that of the run too
    assert statuses(instance) == {"daily": "STARTED", "quick": "QUEUED"}
    found = {one.subject: one for one in examine(home.parent / "settings.yml")}
    assert f"process {(home / 'begun').read_text()} ended" in found["runs"].message.lower()
    (killed,) = [run for run in instance.get_runs() if run.job_name == "daily"]

    started = time.monotonic()
    with group_of(DAEMON, log, **more):
        assert seen_within(120, lambda: statuses(instance)["quick"] == "SUCCESS"), log.read_text()[-3000:]
        moved_after = time.monotonic() - started
    assert statuses(instance) == {"daily": "FAILURE", "quick": "SUCCESS"}
    assert "ended during the run" in str([entry.message for entry in instance.all_logs(killed.run_id)])
    with capsys.disabled():
        print(f"\ndaemon and run killed: queue moved {moved_after:.0f} s after the restart")


@pytest.mark.timeout(400)
def test_run_that_was_killed_while_it_started_is_ended_and_the_queue_moves_within_a_minute(
    home: Path, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    log, more = home / "log", {"DAGSTER_HOME": str(home)}
    launch("daily", home)
    launch("quick", home)
    with group_of(DAEMON, log, **more):
        assert seen_within(120, lambda: statuses(instance).get("daily") == "STARTING", every=0.02), log.read_text()
    assert statuses(instance) == {"daily": "STARTING", "quick": "QUEUED"}

    started = time.monotonic()
    with group_of(DAEMON, log, **more):
        assert seen_within(170, lambda: statuses(instance)["quick"] == "SUCCESS"), log.read_text()[-3000:]
        moved_after = time.monotonic() - started
    assert statuses(instance) == {"daily": "FAILURE", "quick": "SUCCESS"}
    with capsys.disabled():
        print(f"\nkilled while it started: queue moved {moved_after:.0f} s after the restart")
