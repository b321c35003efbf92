"""Notes that people add about accounts, from the command line or the dashboard: CSV files next to the settings, one row a note.

Touchpoints and overrides are read as sources by the next run, silences by the next alert run.
"""

import csv
import fcntl
import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from health_assets.settings.notes import COLUMNS, note_file
from health_assets.sources.formats import SourceError


def touchpoint(
    account_id: str, occurred_at: str, kind: str, owner: str, result: str | None, text: str | None
) -> dict[str, object]:
    """A row of the touchpoints: somebody was in touch with an account."""
    return {
        "touchpoint_id": f"note-{uuid4().hex}",
        "account_id": account_id,
        "occurred_at": occurred_at,
        "kind": kind,
        "owner": owner,
        "result": result,
        "note": text,
    }


def silence(account_id: str, first: date, days: int, reason: str, author: str) -> dict[str, object]:
    """A row of the silences: no alerts about an account from a day on; 0 days end a silence."""
    return {
        "account_id": account_id,
        "valid_from": first,
        "expiry_date": first + timedelta(days=days - 1),
        "reason": reason,
        "author": author,
    }


def append(folder: Path, name: str, note: Mapping[str, object]) -> Path:
    """Add one row to the notes of a kind, whole or not at all, and return the file.

    Raises:
        SourceError: the file cannot be written, or has other columns.
    """
    file = note_file(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(file) as opened:
            opened.seek(0)
            columns = _columns(opened.readline(), file, name)
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(0, size - 1))
            starts_new_line = size == 0 or opened.read(1) == b"\n"
            text = ("" if starts_new_line else "\n") + _lines(note, columns, with_header=size == 0)
            os.write(opened.fileno(), text.encode())
            os.fsync(opened.fileno())
    except OSError as error:
        raise SourceError(f"{file}: cannot be written ({error.strerror}); make the folder writable") from None
    return file


def silenced(folder: Path, day: date) -> dict[str, str]:
    """Account -> why it is silenced on a day; of several silences the last one that was added.

    Raises:
        SourceError: a row cannot be read.
    """
    file = note_file(folder, "silences")
    if not file.exists():
        return {}
    found = {}
    with file.open(encoding="utf-8", newline="") as opened:
        for place, row in enumerate(csv.DictReader(opened), 2):
            try:
                first, last = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["expiry_date"])
                account_id, reason, author = row["account_id"], row["reason"], row["author"]
            except (KeyError, TypeError, ValueError):
                raise SourceError(
                    f"{file}, row {place}: is no silence; it needs {', '.join(COLUMNS['silences'])}, days as 2025-01-31"
                ) from None
            if first <= day <= last:
                found[account_id] = f"{reason} (by {author}, until {last})"
            else:
                found.pop(account_id, None)  # a later row replaces an earlier one, so that a silence can be ended early
    return found


@contextmanager
def _locked(file: Path) -> Iterator[BinaryIO]:
    """The file of this name, opened for appending while no other process adds to it or replaces it."""
    while True:
        with file.open("a+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            if file.exists() and os.path.samestat(os.fstat(opened.fileno()), file.stat()):
                yield opened
                return


def _columns(header: bytes, file: Path, name: str) -> list[str]:
    if not header:
        return COLUMNS[name]
    given = next(csv.reader([header.decode("utf-8-sig")]))
    if missing := [column for column in COLUMNS[name] if column not in given]:
        raise SourceError(f"{file}: lacks the column {missing[0]}; add it to the header, or move the file aside")
    return given


def _lines(note: Mapping[str, object], columns: list[str], *, with_header: bool) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    if with_header:
        writer.writeheader()
    writer.writerow({column: "" if value is None else value for column, value in note.items()})
    return text.getvalue()
