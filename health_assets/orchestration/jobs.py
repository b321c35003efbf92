"""The jobs: the daily run, the alert run, the data alert of a failed run, and the pruning of the history."""

from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from health_assets.alerts import WEBHOOK_VARIABLE, alert, notify_failure
from health_assets.alerts.data_alerts import of_failed_run
from health_assets.orchestration.assets import NOT_CONNECTED
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.orchestration.run_history import prune
from health_assets.quality.run_outcome import Outcome
from health_assets.settings import Settings

DAILY_JOB = "daily"
ALERTS_JOB = "alerts"
DATA_ALERTS_JOB = "data_alerts"
PRUNE_JOB = "prune_history"
NO_WAREHOUSE = {"io_manager": dg.mem_io_manager}  # else these jobs would open it, and it may be what is in trouble
FIRST = {"dagster/priority": "1"}  # alert runs go before the days that wait in the queue


def daily_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """Everything from the connected files to the snapshot, for the current month and whatever else is out of date."""
    return dg.define_asset_job(
        DAILY_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.tag(*next(iter(NOT_CONNECTED.items()))),
        partitions_def=monthly_partitions(settings),
        description="Files -> raw -> staged -> fact -> mart -> published snapshot, for one as-of day.",
    )


def alerts_job(settings: Settings) -> dg.JobDefinition:
    """Tell what changed since the last as-of day. It reads the published snapshot only, never the warehouse."""

    @dg.op(description="Changes of risk level and health band -> outbox -> Slack.")
    def notify_changes(context: dg.OpExecutionContext) -> None:
        outcome = alert(settings)
        context.log.info(outcome.summary())
        if outcome.text and not outcome.has_webhook:
            context.log.warning(f"{WEBHOOK_VARIABLE} is not set, so this is told here only:\n{outcome.text}")
        if outcome.trouble:
            raise dg.Failure(f"{outcome.pending} changes could not be delivered and are kept: {outcome.trouble}")

    @dg.job(
        name=ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Published snapshot -> what changed -> Slack.",
    )
    def alerts() -> None:
        notify_changes()

    return alerts


def data_alerts_job(settings: Settings) -> dg.JobDefinition:
    """Tell of a failed run. It reads the run's events only: the warehouse and the snapshot may be what failed."""

    @dg.op(
        config_schema={"run_id": dg.Field(str, description="The run that failed")},
        description="Failed checks or errors of a run -> outbox -> Slack.",
    )
    def notify_failed_run(context: dg.OpExecutionContext) -> None:
        failed = context.instance.get_run_by_id(context.op_config["run_id"])
        if failed is None:
            raise dg.Failure(f"there is no run {context.op_config['run_id']}; it may have been pruned")
        outcome = Outcome.read(failed.run_id, context.instance)
        fault = of_failed_run(failed.job_name, as_of_day(failed, settings), outcome, settings)
        text, trouble = notify_failure(settings, fault)
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
        notify_failed_run()

    return data_alerts


def as_of_day(run: dg.DagsterRun, settings: Settings) -> date:
    """The as-of day that a run was started for."""
    as_of = run.run_config.get("resources", {}).get("as_of", {}) if isinstance(run.run_config, dict) else {}
    day = as_of.get("config", {}).get("day")
    return date.fromisoformat(day) if day else settings.load_day


def prune_job(settings: Settings) -> dg.JobDefinition:
    """Delete what is old in Dagster's own history, which grows with every run."""

    @dg.op(description="Runs older than maintenance.keep_history_days are deleted with their events and logs.")
    def prune_old_runs(context: dg.OpExecutionContext) -> None:
        context.log.info(prune(context.instance, settings.maintenance.keep_history_days).summary())

    @dg.job(name=PRUNE_JOB, resource_defs=NO_WAREHOUSE, description="Old runs, their events and logs are deleted.")
    def prune_history() -> None:
        prune_old_runs()

    return prune_history
