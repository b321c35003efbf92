"""A subject taken out of files that are no DuckDB files: SQLite (run history, alerts), CSV files of notes and alerts, logs."""

import csv
import fcntl
import io
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from health_assets.warehouse.sql import literal
from health_assets.warehouse.subject import Subject

SHOWN = ("md_str", "text", "sample")  # values of metadata that show data: previews, findings of checks
SECONDS_TO_WAIT = 30


def sqlite_without(file: Path, subject: Subject, *, dry_run: bool = False) -> int:
    """Take a subject out of a SQLite file: rows with its key go, of others its texts are replaced. Returns the rows.

    Events of Dagster stay, and so do their times and counts; what previews and samples show of the subject goes.
    """
    with closing(sqlite3.connect(file, timeout=SECONDS_TO_WAIT, isolation_level=None)) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("begin immediate")
        rows = sum(_table_without(connection, table, subject) for table in _tables(connection))
        connection.execute("rollback" if dry_run else "commit")
        if rows and not dry_run:
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
    return rows


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by 1"
    )
    return [name for (name,) in found.fetchall()]


def _table_without(connection: sqlite3.Connection, table: str, subject: Subject) -> int:
    columns = [row[1] for row in connection.execute(f'pragma table_info("{table}")')]
    keys = list(subject.keys("account")) if subject.kind == "account" else []
    changed = 0
    if "account_id" in columns and keys:
        places = ", ".join("?" * len(keys))
        changed += connection.execute(f'delete from "{table}" where account_id in ({places})', keys).rowcount
    is_of_many = f"{table == 'outbox'} and account_id is null" if "account_id" in columns else "false"
    for column in columns:
        for rowid, text, is_shown in list(_suspects(connection, table, column, is_of_many, subject)):
            without = text_without(text, subject, is_shown=bool(is_shown))
            if without != text:
                changed += 1
                connection.execute(f'update "{table}" set "{column}" = ? where rowid = ?', [without, rowid])
    return changed


def _suspects(
    connection: sqlite3.Connection, table: str, column: str, is_of_many: str, subject: Subject
) -> Iterator[tuple[int, str, int]]:
    """The texts of a column that may name the subject, and whether each is about many accounts."""
    texts = {form for term in subject.searched for form in term.forms}
    texts |= {form for term in subject.terms if not term.is_searched for form in term.forms}
    holds = " or ".join([f'instr("{column}", ?)'] * len(texts))
    if texts:
        yield from connection.execute(
            f'select rowid, "{column}", {is_of_many} from "{table}" where typeof("{column}") = \'text\' and ({holds})',
            sorted(texts),
        )


def text_without(text: str, subject: Subject, *, is_shown: bool = False) -> str:
    """A text without the subject; of JSON each value by itself, so that it stays JSON."""
    if text[:1] in ("{", "["):
        try:
            found = json.loads(text)
        except ValueError:
            return subject.replaced(text)
        without = _value_without(found, subject, is_shown=is_shown)
        return text if without == found else json.dumps(without)
    return subject.replaced(text)


def _value_without(value: Any, subject: Subject, *, is_shown: bool) -> Any:
    if isinstance(value, dict):
        return {key: _value_without(one, subject, is_shown=is_shown or key in SHOWN) for key, one in value.items()}
    if isinstance(value, list):
        return [_value_without(one, subject, is_shown=is_shown) for one in value]
    return subject.replaced(value, in_words=is_shown) if isinstance(value, str) else value


def csv_without(file: Path, subject: Subject, *, dry_run: bool = False) -> int:
    """Take a subject out of a CSV file of ours: its rows go, in others its texts are replaced. Returns the rows."""
    with file.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # as whoever adds a note does
        rows = list(csv.reader(io.StringIO(held.read().decode("utf-8-sig"), newline="")))
        header, given = rows[:1], rows[1:]
        place = header[0].index("account_id") if header and "account_id" in header[0] else None
        keys = subject.keys("account") if subject.kind == "account" else {}
        others = [row for row in given if place is None or len(row) <= place or row[place] not in keys]
        kept = [[subject.replaced(cell) for cell in row] for row in others]
        changed = len(given) - len(others) + sum(a != b for a, b in zip(kept, others, strict=True))
        if changed and not dry_run:
            unfinished = file.with_name(f".{file.name}")
            with unfinished.open("w", encoding="utf-8", newline="") as opened:
                csv.writer(opened, lineterminator="\n").writerows([*header, *kept])
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(unfinished, file)
    return changed


def parquet_without(file: Path, subject: Subject, *, dry_run: bool = False) -> int:
    """Take the rows that name a subject out of a Parquet file, whose metadata stay. Returns the rows."""
    with closing(duckdb.connect()) as connection:
        columns = [
            name for name, *_ in connection.execute(f"describe from read_parquet({literal(str(file))})").fetchall()
        ]
        keys = literal(sorted({term.text for term in subject.terms}))
        holds = [f'"{name}"::varchar in {keys}' for name in columns]
        holds += [f'contains("{name}"::varchar, {literal(term.text)})' for name in columns for term in subject.searched]
        found = connection.execute(
            f"select file_row_number from read_parquet({literal(str(file))}, file_row_number = true) where {' or '.join(holds)}"
        ).fetchall()
    if found and not dry_run:
        table = pq.read_table(file)
        goes = {number for (number,) in found}
        unfinished = file.with_name(f".{file.name}")
        others = table.filter(pa.array([number not in goes for number in range(table.num_rows)], pa.bool_()))
        pq.write_table(others, unfinished, compression="zstd")
        os.replace(unfinished, file)
    return len(found)


def log_without(file: Path, subject: Subject, *, dry_run: bool = False) -> int:
    """Take a subject out of a log; returns 1 if it was in it."""
    text = file.read_text(encoding="utf-8", errors="surrogateescape")
    without = subject.replaced(text)
    if without != text and not dry_run:
        file.write_text(without, encoding="utf-8", errors="surrogateescape")
    return int(without != text)
