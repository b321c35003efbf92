"""The sensors: they request the alert run after each snapshot, deliveries while something is due, and data alerts."""

from datetime import UTC, datetime

import dagster as dg

from health_assets.alerts import AlertError, work_left
from health_assets.orchestration.alert_jobs import ALERTS_JOB, DATA_ALERTS_JOB, DELIVERY_JOB, NOTIFYING
from health_assets.orchestration.processes import ENDED, PROCESS_TAG
from health_assets.orchestration.run_history import NOT_FINISHED, close_killed
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings

SECONDS = 30  # between two evaluations


def failed_run_sensor(data_alerts: dg.JobDefinition) -> dg.SensorDefinition:
    """One data-alert run per failed run; a failed alert run requests none, since delivery is what failed."""

    @dg.run_failure_sensor(
        name="failed_run_sensor",
        request_job=data_alerts,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a data alert when a run has failed.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        failed = context.dagster_run
        if failed.job_name in NOTIFYING:
            return dg.SkipReason(f"{failed.job_name} itself failed; its alerts stay pending for the next delivery")
        if PROCESS_TAG in failed.tags and ENDED not in (context.failure_event.message or ""):
            return dg.SkipReason("the command line executed this run and says itself why it failed")
        return dg.RunRequest(
            run_key=failed.run_id,
            job_name=DATA_ALERTS_JOB,
            run_config={"ops": {"notify_failed_run": {"config": {"run_id": failed.run_id}}}},
        )

    return on_failure


def published_sensor() -> dg.SensorDefinition:
    """One alert run per snapshot; a run with a failed blocking check publishes none."""

    @dg.asset_sensor(
        asset_key=dg.AssetKey("published"),
        name="published_sensor",
        job_name=ALERTS_JOB,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the alert run when a snapshot has been published.",
    )
    def on_published(_: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> dg.RunRequest:
        return dg.RunRequest(run_key=asset_event.run_id)

    return on_published


def delivery_sensor(settings: Settings) -> dg.SensorDefinition:
    """A delivery run whenever an alert is due that no run is delivering."""

    @dg.sensor(
        name="delivery_sensor",
        job_name=DELIVERY_JOB,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a delivery when an alert that could not be delivered is due again.",
    )
    def on_due(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            if not (count := work_left(settings, datetime.now(UTC))):
                return dg.SkipReason("no alert is due")
        except AlertError as error:
            return dg.SkipReason(str(error))
        if any(context.instance.get_runs_count(_unfinished(job)) for job in NOTIFYING):
            return dg.SkipReason("an alert run is queued or running")
        return dg.RunRequest(tags={"health_assets/due": str(count)})

    return on_due


def killed_runs_sensor() -> dg.SensorDefinition:
    """Ends runs whose process is gone; Dagster's own monitoring leaves one that was still starting for minutes."""

    @dg.sensor(
        name="killed_runs_sensor",
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs that were killed, so that the queue moves on.",
    )
    def on_killed(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        closed = close_killed(context.instance, by_daemon=True)
        return dg.SkipReason(f"{counted(closed, 'killed run')} ended" if closed else "no run was killed")

    return on_killed


def _unfinished(job: str) -> dg.RunsFilter:
    return dg.RunsFilter(job_name=job, statuses=NOT_FINISHED)
