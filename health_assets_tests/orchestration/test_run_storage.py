"""Dagster's runs as this product stores them are what Dagster's own storage reads."""

import dagster as dg
import pytest
from dagster._core.execution.api import create_execution_plan
from dagster._core.snap import create_execution_plan_snapshot_id, snapshot_from_execution_plan
from dagster._core.storage.runs import SqliteRunStorage

from health_assets.orchestration.run_storage import QuickRunStorage


@pytest.fixture
def plan():
    @dg.job
    def nothing(): ...

    return snapshot_from_execution_plan(create_execution_plan(nothing), nothing.get_job_snapshot_id())


def test_a_plan_is_read_by_the_stock_storage_under_the_stock_id(plan, tmp_path):
    storage = QuickRunStorage.from_local(str(tmp_path))
    plan_id = create_execution_plan_snapshot_id(plan)
    assert not storage.has_execution_plan_snapshot(plan_id)
    assert {storage.add_execution_plan_snapshot(plan), storage.add_execution_plan_snapshot(plan)} == {plan_id}
    assert storage.has_execution_plan_snapshot(plan_id)
    assert storage.get_execution_plan_snapshot(plan_id) == plan
    assert SqliteRunStorage.from_local(str(tmp_path)).get_execution_plan_snapshot(plan_id) == plan


def test_the_instance_of_the_command_line_stores_its_runs_where_dagster_does(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert isinstance(QuickRunStorage.from_config_value(None, {}), QuickRunStorage)
    assert (tmp_path / "history" / "runs.db").exists()
