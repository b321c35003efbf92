"""What runs without anybody: the daily run at six, the alert run after each snapshot, the data alert after a failed
run, and once a week the pruning of the history.

The daily job itself is in automation.py, what the alert runs do in alerts/, the pruning in history.py.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from health_assets.alerts import WEBHOOK_VARIABLE, alert, tell_failure
from health_assets.alerts.data_alerts import of_failed_run
from health_assets.automation import DAILY_JOB
from health_assets.history import prune
from health_assets.outcome import Outcome
from health_assets.publish import SnapshotError, published_day
from health_assets.settings import Settings

NO_WAREHOUSE = {"io_manager": dg.mem_io_manager}  # else these jobs would open it, and it may be what is in trouble
FIRST = {"dagster/priority": "1"}  # alert runs go before the days that wait in the queue
NOT_FINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
AT_SIX = "0 6 * * *"
ALERTS_JOB = "alerts"
DATA_ALERTS_JOB = "data_alerts"
PRUNE_JOB = "prune_history"


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

    @dg.job(
        name=ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Published snapshot -> what changed -> Slack.",
    )
    def alerts() -> None:
        tell_changes()

    return alerts


def data_alerts_job(settings: Settings) -> dg.JobDefinition:
    """Tell of a failed run. It reads the run's events only: the warehouse and the snapshot may be what failed."""

    @dg.op(
        config_schema={"run_id": dg.Field(str, description="The run that failed")},
        description="Failed checks or errors of a run -> outbox -> Slack.",
    )
    def tell_failed_run(context: dg.OpExecutionContext) -> None:
        failed = context.instance.get_run_by_id(context.op_config["run_id"])
        if failed is None:
            raise dg.Failure(f"there is no run {context.op_config['run_id']}; it may have been pruned")
        outcome = Outcome.read(failed.run_id, context.instance)
        fault = of_failed_run(failed.job_name, as_of_day(failed, settings), outcome, settings)
        text, trouble = tell_failure(settings, fault)
        context.log.info(text or "This has been told before.")
        if trouble:
            raise dg.Failure(f"a data alert could not be delivered and is kept: {trouble}")

    @dg.job(
        name=DATA_ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="A failed run -> one data alert -> Slack.",
    )
    def data_alerts() -> None:
        tell_failed_run()

    return data_alerts


def as_of_day(run: dg.DagsterRun, settings: Settings) -> date:
    """The as-of day that a run was started for."""
    as_of = run.run_config.get("resources", {}).get("as_of", {}) if isinstance(run.run_config, dict) else {}
    day = as_of.get("config", {}).get("day")
    return date.fromisoformat(day) if day else settings.load_day


def prune_job(settings: Settings) -> dg.JobDefinition:
    """Delete what is old in Dagster's own history, which grows with every run."""

    @dg.op(description="Runs older than operations.keep_history_days are deleted with their events and logs.")
    def prune_old_runs(context: dg.OpExecutionContext) -> None:
        context.log.info(prune(context.instance, settings.operations.keep_history_days).summary())

    @dg.job(name=PRUNE_JOB, resource_defs=NO_WAREHOUSE, description="Old runs, their events and logs are deleted.")
    def prune_history() -> None:
        prune_old_runs()

    return prune_history


def prune_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Sunday nights, when nothing else runs."""
    return dg.ScheduleDefinition(
        name="prune_schedule",
        cron_schedule="0 3 * * 0",
        job_name=PRUNE_JOB,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Prunes the history of runs once a week.",
    )


def failed_run_sensor(data_alerts: dg.JobDefinition) -> dg.SensorDefinition:
    """One data-alert run for each failed run; failed alert runs are not told by the way that failed."""

    @dg.run_failure_sensor(
        name="failed_run_sensor",
        request_job=data_alerts,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the data alert when a run has failed.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        failed = context.dagster_run
        if failed.job_name in (ALERTS_JOB, DATA_ALERTS_JOB):
            return dg.SkipReason(f"{failed.job_name} failed itself; what it could not tell is kept for the next")
        return dg.RunRequest(
            run_key=failed.run_id,
            job_name=DATA_ALERTS_JOB,
            run_config={"ops": {"tell_failed_run": {"config": {"run_id": failed.run_id}}}},
        )

    return on_failure


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


def daily_schedule(settings: Settings, cron_schedule: str = AT_SIX) -> dg.ScheduleDefinition:
    """At six in the company's time zone, for the day that has just ended there and the days missed before it.

    Dagster itself makes up for missed ticks with the last one only, so the days are counted from what was published.
    """

    @dg.schedule(
        cron_schedule=cron_schedule,
        name="daily_schedule",
        job_name=DAILY_JOB,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="The daily run, as of the day before; days that were missed come first.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        if settings.as_of:
            return dg.SkipReason(f"as_of is fixed at {settings.as_of} in the settings; remove it to run every day")
        local = context.scheduled_execution_time.astimezone(ZoneInfo(settings.timezone))
        yesterday = local.date() - timedelta(days=1)
        unfinished = dg.RunsFilter(job_name=DAILY_JOB, statuses=NOT_FINISHED)
        in_work = {run.tags.get(RUN_KEY_TAG) for run in context.instance.get_runs(unfinished)}
        days = days_to_run(yesterday, _published_day(settings), settings)
        waiting = [day for day in days if day.isoformat() not in in_work]
        return [_run_of(day) for day in waiting] or dg.SkipReason(f"{yesterday} is queued or running already")

    return daily


def days_to_run(yesterday: date, published: date | None, settings: Settings) -> list[date]:
    """Yesterday, and before it the days after the published one, at most operations.catch_up_days in all."""
    missed = (yesterday - published).days if published else 1
    count = min(max(missed, 1), settings.operations.catch_up_days)
    return [yesterday - timedelta(days=back) for back in reversed(range(count))]


def _published_day(settings: Settings) -> date | None:
    try:
        return published_day(settings.published)
    except SnapshotError:
        return None


def _run_of(day: date) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=day.isoformat(),
        partition_key=day.replace(day=1).isoformat(),
        run_config={"resources": {"as_of": {"config": {"day": day.isoformat()}}}},
    )
