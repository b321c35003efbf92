"""Dagster's SQLite event log with its connections kept open and the events of a step written together.

The stock log opens a connection and ends a transaction for every event; a run writes thousands. Files and tables are
the stock ones, so without this class (see dagster.yaml) the same history is read, only written many times as slowly.
"""

import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    DagsterEventType,
    EventLogEntry,
    EventLogRecord,
    EventRecordsResult,
    Field,
)
from dagster._config import StringSource
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from dagster_shared.record import replace
from sqlalchemy import create_engine
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

KEPT_OPEN = 8  # files; each run has one, and there is an index over all
HELD = {  # until another event of the run comes; the start of the next step is one, so a kill loses one step at most
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.HANDLED_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
    DagsterEventType.STEP_SUCCESS,
}
NOT_STORED = {  # nothing reads them: which table a step reads is known, and a check is stored once it has been evaluated
    DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    DagsterEventType.LOADED_INPUT,
    DagsterEventType.STEP_INPUT,
}
ENDS = {DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED}
WRITES = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
INDEXED = {*WRITES, DagsterEventType.ASSET_CHECK_EVALUATION}
Numbered = tuple[EventLogEntry, int]  # an event with its number in the index of all runs


class PooledEventLogStorage(SqliteEventLogStorage):
    """One connection for each file of the log, kept for the next event."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._held: dict[str, list[EventLogEntry]] = {}
        self._unindexed: list[tuple[EventLogEntry, dict[str, Any]]] = []  # written to the log of their run only, so far
        self._tables: set[str] = set()  # known to exist
        self._is_running = False  # whether this process executes a run, which alone writes assets then
        self._planned: set[AssetKey] = set()  # to be written by a run, and not read so far
        self._seen: dict[AssetKey, dict[str, Any]] = {}  # known of an asset since this run wrote it
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """`base_dir` may be left out: the log is then in DAGSTER_HOME, where Dagster puts it."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PooledEventLogStorage":
        """Called by Dagster with the section of dagster.yaml."""
        default = Path(os.environ["DAGSTER_HOME"], "history", "runs")  # Dagster has no instance of its own without it
        return cls(config_value.get("base_dir") or str(default), inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, or hold it until the next one."""
        if event.dagster_event_type in NOT_STORED:
            return
        if event.dagster_event_type == DagsterEventType.RUN_START:
            self._is_running = True
        if event.dagster_event_type in ENDS:
            self._is_running = False
            self._seen.clear()
            self._planned.clear()
        if event.run_id and event.dagster_event_type in HELD:
            self._held.setdefault(event.run_id, []).append(event)
            return
        self._write_held()
        super().store_event(event)

    def _write_held(self) -> None:
        """The events that were held, in their order; those of assets also in the index of all runs.

        What cannot be written is held on, for the next attempt.
        """
        while self._held:
            run_id, events = self._held.popitem()
            rows = [self._event_to_row(event) for event in events]
            try:
                with self.run_connection(run_id) as connection:
                    connection.execute(SqlEventLogStorageTable.insert(), rows)
            except BaseException:
                self._held[run_id] = [*events, *self._held.get(run_id, [])]
                raise
            self._unindexed += [
                pair for pair in zip(events, rows, strict=True) if pair[0].dagster_event_type in INDEXED
            ]
        if self._unindexed:
            entries, self._unindexed = self._unindexed, []
            try:
                with self.index_connection() as connection:
                    written = self._index(connection, *zip(*entries, strict=True))
            except BaseException:
                self._unindexed = [*entries, *self._unindexed]
                raise
            self._note(written)

    def _index(
        self, connection: Connection, events: Sequence[EventLogEntry], rows: Sequence[dict[str, Any]]
    ) -> list[Numbered]:
        """What is known across runs: results of checks, and of each asset the last that was written."""
        numbered = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        ids = connection.execute(numbered, list(rows)).scalars().all()
        self._store_asset_event_tags(connection, events, ids)
        last = {
            (event.dagster_event_type, _asset_of(event)): (event, number)
            for event, number in zip(events, ids, strict=True)
            if event.dagster_event_type in WRITES
        }
        self._store_assets(connection, list(last.values()))
        results = [
            _check_row(event, row, number)
            for event, row, number in zip(events, rows, ids, strict=True)
            if event.dagster_event_type == DagsterEventType.ASSET_CHECK_EVALUATION
        ]
        if results:
            connection.execute(AssetCheckExecutionsTable.insert(), results)
        return list(last.values())

    def _store_assets(self, connection: Connection, written: Sequence[Numbered]) -> None:
        """The last event of each asset, in one statement for each kind; Dagster inserts each and updates it if that fails."""
        by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for event, number in written:
            values = self._get_asset_entry_values(event, number, has_asset_key_index_cols=True)
            by_columns.setdefault(tuple(values), []).append(values | {"asset_key": _asset_of(event).to_string()})
        for columns, rows in by_columns.items():
            statement = insert(AssetKeyTable)
            replaced = {name: statement.excluded[name] for name in columns}
            connection.execute(statement.on_conflict_do_update([AssetKeyTable.c.asset_key], set_=replaced), rows)

    def _note(self, written: Sequence[Numbered]) -> None:
        """What a run has written of an asset need not be read again."""
        for event, number in written:
            key = _asset_of(event)
            known = self._seen.pop(key, {}).get("record")
            if event.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                self._planned.add(key)
            elif known:
                last = EventLogRecord(storage_id=number, event_log_entry=event)
                entry = replace(known.asset_entry, last_materialization_record=last, last_run_id=event.run_id)
                self._seen[key] = {"record": replace(known, asset_entry=entry)}

    def has_table(self, table_name: str) -> bool:
        """Called before each write; a table that exists is not looked up again."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def get_asset_records(self, asset_keys: Sequence[AssetKey] | None = None) -> Sequence[AssetRecord]:
        """What is known of assets. Every step reads its inputs; during a run all that it will write are read at once."""
        self._write_held()
        if asset_keys is None or not self._is_running:
            return super().get_asset_records(asset_keys)
        if any("record" not in self._seen.get(key, {}) for key in asset_keys):
            unread = [key for key in {*asset_keys, *self._planned} if "record" not in self._seen.get(key, {})]
            found = {record.asset_entry.asset_key: record for record in super().get_asset_records(unread)}
            self._planned.clear()
            for key in unread:
                self._once(key, "record", partial(found.get, key))
        records = [self._seen[key]["record"] for key in asset_keys]
        return [record for record in records if record]

    def get_latest_tags_by_partition(
        self, asset_key: AssetKey, *given: Any, **named: Any
    ) -> Mapping[str, Mapping[str, str]]:
        """Versions of the months of an asset, also read once after it was written."""
        self._write_held()
        read = super().get_latest_tags_by_partition
        tags: Mapping[str, Mapping[str, str]] = self._once(
            asset_key, repr((given, named)), lambda: read(asset_key, *given, **named)
        )
        return tags

    def fetch_observations(self, records_filter: Any, *given: Any, **named: Any) -> EventRecordsResult:
        """Observations, which Dagster looks for where an asset was never written; this product makes none."""
        read = super().fetch_observations
        if not isinstance(records_filter, AssetKey):
            return read(records_filter, *given, **named)
        found: EventRecordsResult = self._once(
            records_filter, f"observations {given} {named}", lambda: read(records_filter, *given, **named)
        )
        return found

    def _once(self, key: AssetKey, name: str, read: Callable[[], Any]) -> Any:
        """What was read of an asset, if this process executes a run and the asset was not written since."""
        seen = self._seen.setdefault(key, {}) if self._is_running else {}
        if name not in seen:
            seen[name] = read()
        return seen[name]

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        self._write_held()  # what is read next has to be there
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def wipe(self) -> None:
        """Delete the history of all runs; what is open is closed first."""
        self._held.clear()
        self._unindexed.clear()
        self._seen.clear()
        self._planned.clear()
        self._close_all_but(0)
        super().wipe()

    def dispose(self) -> None:
        """Called by Dagster when it is done with the log."""
        self._write_held()
        self._close_all_but(0)
        super().dispose()

    def _engine(self, shard: str) -> Engine:
        if shard in self._engines:
            self._engines.move_to_end(shard)
            return self._engines[shard]
        self._close_all_but(KEPT_OPEN - 1)
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=StaticPool,  # one connection, used by one thread at a time: _db_lock
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        self._initdb(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("pragma journal_mode = wal")
            connection.exec_driver_sql("pragma synchronous = normal")
        self._engines[shard] = engine
        return engine

    def _close_all_but(self, kept: int) -> None:
        while len(self._engines) > kept:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()


def _asset_of(event: EventLogEntry) -> AssetKey:
    key: AssetKey = event.get_dagster_event().asset_key  # type: ignore[assignment]
    return key


def _check_row(event: EventLogEntry, row: dict[str, Any], number: int) -> dict[str, Any]:
    """A row of Dagster's table of checks, made at once since none was planned for it."""
    evaluation: AssetCheckEvaluation = event.get_dagster_event().asset_check_evaluation_data
    status = AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
    target = evaluation.target_materialization_data
    return {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "partition": evaluation.partition,
        "run_id": row["run_id"],
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": number,
        "materialization_event_storage_id": target.storage_id if target else None,
    }
