"""Pruning: old runs go with all they wrote, young ones and the newest load of a month stay; killed runs are closed."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

from health_assets.orchestration import run_history as history
from health_assets.orchestration.processes import PROCESS_TAG
from health_assets.orchestration.run_history import close_killed, prune

MONTHS = dg.MonthlyPartitionsDefinition("2025-01-01")
IN_100_DAYS = datetime.now(UTC) + timedelta(days=100)


@dg.asset(partitions_def=MONTHS)
def monthly() -> None: ...


@dg.op
def noop(context: dg.OpExecutionContext) -> None:
    context.log.info("hello")


@dg.job
def daily() -> None:
    noop()


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "dagster.yaml").write_text(Path(history.__file__).with_name("dagster.yaml").read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as opened:
        yield opened


def test_old_runs_are_deleted_with_everything_they_wrote(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    for _ in range(3):
        daily.execute_in_process(instance=instance)
    done = prune(instance, 90, IN_100_DAYS)
    assert (done.deleted, instance.get_runs_count(), done.bytes_freed > 0) == (3, 0, True)
    assert [path.name for path in (tmp_path / "history" / "runs").glob("*.db")] == ["index.db"]


def test_recent_runs_stay(instance: dg.DagsterInstance) -> None:
    daily.execute_in_process(instance=instance)
    assert prune(instance, 90, IN_100_DAYS - timedelta(days=20)).deleted == 0
    assert instance.get_runs_count() == 1


def test_the_newest_load_of_each_month_stays(instance: dg.DagsterInstance) -> None:
    for month in ("2025-01-01", "2025-02-01", "2025-02-01"):
        dg.materialize([monthly], instance=instance, partition_key=month)
    done = prune(instance, 90, IN_100_DAYS)
    assert (done.deleted, done.kept_for_a_month) == (1, 2)
    assert instance.get_materialized_partitions(dg.AssetKey("monthly")) == {"2025-01-01", "2025-02-01"}


def test_a_killed_command_line_run_is_closed(instance: dg.DagsterInstance) -> None:
    for process in (2**22 + 1, 1):  # no such process; one that lifecycles
        instance.create_run_for_job(
            daily, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: f"{socket.gethostname()}:{process}"}
        )
    assert close_killed(instance) == 1
    assert sorted(run.status.value for run in instance.get_runs()) == ["FAILURE", "STARTED"]


def test_the_ui_lists_command_line_runs_with_their_job() -> None:
    (location,) = yaml.safe_load((Path(history.__file__).parents[2] / "workspace.yaml").read_text())["load_from"]
    assert location["python_module"] == history.LOCATION
