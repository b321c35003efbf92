"""The file of the alert state: opened, copied, and brought up to date from earlier versions.

It is a SQLite file of its own, so that the warehouse can be rebuilt without alerting about every account again. What is
in its outbox is in outbox.py.
"""

import fcntl
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from health_assets.warehouse.disk import trouble

SECONDS_TO_WAIT = 30  # for another process that writes; none keeps the file locked while it posts
VERSION = 4

SCHEMA = (
    "create table if not exists rules (rule text primary key, as_of_date text not null, version text)",
    "create table if not exists levels (account_id text, rule text, level text not null, as_of_date text not null, "
    "better_since text, primary key (account_id, rule))",
    "create table if not exists outbox (id text primary key, as_of_date text not null, body text not null, "
    "written_at text not null, delivered_at text)",
    "create table if not exists reported (account_id text primary key, as_of_date text not null, severity text not null)",
    "create table if not exists channels (channel text primary key, posted_at text, attempted_at text, "
    "failures integer not null default 0, next_attempt_at text)",
    "create table if not exists threads (posted_to text, ts text, channel text not null, account_id text not null, "
    "severity text not null, last_at text not null, message text not null, resolved text, primary key (posted_to, ts))",
)
LATER_COLUMNS = (  # absent from state files of earlier versions
    ("rules", "version", "text"),
    ("levels", "better_since", "text"),
    ("levels", "since", "text"),
    ("levels", "is_improving", "integer not null default 1"),
    ("levels", "reported_on", "text"),
    ("outbox", "account_id", "text"),
    ("outbox", "rule", "text not null default 'data'"),
    ("outbox", "severity", "text not null default 'warning'"),
    ("outbox", "channel", "text not null default 'default'"),
    ("outbox", "state", "text not null default 'pending'"),
    ("outbox", "held_reason", "text"),
    ("outbox", "held_until", "text"),
    ("outbox", "attempts", "integer not null default 0"),
    ("outbox", "first_attempt_at", "text"),
    ("outbox", "possibly_repeated", "integer not null default 0"),
    ("outbox", "failure", "text"),
)
OF_THE_FIRST_VERSION = (  # what its entries say about themselves now has columns of its own
    "update outbox set account_id = json_extract(body, '$.account_id'), "
    "rule = coalesce(json_extract(body, '$.rule'), 'data'), "
    "state = iif(delivered_at is null, 'pending', 'delivered')"
)


class AlertError(Exception):
    """The alert state or an address to post to cannot be used; the message says why and what to do."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file, or create it.

    Raises:
        AlertError: the file is not an alert state, cannot be written, or another process keeps it locked.
    """
    with _readable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            connection.execute("pragma secure_delete = on")
            _migrate(connection, path)
            yield connection


def refuse_another(path: Path, warehouse: str) -> None:
    """The alert state belongs to one warehouse: the accounts of two companies would be compared with each other.

    Raises:
        AlertError: it belongs to another warehouse in the folder.
    """
    owner = path.with_name(f"{path.name}.warehouse")
    with _readable(path):
        theirs = owner.read_text(encoding="utf-8").strip() if owner.exists() else ""
        if not theirs:
            owner.parent.mkdir(parents=True, exist_ok=True)
            owner.write_text(warehouse, encoding="utf-8")
    if theirs not in ("", warehouse):
        raise AlertError(
            f"{path}: belongs to the warehouse {theirs}, not to {warehouse} in the same folder; give each company a folder of "
            f"its own. If the warehouse was only renamed, delete {owner}"
        )


@contextmanager
def copied(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy in memory: whatever is done to it, no file is written or created.

    Raises:
        AlertError: the file is not an alert state.
    """
    with _readable(path), closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if path.exists():
            # without a log next to it nobody has the file open, and only then does SQLite read without creating one
            unopened = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
            uri = f"{path.absolute().as_uri()}?mode=ro{unopened}"
            with closing(sqlite3.connect(uri, uri=True, timeout=SECONDS_TO_WAIT)) as file:
                file.backup(connection)
        _migrate(connection, path)
        yield connection


@contextmanager
def in_memory() -> Iterator[sqlite3.Connection]:
    """An empty alert state that is gone at the end."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _migrate(connection, Path(":memory:"))
        yield connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """The only writer until it ends; rolled back when something is raised."""
    connection.execute("begin immediate")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def only_delivery(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of deliveries, which the system frees when its holder ends, however it ends.

    So an entry in `sending` that its holder finds was left by a delivery that was killed.

    Raises:
        AlertError: another delivery did not end within `seconds`, or the lock's file cannot be written.
    """
    until = time.monotonic() + seconds
    with _readable(path), path.with_name(f"{path.name}.lock").open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise AlertError(
                        f"{path}: another alert run has been delivering for {seconds:.0f} s; it or the next one delivers what "
                        "is pending"
                    ) from None
                time.sleep(0.1)
        yield


def is_delivering(path: Path) -> bool:
    """Whether a delivery holds the lock now."""
    file = path.with_name(f"{path.name}.lock")
    if not file.exists():
        return False
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def stamp(moment: datetime) -> str:
    """A moment as it is stored: UTC, so that the order of the text is that of time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables, or bring those of an earlier version up to date."""
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > VERSION:
        raise AlertError(
            f"{path}: the alert state was written by a later version of health-assets; install that one again, or restore a "
            "copy of the file from before"
        )
    if version == VERSION:
        return
    with transaction(connection):
        for statement in SCHEMA:
            connection.execute(statement)
        if "told_at" in _columns(connection, "outbox"):
            connection.execute("alter table outbox rename column told_at to delivered_at")
        for table, column, kind in LATER_COLUMNS:
            if column not in _columns(connection, table):
                connection.execute(f"alter table {table} add column {column} {kind}")
        if version < 2:
            connection.execute(OF_THE_FIRST_VERSION)
        connection.execute(f"pragma user_version = {VERSION}")


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"pragma table_info({table})")]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise AlertError(f"{path}: the alert state cannot be used ({error}). {_remedy(error, path)}") from None


def _remedy(error: Exception, path: Path) -> str:
    kept = "Nothing is lost; leave the file where it is"
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return (
            "The file is damaged: restore a copy of it, or move it aside: the next alert run then saves all current levels "
            "without alerting, and alerts that were pending in it are lost"
        )
    if "locked" in str(error).lower():
        return f"Another program has it open: close that, then try again. {kept}"
    found = trouble(error, [path]) or "give this user write permission to the file and its folder"
    return f"{found[0].upper()}{found[1:]}. {kept}"
