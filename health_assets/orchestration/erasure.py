"""An account or a user erased from everything that the product keeps, and kept out of later loads.

Order: first the list that keeps it out, then what readers see, last the warehouse, by which it is found. So an erasure that
was killed is finished by the same command; readers see the data with the subject or without it, never a part.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from health_assets.alerts.outbox import Outbox
from health_assets.alerts.outbox import store_of as alerts
from health_assets.alerts.state_file import only_delivery
from health_assets.assets import load_all
from health_assets.connectors.pulling import erase_pulled
from health_assets.orchestration.erased_files import csv_without, log_without, parquet_without, sqlite_without
from health_assets.orchestration.erasure_search import Remaining, files_of_ours, remaining
from health_assets.orchestration.erasure_subject import ErasureError as ErasureError
from health_assets.orchestration.erasure_subject import Plan, planned
from health_assets.orchestration.instance import is_in_a_database, open_instance
from health_assets.orchestration.run_history import empty
from health_assets.reporting.reader import EVERYTHING, published
from health_assets.reporting.report import report_html
from health_assets.settings import Settings
from health_assets.sources.erased import Kind, write_list
from health_assets.warehouse.comments import add_comments
from health_assets.warehouse.erasure import copy_without, found_in
from health_assets.warehouse.kept_rows import forget_kept_rows, write_kept_rows
from health_assets.warehouse.recovery import is_aside
from health_assets.warehouse.snapshot import SnapshotError, add_guide_views, published_day, republish
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.subject import Subject
from health_assets.write_back.store import WriteBackOutbox
from health_assets.write_back.store import store_of as write_back

DAGSTERS_HISTORY = "Dagster's run history"
SECONDS_TO_WAIT = 5  # for a delivery of alerts to end


@dataclass
class Outcome:
    """What an erasure found and did; counts are rows."""

    subject: Subject
    is_dry_run: bool
    found: dict[str, int] = field(default_factory=dict)  # by place
    in_sources: dict[str, int] = field(default_factory=dict)  # by file of the company's own
    elsewhere: list[Path] = field(default_factory=list)  # files in the company's folders that are not ours
    left: list[Remaining] = field(default_factory=list)  # what the proof found in files of ours


def erase(
    settings: Settings, given: str, kind: Kind | None = None, also: tuple[str, ...] = (), *, dry_run: bool = False
) -> Outcome:
    """Erase an account or user.

    Args:
        settings: of the company.
        given: its key, or the name of an account.
        kind: what the key is of, where it could be either.
        also: further texts that say who it is, such as an e-mail address.
        dry_run: only look where it is found.

    Raises:
        ErasureError: there is no such account or user, or it could be several.
        WarehouseError: a run is in progress, or the warehouse cannot be opened.
    """
    load_all()
    with Warehouse.opened(settings.warehouse) as warehouse, _snapshot_attached(warehouse, settings) as snapshot:
        plan = planned(warehouse, snapshot, settings, given, kind, also)
        outcome = Outcome(plan.subject, dry_run, in_sources=plan.in_sources)
        for database, place in {
            **_databases(warehouse),
            **({snapshot: settings.published} if snapshot else {}),
        }.items():
            for relation, rows in found_in(warehouse.connection, database, plan.subject).items():
                outcome.found[f"{Path(place).name}: {relation}"] = rows
        if not dry_run:
            _keep_out(plan, settings)
        outcome.found |= _from_files(plan.subject, settings, dry_run=dry_run)
        if is_in_a_database(settings.dagster_home):
            outcome.found |= _from_a_database(dry_run=dry_run)
        if not dry_run:  # also what an interrupted pull has left, which the next one would go on from
            erase_pulled(settings, plan.subject.keys("account") if plan.subject.kind == "account" else {})
        if not dry_run:
            if snapshot:
                republish(settings.published, lambda file: _write_snapshot(warehouse, snapshot, file, plan.subject))
            _report(settings)
            _replace_warehouse(warehouse, plan.subject)
    if not dry_run:
        outcome.left, outcome.elsewhere = remaining(settings, plan.subject)
    return outcome


@contextmanager
def _snapshot_attached(warehouse: Warehouse, settings: Settings) -> Iterator[str]:
    """The published snapshot under a name of its own; blank where there is none."""
    if not settings.published.exists():
        yield ""
        return
    name = "newest_snapshot"
    warehouse.connection.execute(f"attach {literal(os.path.realpath(settings.published))} as {name} (read_only)")
    try:
        yield name
    finally:
        warehouse.connection.execute(f"detach {name}")


def _databases(warehouse: Warehouse) -> dict[str, Path]:
    """The files that the run writes to, by the name under which each is attached."""
    rows = warehouse.connection.execute(
        "select database_name, path from duckdb_databases() where not internal and not readonly and path is not null"
    ).fetchall()
    return {name: Path(path) for name, path in rows}


def _keep_out(plan: Plan, settings: Settings) -> None:
    """Write what is kept, then the list: from then on no load has rows of the subject."""
    forget_kept_rows(settings, plan.subject.pseudonym)
    if plan.subject.is_kept:
        last_day = published_day(settings.published) if settings.published.exists() else settings.load_day
        for name, rows in plan.rows.items():
            write_kept_rows(name, rows, plan.subject, plan.erased, settings, last_day)
    write_list(settings, plan.erased)


def _from_files(subject: Subject, settings: Settings, *, dry_run: bool) -> dict[str, int]:
    """Take the subject out of everything that is no DuckDB file, or look for it there."""
    found = {}
    for store, kind in ((alerts(settings), Outbox), (write_back(settings), WriteBackOutbox)):
        if store.exists() and not dry_run and subject.kind == "account":
            with only_delivery(store, SECONDS_TO_WAIT), kind.opened(store) as outbox, outbox.transaction():
                found[store.name] = outbox.erase(list(subject.keys("account")))
    for file in files_of_ours(settings):
        if file.suffix in (".db", ".sqlite"):
            rows = sqlite_without(file, subject, dry_run=dry_run)
        elif file.suffix == ".csv":
            rows = csv_without(file, subject, dry_run=dry_run)
        elif file.suffix in (".out", ".err", ".complete"):
            rows = log_without(file, subject, dry_run=dry_run)
        elif file.is_relative_to(settings.pulled) and file.suffix == ".parquet":
            rows = parquet_without(file, subject, dry_run=dry_run)
        elif file.is_relative_to(settings.answers) or is_aside(file):
            rows = 1
            if not dry_run:
                file.unlink()  # the next run fetches the answer again, without the subject
        else:
            continue
        if rows:
            name = DAGSTERS_HISTORY if file.is_relative_to(settings.dagster_home) else file.name
            found[name] = found.get(name, 0) + rows
    return found


def _from_a_database(*, dry_run: bool) -> dict[str, int]:
    """Dagster's history that is in a database holds samples of rows in many places: it is emptied."""
    with open_instance() as instance:
        runs = instance.get_runs_count()
        if not dry_run:
            empty(instance)
    return {"runs of Dagster's history (all are deleted)": runs}


def _write_snapshot(warehouse: Warehouse, snapshot: str, file: Path, subject: Subject) -> None:
    copy_without(warehouse.connection, snapshot, file, subject)
    with closing(duckdb.connect(str(file))) as written:
        tables = written.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
        add_guide_views(written, tables=[name for (name,) in tables])
        add_comments(written)


def _report(settings: Settings) -> None:
    """The report of the last run, made anew from the snapshot; one of an earlier version's snapshot goes until the next run."""
    if settings.report.exists():
        try:
            with published(settings) as connection:
                text = report_html(connection, settings, EVERYTHING)
        except SnapshotError:
            settings.report.unlink()
            return
        unfinished = settings.report.with_name(f".{settings.report.name}")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, settings.report)


def _replace_warehouse(warehouse: Warehouse, subject: Subject) -> None:
    """Each file in one step, while this process holds the lock of the old one; nothing is written to that any more."""
    for database, path in _databases(warehouse).items():
        warehouse.connection.execute(f'checkpoint "{database}"')
        unfinished = path.with_name(f".{path.name}.erasing")
        copy_without(warehouse.connection, database, unfinished, subject)
        os.replace(unfinished, path)
