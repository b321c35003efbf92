"""The records of one table of a vendor on disk: the current row per key, and the parts of a pull that is not complete.

A table is one Parquet file whose metadata hold the cursor that the next pull starts from, so rows and cursor are replaced
together. Until a pull is complete its records lie in parts, each with the place at which to resume.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from health_assets.connectors.api import PullError, Record
from health_assets.sources.presets.views import key_of

STATE = b"health_assets.pull"
UNFINISHED = ".unfinished"  # folder of the parts
RESUME_WITHIN = timedelta(
    hours=1
)  # a listing that was interrupted earlier begins anew: its first rows may have changed


@dataclass
class KeptTable:
    """One table of a vendor.

    Args:
        folder: of the vendor.
        name: of the table, as the presets call it.
        read: fields that the presets read, as `key_of` writes them; others are not kept.
        always: fields that the file has also where no record has them, as the API spells them.
        key: the field that identifies a record.
        deleted: the field that marks a record as deleted.
        account: the field that says whose a record is; blank where none does.
        is_erased: whether an account was erased; its records are not kept.
    """

    folder: Path
    name: str
    read: frozenset[str]
    always: Sequence[str] = ()
    key: str = "id"
    deleted: str = "is_deleted"
    account: str = ""
    is_erased: Callable[[str], bool] = lambda account: False
    _buffer: dict[str, Record] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The table as the presets read it."""
        return self.folder / f"{self.name}.parquet"

    @property
    def _parts_folder(self) -> Path:
        return self.folder / UNFINISHED / self.name

    @property
    def is_there(self) -> bool:
        """Whether a pull of the table was ever complete."""
        return self.file.exists()

    def begin(self, *, is_listing: bool, is_new: bool = False) -> tuple[Record, Record]:
        """The cursor to start from, and the place at which an interrupted pull resumes; parts without use are deleted.

        Args:
            is_listing: every record that exists is listed each time.
            is_new: everything is pulled again.
        """
        state, parts = {} if is_new else _state(self.file), self._parts()
        last = _state(parts[-1]) if parts else {}
        is_usable = bool(last) and last["base"] == state.get("pull") and not is_new
        if is_usable and is_listing:
            age = datetime.now(UTC) - datetime.fromisoformat(last["at"])
            is_usable = not last["is_complete"] and age <= RESUME_WITHIN
        if not is_usable:
            self.discard()
            return state.get("cursor", {}), {}
        return (last["resume"], {}) if last["is_complete"] else (state.get("cursor", {}), last["resume"])

    def discard(self) -> None:
        """Delete the parts."""
        shutil.rmtree(self._parts_folder, ignore_errors=True)

    def add(self, records: Iterable[Record]) -> int:
        """Hold records until the next part is written; of several with one key the last counts. Returns how many came."""
        count = 0
        for record in records:
            if self.key not in record:
                raise PullError(f"{self.name}: a record has no {self.key!r}")
            if self.account and any(map(self.is_erased, _keys_in(record.get(self.account)))):
                continue
            key = str(record[self.key])
            self._buffer.pop(key, None)
            self._buffer[key] = record
            count += 1
        return count

    @property
    def held(self) -> int:
        """Records that are not in a part yet."""
        return len(self._buffer)

    def write_part(self, resume: Record, *, is_complete: bool = False) -> None:
        """Write what is held, with the place from which a pull goes on that is interrupted after it.

        Args:
            resume: that place; of the last part the cursor of the next pull.
            is_complete: this is the last part.
        """
        parts = self._parts()
        number = int(parts[-1].stem) + 1 if parts else 1
        self._parts_folder.mkdir(parents=True, exist_ok=True)
        state = {"resume": resume, "is_complete": is_complete, "base": _state(self.file).get("pull")}
        state |= {"at": datetime.now(UTC).isoformat()}
        _write(self._table(self._buffer.values()), self._parts_folder / f"{number:06}.part", state)
        self._buffer = {}

    def without(self, accounts: Collection[str], *, dry_run: bool = False) -> int:
        """Take the records of accounts out of the table, and delete the parts. Returns how many records they were."""
        if not dry_run:
            self.discard()
        if not self.account or not _state(self.file):
            return 0
        table = pq.read_table(self.file)
        whose = table[self.account].to_pylist() if self.account in table.column_names else [None] * table.num_rows
        is_other = [
            not any(text == one or f'"{one}"' in text for one in accounts) for text in (own or "" for own in whose)
        ]
        if not dry_run and not all(is_other):
            target = self.folder / UNFINISHED / f"{self.name}.whole"
            pq.write_table(table.filter(pa.array(is_other, pa.bool_())), target, compression="zstd")
            target.replace(self.file)
        return is_other.count(False)

    def rows(self, condition: str) -> list[Record]:
        """The current rows, those of the parts included, for which a condition over the text columns holds."""
        if not (files := self._files()):
            return []
        with duckdb.connect() as database:
            answer = database.sql(f"select * from ({self._current(files)}) where {condition}")
            return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]

    def publish(self, *, is_listing: bool) -> int:
        """Replace the table by the old rows with those of the parts over them; the number of rows.

        Args:
            is_listing: the parts hold every record that exists, so others are marked as deleted.
        """
        files = self._files()
        gone = is_listing and files[0] == self.file
        target = self.folder / UNFINISHED / f"{self.name}.whole"
        last = _state(files[-1])
        state = json.dumps({"cursor": last["resume"], "pull": last["at"]}).replace("'", "''")
        with duckdb.connect(config={"temp_directory": str(self.folder / UNFINISHED)}) as database:
            database.execute(
                f"copy ({self._current(files, mark_gone=gone)}) to '{_escaped(target)}' "
                f"(format parquet, compression zstd, kv_metadata {{'{STATE.decode()}': '{state}'}})"
            )
        with target.open("rb") as written:
            os.fsync(written.fileno())
        target.replace(self.file)
        self.discard()
        return int(pq.read_metadata(self.file).num_rows)

    def _current(self, files: Sequence[Path], *, mark_gone: bool = False) -> str:
        """The statement for one row per key, that of the latest file."""
        listed = ", ".join(f"'{_escaped(file)}'" for file in files)
        place = f"list_position([{listed}], filename)"
        marked = f"case when {place} = 1 then 'true' else {self.deleted} end" if mark_gone else self.deleted
        return (
            f"select * exclude (filename) replace ({marked} as {self.deleted}) "
            f"from read_parquet([{listed}], union_by_name = true, filename = true) "
            f"qualify row_number() over (partition by {self.key} order by {place} desc) = 1 order by {self.key}"
        )

    def _parts(self) -> list[Path]:
        return sorted(self._parts_folder.glob("*.part"))

    def _files(self) -> list[Path]:
        return [file for file in (self.file, *self._parts()) if _state(file)]  # one that is damaged counts for nothing

    def _table(self, records: Iterable[Record]) -> pa.Table:
        rows = list(records)
        read = {name for record in rows for name in record if key_of(name) in self.read}
        names = sorted({self.key, self.deleted, *self.always, *read})
        arrays = [pa.array([_text(record.get(name)) for record in rows], pa.string()) for name in names]
        return pa.table(arrays, names=names)


def _escaped(file: Path) -> str:
    return str(file).replace("'", "''")


def _text(value: Any) -> str | None:
    """A value as the presets read it: text as it is, everything else as JSON."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _keys_in(value: Any) -> Iterator[str]:
    """The keys that a value holds: itself, or each `id` inside it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "id" or isinstance(inner, dict | list):
                yield from _keys_in(inner)
    elif isinstance(value, list):
        for one in value:
            yield from _keys_in(one)
    elif value is not None:
        yield str(value)


def _write(table: pa.Table, file: Path, state: Record) -> None:
    unfinished = file.with_name(f"{file.name}.unfinished")
    pq.write_table(table.replace_schema_metadata({STATE: json.dumps(state)}), unfinished, compression="zstd")
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.replace(file)


def _state(file: Path) -> Record:
    """What a file says of the pull that made it; empty where it cannot be read."""
    try:
        found: Record = json.loads((pq.read_metadata(file).metadata or {}).get(STATE, b"{}"))
    except (OSError, ValueError, pa.ArrowException):
        return {}
    return found
