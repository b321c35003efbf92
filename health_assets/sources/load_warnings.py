"""What is odd about a source before its rows are looked at: columns that are not read, files without rows, missing tables."""

from collections.abc import Sequence

from health_assets.contracts.contract import Contract, meta
from health_assets.settings import Settings
from health_assets.sources.columns import given_columns
from health_assets.sources.presets.opened import missing_tables
from health_assets.sources.readers import empty_files, read_columns, unknown_columns
from health_assets.sources.suggested_columns import column_meant

SHOWN = 3  # names that are shown; the others are counted


def load_warnings(name: str, rows: type[Contract], settings: Settings) -> list[str]:
    """One sentence for each oddity; files with the same unread columns share one."""
    files: dict[tuple[str, ...], list[str]] = {}
    for file, columns in unknown_columns(name, rows, settings).items():
        files.setdefault(tuple(columns), []).append(file)
    unread = [f"{_listed(named)}: {unread_columns(name, columns, rows, settings)}" for columns, named in files.items()]
    empty = [
        f"{file}: holds no rows; {name} is loaded from the other files, if any" for file in empty_files(name, settings)
    ]
    missing = missing_tables(name, settings)
    return unread + empty + ([f"sources.{name}: {missing}; the rows are made without them"] if missing else [])


def unread_columns(name: str, columns: Sequence[str], rows: type[Contract], settings: Settings) -> str:
    """How many columns are not read, the first of them, and those that are probably columns of ours."""
    read = read_columns(name, rows, settings)
    lacking = [ours for ours in given_columns(rows) if ours not in read]
    meant: dict[str, str] = {}
    for ours in lacking:
        is_own_key = bool(meta(rows.columns()[ours], "key"))
        if theirs := column_meant(ours, [one for one in columns if one not in meant], is_own_key=is_own_key):
            meant[theirs] = ours
    counted = "1 column is" if len(columns) == 1 else f"{len(columns)} columns are"
    said = f"{counted} not read: {_listed([*meant, *(one for one in columns if one not in meant)])}"
    if not meant:
        return said
    mapped = ", ".join(f"{theirs}: {ours}" for theirs, ours in list(meant.items())[:SHOWN])
    return f"{said}; if they are ours under another name, sources.{name}.columns: {{{mapped}}}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
