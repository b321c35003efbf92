"""The sensors: they request the alert run after each snapshot, and the data alert after a failed run."""

import dagster as dg

from health_assets.orchestration.jobs import ALERTS_JOB, DATA_ALERTS_JOB


def failed_run_sensor(data_alerts: dg.JobDefinition) -> dg.SensorDefinition:
    """One data-alert run per failed run; a failed alert run requests none, since delivery is what failed."""

    @dg.run_failure_sensor(
        name="failed_run_sensor",
        request_job=data_alerts,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests a data alert when a run has failed.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        failed = context.dagster_run
        if failed.job_name in (ALERTS_JOB, DATA_ALERTS_JOB):
            return dg.SkipReason(f"{failed.job_name} itself failed; its alerts stay pending for the next run")
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
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the alert run when a snapshot has been published.",
    )
    def on_published(_: dg.SensorEvaluationContext, asset_event: dg.EventLogEntry) -> dg.RunRequest:
        return dg.RunRequest(run_key=asset_event.run_id)

    return on_published
