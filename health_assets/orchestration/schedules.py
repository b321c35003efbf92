"""The schedules: the daily run, with the days that were missed, and the weekly pruning of the run history.

The jobs are in jobs.py; what runs after a snapshot or a failed run is in sensors.py.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.storage.tags import RUN_KEY_TAG

from health_assets.orchestration.jobs import DAILY_JOB, PRUNE_JOB, selected_now
from health_assets.orchestration.run_history import NOT_FINISHED
from health_assets.settings import Settings
from health_assets.warehouse.snapshot import SnapshotError, published_day

AT_SIX = "0 6 * * *"


def prune_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Once a week, on Sunday night, when nothing else runs."""
    return dg.ScheduleDefinition(
        name="prune_schedule",
        cron_schedule="0 3 * * 0",
        job_name=PRUNE_JOB,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Prunes the run history once a week.",
    )


def daily_schedule(settings: Settings, cron_schedule: str = AT_SIX) -> dg.ScheduleDefinition:
    """At 06:00 in the company's time zone, for the day that has just ended there and any missed days before it.

    After missed ticks Dagster runs only the last one, so the days are counted from the published snapshot.
    """

    @dg.schedule(
        cron_schedule=cron_schedule,
        name="daily_schedule",
        job_name=DAILY_JOB,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Runs the pipeline as of the previous day; missed days come first.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        if settings.as_of:
            return dg.SkipReason(f"as_of is fixed at {settings.as_of} in the settings; remove it for daily runs")
        local = context.scheduled_execution_time.astimezone(ZoneInfo(settings.timezone))
        yesterday = local.date() - timedelta(days=1)
        unfinished = dg.RunsFilter(job_name=DAILY_JOB, statuses=NOT_FINISHED)
        active = {run.tags.get(RUN_KEY_TAG) for run in context.instance.get_runs(unfinished)}
        days = days_to_run(yesterday, _published_day(settings), settings)
        due = [day for day in days if day.isoformat() not in active]
        selection = selected_now(settings, context._repository_def)  # the property raises where a test gives none
        return [_run_of(day, selection) for day in due] or dg.SkipReason(f"{yesterday} is already queued or running")

    return daily


def days_to_run(yesterday: date, published: date | None, settings: Settings) -> list[date]:
    """The days after the published one up to yesterday, at least yesterday, at most `maintenance.catch_up_days`."""
    missed = (yesterday - published).days if published else 1
    count = min(max(missed, 1), settings.maintenance.catch_up_days)
    return [yesterday - timedelta(days=back) for back in reversed(range(count))]


def _published_day(settings: Settings) -> date | None:
    try:
        return published_day(settings.published)
    except SnapshotError:
        return None


def _run_of(day: date, selection: list[dg.AssetKey] | None) -> dg.RunRequest:
    return dg.RunRequest(
        asset_selection=selection,
        run_key=day.isoformat(),
        partition_key=day.replace(day=1).isoformat(),
        run_config={"resources": {"as_of": {"config": {"day": day.isoformat()}}}},
    )
