"""Dagster's history as this product writes it is what Dagster's own storage reads."""

from collections import Counter

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from health_assets.orchestration.event_log import HELD, NOT_STORED, PooledEventLogStorage

pytestmark = pytest.mark.slow


@dg.asset
def mart_numbers() -> int:
    return 1


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec("kept", asset="mart_numbers", blocking=True),
        dg.AssetCheckSpec("broken", asset="mart_numbers"),
    ]
)
def mart_numbers_checks():
    yield dg.AssetCheckResult(check_name="kept", passed=True)
    yield dg.AssetCheckResult(check_name="broken", passed=False, severity=dg.AssetCheckSeverity.WARN)


@pytest.fixture
def instance(tmp_path):
    log = {
        "module": "health_assets.orchestration.event_log",
        "class": "PooledEventLogStorage",
        "config": {"base_dir": str(tmp_path)},
    }
    with dg.instance_for_test(overrides={"event_log_storage": log}) as made:
        assert isinstance(made.event_log_storage, PooledEventLogStorage)
        yield made


@pytest.fixture
def run(instance):
    definitions = dg.Definitions([mart_numbers], asset_checks=[mart_numbers_checks])
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)


def test_the_stock_log_reads_every_event_of_a_run_that_is_stored_in_its_order(run, instance, tmp_path):
    stock = SqliteEventLogStorage(str(tmp_path)).get_logs_for_run(run.run_id)
    told = [event.event_type for event in run.all_events]
    kept = [entry.dagster_event_type for entry in stock if entry.is_dagster_event]
    assert {dg.DagsterEventType.STEP_OUTPUT, dg.DagsterEventType.ASSET_CHECK_EVALUATION} <= set(kept)
    assert [kind for kind in kept if kind in told] == [kind for kind in told if kind not in NOT_STORED]
    assert Counter(kept)[dg.DagsterEventType.ASSET_CHECK_EVALUATION] == 2


def test_a_run_records_which_write_of_an_input_it_read(instance):
    @dg.asset
    def mart_sum(mart_numbers: int) -> int:
        return mart_numbers

    @dg.asset
    def mart_twice(mart_numbers: int, mart_sum: int) -> int:
        return mart_numbers + mart_sum

    for _ in range(2):
        dg.materialize([mart_numbers, mart_sum, mart_twice], instance=instance)
        written = instance.fetch_materializations(dg.AssetKey("mart_numbers"), limit=1).records[0]
        reading = instance.get_latest_materialization_event(dg.AssetKey("mart_twice")).asset_materialization
        assert reading.tags["dagster/input_event_pointer/mart_numbers"] == str(written.storage_id)


def test_what_a_run_knows_of_an_asset_without_reading_it_again_is_what_was_stored(instance, tmp_path):
    seen = []

    @dg.asset
    def mart_sum(context, mart_numbers: int) -> int:
        key = dg.AssetKey("mart_numbers")
        seen.extend(
            [context.instance.get_asset_records([key]), SqliteEventLogStorage(str(tmp_path)).get_asset_records([key])]
        )
        return mart_numbers

    for _ in range(2):
        assert dg.materialize([mart_numbers, mart_sum], instance=instance).success
    known, stored, known_again, stored_again = ((records[0].storage_id, records[0].asset_entry) for records in seen)
    assert known == stored
    assert known_again == stored_again
    assert known_again[1].last_materialization_record.storage_id > known[1].last_materialization_record.storage_id


def test_assets_of_a_run_are_planned_before_they_are_written(run, instance):
    (planned,) = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED))
    assert planned.asset_key == dg.AssetKey("mart_numbers")
    assert planned.run_id == run.run_id


def test_results_are_found_by_check(run, instance):
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(dg.AssetKey("mart_numbers"), name) for name in ("kept", "broken")]
    )
    assert {key.name: record.status.value for key, record in latest.items()} == {
        "kept": "SUCCEEDED",
        "broken": "FAILED",
    }
    event = next(iter(latest.values())).event
    assert event.dagster_event.asset_check_evaluation_data.target_materialization_data.run_id == run.run_id


def test_events_that_are_held_are_there_for_whoever_reads(run, instance):
    log = instance.event_log_storage
    before = len(log.get_logs_for_run(run.run_id))
    held = next(entry for entry in log.get_logs_for_run(run.run_id) if entry.dagster_event_type in HELD)
    log.store_event(held)
    assert len(log.get_logs_for_run(run.run_id)) == before + 1


@pytest.mark.parametrize("failing", ["run_connection", "index_connection"])
def test_events_that_could_not_be_written_are_held_and_written_once_by_the_next_attempt(
    run, instance, monkeypatch, failing
):
    log = instance.event_log_storage
    before = len(log.get_logs_for_run(run.run_id))
    results = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
    log.store_event(results[0].event_log_entry)

    def locked(*_):
        raise OSError("database is locked")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="locked"):  # noqa: PT012
        patched.setattr(log, failing, locked)
        log._write_held()
    assert len(log.get_logs_for_run(run.run_id)) == before + 1
    again = instance.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_CHECK_EVALUATION))
    assert len(again) == len(results) + 1
