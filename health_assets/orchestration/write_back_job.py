"""The job that writes scores and next steps to other systems after each snapshot, and the sensor that requests it."""

from datetime import UTC, datetime

import dagster as dg

from health_assets.alerts import AlertError, notify_failure
from health_assets.orchestration.alert_jobs import FIRST, NO_WAREHOUSE
from health_assets.orchestration.run_history import NOT_FINISHED
from health_assets.orchestration.sensors import SECONDS
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.write_back.report import of_rejected_rows
from health_assets.write_back.writing import Outcome, work_left, write_back

WRITE_BACK_JOB = "write_back"


def write_back_job(settings: Settings) -> dg.JobDefinition:
    """Write what changed since the last confirmed write. It reads the published snapshot only."""

    @dg.op(description="Writes changed scores, bands, reasons and next steps to the targets of `write_back`.")
    def write_changes(context: dg.OpExecutionContext) -> None:
        outcome = write_back(settings)
        context.log.info(_summary(outcome))
        for failure in outcome.failures:
            context.log.warning(f"not written: {failure}")
        for fault in of_rejected_rows(outcome.dead, settings.load_day):
            notify_failure(settings, fault)
        if outcome.dead:
            raise dg.Failure(f"{counted(len(outcome.dead), 'row')} rejected: {'; '.join(outcome.failures)}")

    @dg.job(
        name=WRITE_BACK_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Writes scores and next steps to other systems: published snapshot -> outbox -> targets.",
    )
    def job() -> None:
        write_changes()

    return job


def write_back_sensor(settings: Settings) -> dg.SensorDefinition:
    """One run per snapshot, and one whenever something that could not be written is due again."""

    @dg.sensor(
        name="write_back_sensor",
        job_name=WRITE_BACK_JOB,
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests the write-back when a snapshot has been published, or something is due again.",
    )
    def on_published(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not settings.published.exists():
            return dg.SkipReason("nothing has been published yet")
        if context.instance.get_runs_count(dg.RunsFilter(job_name=WRITE_BACK_JOB, statuses=NOT_FINISHED)):
            return dg.SkipReason("a write-back is queued or running")
        snapshot = str(settings.published.resolve())
        if snapshot != context.cursor:
            context.update_cursor(snapshot)
            return dg.RunRequest(run_key=snapshot)
        try:
            count = work_left(settings, datetime.now(UTC))
        except AlertError as error:
            return dg.SkipReason(str(error))
        return dg.RunRequest(tags={"health_assets/due": str(count)}) if count else dg.SkipReason("nothing is due")

    return on_published


def _summary(outcome: Outcome) -> str:
    changed, written = counted(len(outcome.changes), "change"), counted(outcome.written, "row")
    return f"{changed} since the last write; {written} written, {outcome.pending} pending, {len(outcome.dead)} rejected"
