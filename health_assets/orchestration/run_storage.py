"""Dagster's SQLite storage of runs, without the work that it repeats for every run.

The stock storage turns the plan of a run, some 70,000 values, into JSON twice and back twice; here it is done once. Files and tables
are the stock ones.
"""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.script import ScriptDirectory
from dagster import Field
from dagster._config import StringSource
from dagster._core.snap import ExecutionPlanSnapshot, execution_plan_snapshot
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs.schema import SnapshotsTable
from dagster._core.storage.runs.sql_run_storage import SnapshotType
from dagster._serdes import ConfigurableClassData, serialize_value
from dagster_shared.serdes.utils import hash_str


class QuickRunStorage(SqliteRunStorage):
    """The stock storage; it keeps the plan of the last run that it stored, which the run reads next."""

    _plan: tuple[str, ExecutionPlanSnapshot] | None = None

    @classmethod
    def config_type(cls) -> Any:
        """`base_dir` may be left out: the runs are then in DAGSTER_HOME, where Dagster puts them."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "QuickRunStorage":
        """Called by Dagster with the section of dagster.yaml."""
        default = Path(os.environ["DAGSTER_HOME"], "history")  # Dagster has no instance of its own without it
        return cls.from_local(config_value.get("base_dir") or str(default), inst_data)

    def has_execution_plan_snapshot(self, execution_plan_snapshot_id: str) -> bool:
        """Whether a plan is stored; the stock storage reads it whole to find out."""
        return self._has_snapshot_id(execution_plan_snapshot_id)

    def add_execution_plan_snapshot(self, execution_plan_snapshot: ExecutionPlanSnapshot) -> str:
        """Store a plan; its id is a hash of what is stored."""
        text = _as_json(execution_plan_snapshot)
        snapshot_id: str = hash_str(text)
        row = {
            "snapshot_id": snapshot_id,
            "snapshot_body": zlib.compress(text.encode(), level=1),
            "snapshot_type": SnapshotType.EXECUTION_PLAN.value,
        }
        with self.connect() as connection:
            connection.execute(SnapshotsTable.insert().prefix_with("or ignore"), row)
        self._plan = (snapshot_id, execution_plan_snapshot)
        return snapshot_id

    def get_execution_plan_snapshot(self, execution_plan_snapshot_id: str) -> ExecutionPlanSnapshot:
        """A plan that was stored."""
        if self._plan and self._plan[0] == execution_plan_snapshot_id:
            return self._plan[1]
        return super().get_execution_plan_snapshot(execution_plan_snapshot_id)


_texts: dict[int, tuple[ExecutionPlanSnapshot, str]] = {}  # of the last plan, by its identity


def _as_json(plan: ExecutionPlanSnapshot) -> str:
    """A plan as it is stored; the last one is remembered, since its id is asked for before it is stored."""
    if id(plan) not in _texts:
        _texts.clear()
        _texts[id(plan)] = (plan, serialize_value(plan))
    return _texts[id(plan)][1]


execution_plan_snapshot.create_execution_plan_snapshot_id = lambda plan: hash_str(_as_json(plan))  # type: ignore[assignment]


def _read_once(stock: Callable[[Config], ScriptDirectory]) -> Callable[[Config], ScriptDirectory]:
    """Alembic's scripts by their folder: Dagster's storages read the same ninety files nine times as they open."""
    found: dict[str | None, ScriptDirectory] = {}

    def from_config(config: Config) -> ScriptDirectory:
        location = config.get_main_option("script_location")
        if location not in found:
            found[location] = stock(config)
        return found[location]

    return from_config


ScriptDirectory.from_config = _read_once(ScriptDirectory.from_config)  # type: ignore[method-assign,assignment]
