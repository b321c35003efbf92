"""The second file of the warehouse: dim, fact and mart, which publishing copies as a file.

It lies next to the first one and is attached to the same connection, with a search path that finds its schemas. A
transaction of DuckDB writes to one file only, so each file records the months of its own tables. Both carry the id of their
pair and count how often they were opened together: a second file that is not of this pair, or older or newer than the first,
is set aside, and the run computes its tables again.
"""

import os
import shutil
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import duckdb

from health_assets.settings.overwritten import marts_file
from health_assets.warehouse.recovery import put_aside, refuse_cut_file
from health_assets.warehouse.sql import literal

MARTS = "marts_of_warehouse"  # the name under which the file is attached
SCHEMAS = ("dim", "fact", "mart")
FREE_PARTS = 2  # the file is written anew when more than one part in so many is free; a full recomputation leaves less
SMALL = 64 << 20  # bytes of a file that is never written anew
ALL_MONTHS = date.min  # the month of what holds for all days alike, such as which event is which feature
MONTHS = "(relation varchar, month date, fingerprint varchar, row_count bigint, primary key (relation, month))"


def is_in_marts(relation: str) -> bool:
    """Whether a table belongs in the second file."""
    return relation.split(".")[0] in SCHEMAS


def internal_of(relation: str) -> str:
    """The schema with the records of a table, in the same file as the table."""
    return f"{MARTS}.internal" if is_in_marts(relation) else "internal"


def months_table(relation: str) -> str:
    """The table with the recorded months of a table."""
    return f"{internal_of(relation)}.months"


def record_whole(cursor: duckdb.DuckDBPyConnection, relation: str, fingerprint: str, row_count: int) -> None:
    """Record what a table without months was made from, where those of months record theirs."""
    values = f"({literal(relation)}, {literal(ALL_MONTHS)}, {literal(fingerprint)}, {row_count})"
    cursor.execute(f"insert into {months_table(relation)} values {values}")


def find_marts(cursor: duckdb.DuckDBPyConnection, path: str = "") -> str:
    """Let a connection find the schemas of the second file by their own names; a cursor does not inherit it.

    Args:
        cursor: or connection.
        path: what an earlier call has returned for the same files, so that it need not be found again.

    Returns:
        where names are looked up: in the first file, then in the schemas of the second one.
    """
    path = path or ",".join([f"{_first(cursor)}.main", *(f"{MARTS}.{schema}" for schema in SCHEMAS)])
    cursor.execute(f"set search_path = {literal(path)}")
    return path


