"""The daemon delivers within minutes what could not be delivered at once, and shows what it cannot deliver."""

from datetime import date
from typing import Any

import dagster as dg
import pytest

from health_assets.alerts import alert
from health_assets.orchestration.alert_jobs import DELIVERED_CHECK, delivery_job
from health_assets.orchestration.sensors import delivery_sensor
from health_assets.settings import Settings
from health_assets_tests.loopback_slack import Publish, Slack, account

MONDAY, TUESDAY = date(2025, 1, 27), date(2025, 1, 28)


@pytest.fixture
def due(company: Settings, publish: Publish, posted: Slack) -> Settings:
    """A company with an alert that Slack did not take at first."""
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    posted.answers = [(503, {})]
    alert(company)
    return company


def evaluated(company: Settings, instance: dg.DagsterInstance) -> dg.SkipReason | list[dg.RunRequest]:
    repository = dg.Definitions(jobs=[delivery_job(company)], sensors=[delivery_sensor(company)]).get_repository_def()
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    tick = repository.get_sensor_def("delivery_sensor").evaluate_tick(context)
    return tick.run_requests or tick.skip_message


def checked(instance: dg.DagsterInstance) -> tuple[bool, dict[str, Any]]:
    key = dg.AssetCheckKey(dg.AssetKey("published"), DELIVERED_CHECK)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    return evaluation.passed, {name: value.value for name, value in evaluation.metadata.items()}


def test_due_alert_requests_one_delivery_and_a_delivered_one_none(due: Settings, posted: Slack) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        (request,) = evaluated(due, instance)
        assert request.tags["health_assets/due"] == "1"
        assert delivery_job(due).execute_in_process(instance=instance).success
        assert evaluated(due, instance) == "no alert is due"
        assert checked(instance) == (True, {})
    assert len(posted.accepted) == 1


def test_no_delivery_is_requested_while_one_is_running(due: Settings) -> None:
    @dg.job
    def alerts() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(alerts, status=dg.DagsterRunStatus.STARTED)
        assert evaluated(due, instance) == "an alert run is queued or running"


def test_delivery_that_fails_again_only_warns(due: Settings, posted: Slack) -> None:
    posted.answers = [(503, {})]
    with dg.DagsterInstance.ephemeral() as instance:
        ended = delivery_job(due).execute_in_process(instance=instance)
        logged = [entry.user_message for entry in instance.all_logs(ended.run_id) if entry.level >= 30]
        assert checked(instance) == (True, {})
    assert logged == ["not delivered: default: HTTP 503"]


def test_rejected_alert_fails_the_run_and_the_check_with_what_to_do(due: Settings, posted: Slack) -> None:
    posted.answers = [(410, {})]
    with dg.DagsterInstance.ephemeral() as instance:
        ended = delivery_job(due).execute_in_process(instance=instance, raise_on_error=False)
        assert not ended.success
        passed, evidence = checked(instance)
    assert (passed, evidence["dead"]) == (False, 1)
    assert evidence["found"] == (
        "1 alert not delivered (account A1, channel default: HTTP 410); correct that, then `health-assets alerts retry`"
    )


def test_alert_state_that_cannot_be_read_requests_nothing_and_is_shown(due: Settings) -> None:
    due.warehouse.with_name("alerts.sqlite").write_bytes(b"not a database, but long enough to look like one" * 99)
    with dg.DagsterInstance.ephemeral() as instance:
        assert "The file is damaged" in evaluated(due, instance)
