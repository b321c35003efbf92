"""What runs unattended: the daily run at six, alerts after each snapshot, a data alert after a failed run, weekly pruning.

The daily job itself is in jobs.py, what the alert runs do in alerts/, the pruning in run_history.py.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from health_assets.orchestration.jobs import DAILY_JOB, PRUNE_JOB
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError, published_day

NOT_FINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
AT_SIX = "0 6 * * *"


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
    """Yesterday, and before it the days after the published one, at most maintenance.catch_up_days in all."""
    missed = (yesterday - published).days if published else 1
    count = min(max(missed, 1), settings.maintenance.catch_up_days)
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
