"""The published snapshot: what dashboards, notebooks, reports and alerts read, while runs write elsewhere.

Besides the tables it has the views of the customer experience guide, guide_views.sql.

A snapshot is a DuckDB file of its own, complete before anybody sees it; the link to the newest is swapped atomically. It
begins as a copy of the warehouse's second file, which takes a twentieth of the time of writing its rows.
"""

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from health_assets.contracts.contract import available_by
from health_assets.settings.overwritten import marts_file
from health_assets.tables import TABLES
from health_assets.warehouse.comments import add_comments
from health_assets.warehouse.history import copy_history
from health_assets.warehouse.marts_file import copy_marts
from health_assets.warehouse.published_load import adopt, held_tables, write_accepted, write_loads
from health_assets.warehouse.recovery import holder_of
from health_assets.warehouse.sql import literal, registered
from health_assets.warehouse.storage import Warehouse

SCHEMAS = ("dim", "fact", "mart", "quarantine")
KEPT = 3
LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "lock_configuration": True,
}  # of connections that only read
GUIDE_VIEWS = Path(__file__).with_name("guide_views.sql")


class SnapshotError(Exception):
    """There is no snapshot to read; the message says what to do."""


class NothingPublishedError(SnapshotError):
    """No run has published a snapshot under these settings yet."""


def publish(
    warehouse: Warehouse,
    link: Path,
    run: str,
    as_of: date,
    company: str,
    notes: Mapping[str, pl.DataFrame] | None = None,
    keep: int = KEPT,
) -> dict[str, int]:
    """Write dim, fact, mart and quarantine to a new file next to `link` and point the link at it.

    Args:
        warehouse: what the run has written.
        link: the published snapshot.
        run: id of the run.
        as_of: its day.
        company: its name.
        notes: small tables that go along, by name, for those who read the snapshot without the settings.
        keep: snapshots that stay, the new one included.

    Returns the rows of each published table. Readers with an open older snapshot keep it until they reopen. The file
    is in a folder of its own under the name of the link, since DuckDB names a database after its file and saved names
    must last; the folders are numbered, since a clock may be set back.
    """
    folder = link.parent / f"{link.name.removesuffix('.duckdb')}.snapshots"
    unfinished = folder / f".{run}"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    rows = _write(warehouse, unfinished / link.name, run, as_of, company, notes or {})
    with duckdb.connect(str(unfinished / link.name), config={"threads": 1}) as written:
        add_guide_views(written, tables=rows.keys())
        add_comments(written)
    number = max((_number(entry) for entry in folder.iterdir()), default=0) + 1
    finished = folder / f"{number:06d}-{re.sub(r'[^A-Za-z0-9-]', '', run)[:8]}"
    os.replace(unfinished, finished)
    _swap(link, finished / link.name)
    with suppress(duckdb.Error, OSError), ThreadPoolExecutor(1) as pruner:
        # readers have the snapshot: what is left to do, the next run does as well
        pruned = pruner.submit(_prune, folder, kept=finished, count=keep)
        adopt(warehouse.cursor(), link)
        pruned.result()
    return rows


