"""Dagster's SQLite event log with its connections kept open.

The stock log opens and closes a connection for every event; a run writes thousands. Files and tables are the
stock ones, so without this class (see dagster.yaml) the same history is read, only written six times as slowly.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import DagsterEventType, EventLogEntry, Field
from dagster._config import StringSource
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import StaticPool

KEPT_OPEN = 8  # files; each run has one, and there is an index over all


class PooledEventLogStorage(SqliteEventLogStorage):
    """One connection for each file of the log, kept for the next event."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """`base_dir` may be left out: the log then lies where Dagster puts it, in DAGSTER_HOME."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "PooledEventLogStorage":
        """Called by Dagster with the section of dagster.yaml."""
        home = Path(os.environ.get("DAGSTER_HOME") or "data/dagster")
        return cls(config_value.get("base_dir") or str(home / "history" / "runs"), inst_data)

    def store_event(self, event: EventLogEntry) -> None:
        """Every event but one: that a check is planned. It is told when it has been judged."""
        if event.dagster_event_type != DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
            super().store_event(event)

    def store_asset_check_event(self, event: EventLogEntry, event_id: int | None) -> None:
        """The verdict as a new row, since none was planned for it."""
        self._store_runless_asset_check_evaluation(event, event_id)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def wipe(self) -> None:
        """Delete the history of all runs; what is open is closed first."""
        self._close_all_but(0)
        super().wipe()

    def dispose(self) -> None:
        """Called by Dagster when it is done with the log."""
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
