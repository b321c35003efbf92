"""Dagster's run history: old runs are pruned, killed runs are closed.

It holds no data of the pipeline; what the warehouse was made from is recorded in the warehouse itself.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run_iterator
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.event_log import SqlEventLogStorage

from health_assets.orchestration.processes import PROCESS_TAG, Process, free_lock, holding_lock, why_it_ended
from health_assets.reporting.formatting import counted

LOCATION = "health_assets.definitions"  # the code location that `dagster dev -m` serves
NOT_FINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Pruned:
    """What a pruning did."""

    deleted: int
    kept_for_a_month: int  # old runs that hold the newest load of a month, which the UI shows
    closed: int  # runs that were killed
    bytes_freed: int

    def summary(self) -> str:
        """One sentence for a log."""
        return (
            f"{counted(self.deleted, 'old run')} deleted, {self.bytes_freed / 1e6:.1f} MB freed; {self.kept_for_a_month} kept "
            f"for the newest load of a month; {counted(self.closed, 'killed run')} closed"
        )


def prune(instance: dg.DagsterInstance, keep_days: int, now: datetime | None = None) -> Pruned:
    """Delete finished runs that are older than `keep_days`, with their events, logs and files.

    A run that holds the newest load of a month stays, else the UI would show that month as missing.
    """
    before = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    home = Path(instance.root_directory)
    size = _bytes_in(home)
    closed = close_killed(instance)
    newest = _runs_with_the_newest_load(instance)
    old = instance.get_run_ids(dg.RunsFilter(statuses=FINISHED, created_before=before))
    deleted = [run_id for run_id in old if run_id not in newest]
    for run_id in deleted:
        instance.delete_run(run_id)
        _delete_files(home, run_id)
    if deleted:
        _compact(home)
    return Pruned(len(deleted), len(old) - len(deleted), closed, max(0, size - _bytes_in(home)))


def close_killed(instance: dg.DagsterInstance, *, by_daemon: bool = False) -> int:
    """Mark runs whose process is gone as failed; Dagster would wait for them for hours. Returns how many."""
    killed = killed_runs(instance, by_daemon=by_daemon)
    for run, why in killed:
        free_lock(instance, run.run_id)
        instance.report_run_failed(
            run, f"{why}: it was killed, or its machine stopped. The next run makes what is missing."
        )
    return len(killed)


def killed_runs(instance: dg.DagsterInstance, *, by_daemon: bool = False) -> list[tuple[dg.DagsterRun, str]]:
    """Runs that are marked as running although their process is gone, each with what is known about that."""
    running = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
    return [
        (run, why) for run in instance.get_runs(running) if (why := why_it_ended(run, instance, by_daemon=by_daemon))
    ]


def this_process() -> dict[str, str]:
    """The tags of a run that this process executes."""
    return Process.this().tag(PROCESS_TAG)


def execute_here(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    *,
    run_id: str,
    partition_key: str,
    run_config: Mapping[str, Any],
) -> bool:
    """Execute a job in this process; returns whether it succeeded.

    `execute_in_process` would do the same, but its runs belong to no code location, so that the UI's timeline leaves them out.
    """
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), SINGLETON_REPOSITORY_NAME)
    run = instance.create_run_for_job(
        job,
        run_id=run_id,
        run_config=run_config,
        tags={
            **job.run_tags,
            **job.get_tags_for_partition_key(partition_key, selected_asset_keys=None),
            **this_process(),
        },
        remote_job_origin=RemoteJobOrigin(repository, job.name),
    )
    with holding_lock(instance, run_id):
        for _ in execute_run_iterator(InMemoryJob(job), run, instance):
            pass
    finished = instance.get_run_by_id(run_id)
    return finished is not None and finished.is_success


def empty(instance: dg.DagsterInstance) -> None:
    """Delete the whole history in a database, results of checks included, down to the bytes of deleted rows."""
    events = instance.event_log_storage
    for asset in events.all_asset_keys():
        events.wipe_asset(asset)  # also its checks, which `wipe` leaves
    events.wipe()
    instance.run_storage.wipe()
    if instance.schedule_storage:
        instance.schedule_storage.wipe()
    if isinstance(events, SqlEventLogStorage):
        with events.index_connection() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("vacuum full")


def _runs_with_the_newest_load(instance: dg.DagsterInstance) -> set[str]:
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    events = [
        storage_id
        for key in instance.all_asset_keys()
        for storage_id in instance.event_log_storage.get_latest_storage_id_by_partition(key, kind).values()
    ]
    records = instance.event_log_storage.get_event_records(dg.EventRecordsFilter(kind, storage_ids=events))
    newest = {record.run_id for record in records} if events else set()
    assets = instance.get_asset_records(list(instance.all_asset_keys()))
    return newest | {run for asset in assets if (run := asset.asset_entry.last_run_id)}


def _delete_files(home: Path, run_id: str) -> None:
    for file in [*(home / "history" / "runs").glob(f"{run_id}.db*")]:
        file.unlink(missing_ok=True)
    logs = home / "storage" / run_id
    for path in sorted(_inside(logs), key=lambda path: -len(path.parts)):
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    if logs.is_dir():
        logs.rmdir()


def _compact(home: Path) -> None:
    """SQLite keeps the space of deleted rows until a vacuum; a busy file is left for the next pruning."""
    for file in [home / "history" / "runs.db", home / "history" / "runs" / "index.db"]:
        if file.exists():
            with closing(sqlite3.connect(file, timeout=10)) as connection:
                try:
                    connection.execute("vacuum")
                except sqlite3.OperationalError:
                    continue


def _inside(folder: Path) -> Iterable[Path]:
    return folder.rglob("*") if folder.is_dir() else []


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in _inside(folder) if path.is_file())
