"""What runs without anybody: the daily run at six, and the alert run after each snapshot.

The daily job itself is in automation.py, what the alert run does in alerts/.
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from health_assets.alerts import WEBHOOK_VARIABLE, alert
from health_assets.automation import DAILY_JOB
from health_assets.settings import Settings

ALERTS_JOB = "alerts"


def alerts_job(settings: Settings) -> dg.JobDefinition:
    """Tell what changed since the last as-of day. It reads the published snapshot only, never the warehouse."""

    @dg.op(description="Changes of risk level and health band -> outbox -> Slack.")
    def tell_changes(context: dg.OpExecutionContext) -> None:
        outcome = alert(settings)
        context.log.info(outcome.summary())
        if outcome.text and not outcome.has_webhook:
            context.log.warning(f"{WEBHOOK_VARIABLE} is not set, so this is told here only:\n{outcome.text}")
        if outcome.trouble:
            raise dg.Failure(f"{outcome.untold} changes could not be delivered and are kept: {outcome.trouble}")

    @dg.job(name=ALERTS_JOB, description="Published snapshot -> what changed -> Slack.")
    def alerts() -> None:
        tell_changes()

    return alerts


def published_sensor() -> dg.SensorDefinition:
    """One alert run for each snapshot; a run whose blocking check failed publishes none."""

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


def daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """At six in the company's time zone, for the day that has just ended there."""

    @dg.schedule(
        cron_schedule="0 6 * * *",
        name="daily_schedule",
        job_name=DAILY_JOB,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The daily run, as of the day before.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        local = context.scheduled_execution_time.astimezone(ZoneInfo(settings.timezone))
        day = local.date() - timedelta(days=1)
        return dg.RunRequest(
            run_key=day.isoformat(),
            partition_key=day.replace(day=1).isoformat(),
            run_config={"resources": {"as_of": {"config": {"day": day.isoformat()}}}},
        )

    return daily