def attach_marts(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Attach the second file, made where it is missing; one that does not belong to the first is set aside.

    Raises:
        duckdb.Error: another process holds it, or it is damaged.
    """
    file = marts_file(warehouse)
    _attach(connection, file)
    if not _belongs(connection):
        connection.execute(f"detach {MARTS}")
        put_aside(file, "unmatched")
        _attach(connection, file)


def lay_out_marts(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Schemas and records of the attached file, and the tables of a warehouse that was one file."""
    _count_opening(connection)
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {MARTS}.{schema}")
    connection.execute(f"create table if not exists {MARTS}.internal.months {MONTHS}")
    _take_over(connection)
    _compact(connection, marts_file(warehouse))
    find_marts(connection)


def _first(connection: duckdb.DuckDBPyConnection) -> str:
    """The catalog of the first file, quoted."""
    (name,) = connection.execute("select current_database()").fetchone() or ("",)
    return '"' + str(name).replace('"', '""') + '"'


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    had_log = file.with_name(f"{file.name}.wal").exists()
    connection.execute(f"attach if not exists {literal(str(file))} as {MARTS}")
    try:
        refuse_cut_file(connection, file, MARTS, had_log=had_log)
    except duckdb.Error:
        connection.execute(f"detach {MARTS}")
        raise


def _belongs(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the attached file is empty, or of this pair and as new as the first one.

    The second file is counted first: a process that is killed in between leaves it one ahead.
    """
    connection.execute("create table if not exists internal.pair (id varchar, openings bigint)")
    connection.execute(
        f"insert into internal.pair select {literal(uuid4().hex)}, 0 where not exists (from internal.pair)"
    )
    tables = connection.execute(
        f"select schema_name, table_name from duckdb_tables() where database_name = '{MARTS}'"
    ).fetchall()
    if ("internal", "pair") not in tables:
        return not tables
    found = connection.execute(
        f"select count(*) from internal.pair as first join {MARTS}.internal.pair as second using (id) "
        "where second.openings - first.openings in (0, 1)"
    )
    return found.fetchone() == (1,)


def _count_opening(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(f"create schema if not exists {MARTS}.internal")
    connection.execute(
        f"create or replace table {MARTS}.internal.pair as select id, openings + 1 as openings from internal.pair"
    )
    connection.execute("update internal.pair set openings = openings + 1")


def _take_over(connection: duckdb.DuckDBPyConnection) -> None:
    """Move what a warehouse of one file has to the second file, table by table.

    A table is dropped from the first file once the second one has it; a process that is killed in between moves it again.
    """
    first, held = _first(connection), f"where database_name = current_database() and schema_name in {literal(SCHEMAS)}"
    tables = connection.execute(f"select schema_name, table_name from duckdb_tables() {held} order by all").fetchall()
    for schema, name in tables:
        relation, of_table = f'"{schema}"."{name}"', f"where relation = {literal(f'{schema}.{name}')}"
        connection.execute(
            f"begin; create or replace table {MARTS}.{relation} as from {first}.{relation}; "
            f"delete from {MARTS}.internal.months {of_table}; "
            f"insert into {MARTS}.internal.months by name from internal.months {of_table}; commit"
        )
        connection.execute(f"begin; drop table {first}.{relation}; delete from internal.months {of_table}; commit")
    schemas = connection.execute(f"select schema_name from duckdb_schemas() {held}").fetchall()
    for (schema,) in schemas:
        with suppress(duckdb.Error):  # one with views of the company's own stays
            connection.execute(f'drop schema {first}."{schema}"')


def _compact(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write the file anew when much of it is free, since each snapshot is a copy of it."""
    unfinished = file.with_name(f".{file.name}.compact")
    unfinished.unlink(missing_ok=True)
    size = connection.execute(
        f"select block_size * total_blocks, free_blocks * {FREE_PARTS} > total_blocks from pragma_database_size() "
        f"where database_name = '{MARTS}'"
    ).fetchone()
    if not size or size[0] <= SMALL or not size[1]:
        return
    connection.execute(f"attach {literal(str(unfinished))} as compact")
    connection.execute(f"copy from database {MARTS} to compact; checkpoint compact; detach compact; detach {MARTS}")
    os.replace(unfinished, file)
    _attach(connection, file)


def copy_marts(cursor: duckdb.DuckDBPyConnection, source: BinaryIO, target: Path) -> None:
    """Copy the second file as it is now.

    Args:
        cursor: of the warehouse.
        source: the file, opened; to close it earlier than the warehouse would give up DuckDB's lock of the file.
        target: of the copy.
    """
    _checkpoint(cursor)
    with target.open("wb") as written:
        _copied(source, written)
    log = Path(f"{source.name}.wal")
    if log.exists():
        shutil.copyfile(log, target.with_name(f"{target.name}.wal"))


def _checkpoint(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write the log into the file; where another transaction keeps DuckDB from it, the log is copied along."""
    with suppress(duckdb.Error):
        cursor.execute(f"checkpoint {MARTS}")


def _copied(source: BinaryIO, written: BinaryIO) -> None:
    """Copy all bytes, inside the file system where it can."""
    size, done = os.fstat(source.fileno()).st_size, 0
    with suppress(OSError, AttributeError):
        while done < size:
            done += os.copy_file_range(source.fileno(), written.fileno(), size - done, done, done)
        return
    source.seek(0)
    written.seek(0)
    shutil.copyfileobj(source, written, 1 << 20)