@contextmanager
def snapshot(link: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The newest snapshot, read-only, by its real path: the link may be swapped while it is being read.

    Raises:
        SnapshotError: nothing has been published yet.
    """
    if not link.exists():
        raise NothingPublishedError(
            f"{link}: nothing has been published yet; run `health-assets run`, or see why the last run did not publish with "
            "`health-assets doctor`"
        )
    try:
        connection = duckdb.connect(os.path.realpath(link), read_only=True, config=LOCKED)
    except duckdb.Error as error:
        raise SnapshotError(_why_it_does_not_open(link, error)) from None
    try:
        yield connection
    finally:
        connection.close()


def _why_it_does_not_open(link: Path, error: duckdb.Error) -> str:
    if process := holder_of(str(error)):
        return (
            f"{link}: process {process} has the snapshot open for writing; close it there, or open it read-only: then any number of "
            "programs can read it at once"
        )
    said = str(error).splitlines()[0]
    return f"{link}: cannot be read ({said}); run the pipeline again (health-assets run)"


def published_day(link: Path) -> date:
    """The as-of day of the newest snapshot.

    Raises:
        SnapshotError: nothing has been published yet, or the file is not a snapshot.
    """
    try:
        with snapshot(link) as connection:
            day: date = connection.sql("select as_of_date from about").fetchall()[0][0]
            return day
    except duckdb.Error as error:
        raise SnapshotError(
            f"{link}: cannot be read ({str(error).splitlines()[0]}); run the pipeline again (health-assets run)"
        ) from None


def published_run(link: Path) -> str | None:
    """The run that made the newest snapshot; None when that cannot be read."""
    try:
        with snapshot(link) as connection:
            run: str = connection.sql("select run_id from about").fetchall()[0][0]
            return run
    except (SnapshotError, duckdb.Error, OSError):
        return None


def _number(entry: Path) -> int:
    """The number of a snapshot in the sequence; 0 for anything else."""
    digits = re.match(r"\d+", entry.name)
    return int(digits[0]) if digits else 0


def _prune(folder: Path, kept: Path, count: int = KEPT) -> None:
    """Delete all but the newest snapshots, and what killed runs left; never the one that the link points to."""
    finished = sorted((_number(entry), entry.name, entry) for entry in folder.iterdir() if _number(entry))
    left_over = [entry for entry in folder.iterdir() if entry.name.startswith(".")]
    for entry in [entry for *_, entry in finished[:-count] if entry != kept] + left_over:
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _write(
    warehouse: Warehouse, file: Path, run: str, as_of: date, company: str, notes: Mapping[str, pl.DataFrame]
) -> dict[str, int]:
    """Write the file: dim, fact and mart as a copy, then what else readers need."""
    cursor = warehouse.cursor()
    # closed after the warehouse: a process that closes a file gives up all of its locks on it, DuckDB's included
    copy_marts(cursor, warehouse.open_files.enter_context(marts_file(warehouse.path).open("rb")), file)
    cursor.execute(f"attach {literal(str(file))} as snapshot")
    try:
        _leave_out(cursor, as_of)
        for schema in SCHEMAS:
            cursor.execute(f"create schema if not exists snapshot.{schema}")
        quarantined = cursor.execute(
            "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'quarantine'"
        )
        for (name,) in quarantined.fetchall():
            cursor.execute(f'create table snapshot.quarantine."{name}" as from quarantine."{name}"')
        cursor.execute(
            f"create table snapshot.about as select {literal(company)} as company, {literal(as_of)} as as_of_date, "
            f"now()::timestamp as published_at, {literal(run)} as run_id"
        )
        rows = _row_counts(cursor)
        copy_history(cursor, "snapshot")
        write_loads(cursor, held_tables(cursor), as_of, "snapshot", warehouse.descriptions, warehouse.profiles)
        write_accepted(cursor, warehouse.accepted, as_of, "snapshot")
        for name, frame in notes.items():
            with registered(cursor, "note", frame):
                cursor.execute(f"create table snapshot.{name} as from note")
    finally:
        cursor.execute("detach snapshot")
    return rows


def _leave_out(cursor: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """Take out of the copy what is no table for readers, and the rows that a run as of a later day has written."""
    cursor.execute("drop schema snapshot.internal cascade")
    views = cursor.execute(
        "select schema_name, view_name from duckdb_views() where database_name = 'snapshot' and not internal"
    ).fetchall()
    for schema, name in views:  # they name the catalog of the warehouse
        cursor.execute(f'drop view snapshot.{schema}."{name}"')
    monthly = {table.relation: table for table in TABLES.values() if table.monthly}
    for relation in _row_counts(cursor):
        if relation in monthly:
            known = available_by(monthly[relation].contract, as_of)
            cursor.execute(f"delete from snapshot.{relation} where not ({known})")


def _row_counts(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The rows of each table of the attached snapshot that is published."""
    names = cursor.execute(
        "select schema_name, table_name from duckdb_tables() "
        f"where database_name = 'snapshot' and schema_name in {literal(SCHEMAS)} order by all"
    ).fetchall()
    counts = (cursor.execute(f'select count(*) from snapshot.{schema}."{name}"').fetchone() for schema, name in names)
    return {f"{schema}.{name}": int((count or (0,))[0]) for (schema, name), count in zip(names, counts, strict=True)}


def add_guide_views(connection: duckdb.DuckDBPyConnection, tables: Collection[str]) -> None:
    """The views of the customer experience guide; one that reads a table that was not published is left out."""
    connection.execute("create schema entity; create schema metrics")
    for statement in connection.extract_statements(GUIDE_VIEWS.read_text(encoding="utf-8")):
        if set(re.findall(r"\b(?:dim|fact|mart)\.\w+", statement.query)) <= set(tables):
            connection.execute(statement)


def _swap(link: Path, target: Path) -> None:
    new_link = link.with_name(f".{link.name}.new")
    new_link.unlink(missing_ok=True)
    new_link.symlink_to(os.path.relpath(target, link.parent))
    os.replace(new_link, link)


def republish(link: Path, write: Callable[[Path], None]) -> None:
    """Replace the newest snapshot by a file that `write` makes, and delete all older ones.

    Readers keep what they have open until they reopen. A link that is a plain file, as from a backup, is replaced as a file.
    """
    if not link.is_symlink():
        unfinished = link.with_name(f".{link.name}.new")
        write(unfinished)
        os.replace(unfinished, link)
        return
    folder = link.parent / f"{link.name.removesuffix('.duckdb')}.snapshots"
    unfinished = folder / ".erasing"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    write(unfinished / link.name)
    number = max((_number(entry) for entry in folder.iterdir()), default=0) + 1
    finished = folder / f"{number:06d}-{Path(os.readlink(link)).parent.name.partition('-')[2]}"
    os.replace(unfinished, finished)
    _swap(link, finished / link.name)
    _prune(folder, kept=finished, count=1)
