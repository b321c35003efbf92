"""A warehouse file that cannot be opened: locked, damaged or not a DuckDB file, and what is done about it.

Reading and writing a sound one is in storage.py.
"""

import re
from datetime import datetime
from pathlib import Path

import duckdb

from health_assets.warehouse.sql import literal

ASIDE = ("damaged", "unmatched")  # why a file was renamed; unmatched: not of the same pair as the other one
NO_FAULT_OF_THE_FILE = (
    r"version number|permission denied|no space left|out of memory|allocat|memory limit|too many open files|interrupted"
)


def holder_of(error: str) -> str | None:
    """The process that locks the warehouse, if that is DuckDB's error."""
    holder = re.search(r"PID (\d+)", error)
    return holder[1] if holder else None


def refuse_cut_file(connection: duckdb.DuckDBPyConnection, path: Path, database: str = "", *, had_log: bool) -> None:
    """Raise for a truncated file, open or attached: DuckDB opens it, and fails later when it reads a missing block.

    Each used block has a place of its own in the file; free ones at its end are cut off by DuckDB itself, and a log that
    is read on opening uses blocks that are not written yet.
    """
    size = connection.execute(
        "select used_blocks * block_size from pragma_database_size() "
        f"where database_name = {literal(database) if database else 'current_database()'}"
    ).fetchone()
    if size and not had_log and path.stat().st_size < size[0]:
        raise duckdb.IOException(f"it has {path.stat().st_size:,} bytes of more than {size[0]:,}")


def why_it_does_not_open(path: Path, error: str) -> str:
    """What is wrong and what to do; a damaged warehouse is set aside, so that the next run can start."""
    if process := holder_of(error):
        if _is_open_for_reading(path):
            return (
                f"{path}: process {process} has the warehouse open for reading, so no run can write to it; close it there and run "
                "again. Programs that read open the published snapshot"
            )
        return (
            f"{path}: another run (process {process}) is writing to the warehouse; wait for it to end, or stop it, "
            "and start again. Readers use the published snapshot meanwhile"
        )
    said = f"{path}: cannot be opened as a DuckDB file ({error.splitlines()[0]})"
    if re.search(NO_FAULT_OF_THE_FILE, error, re.IGNORECASE):
        return f"{said}; nothing was changed"
    if not is_ours(path):
        return f"{said}; move it aside and run again: the warehouse will be rebuilt from the files"
    return f"{said}; set aside as {put_aside(path).name}. Run again: the warehouse will be rebuilt from the files"


def _is_open_for_reading(path: Path) -> bool:
    """Whether another process holds the file in a way that leaves room for readers."""
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error:
        return False
    return True


def is_ours(path: Path) -> bool:
    """Whether the file was created as a DuckDB file; anything else may be named by mistake and is left alone."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def is_aside(file: Path) -> bool:
    """Whether a file is one that was renamed because it could not be used."""
    return any(f".{why}-" in file.name for why in ASIDE)


def put_aside(path: Path, why: str = "damaged") -> Path:
    """Rename a file that cannot be used, and its log, so that they can be examined and the next run starts from scratch."""
    aside = path.with_name(f"{path.name}.{why}-{datetime.now().astimezone():%Y%m%dT%H%M%S}")
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        log.rename(aside.with_name(f"{aside.name}.wal"))
    return path.rename(aside)
