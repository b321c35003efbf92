"""The jobs: the daily run, the alert run, the data alert about a failed run, and the pruning of the run history."""

from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from health_assets.alerts import WEBHOOK_VARIABLE, alert, notify_failure
from health_assets.alerts.data_alerts import of_failed_run
from health_assets.orchestration.assets import NOT_CONNECTED
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.orchestration.run_history import prune
from health_assets.quality.run_outcome import Outcome
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings

DAILY_JOB = "daily"
ALERTS_JOB = "alerts"
DATA_ALERTS_JOB = "data_alerts"
PRUNE_JOB = "prune_history"
NO_WAREHOUSE = {"io_manager": dg.mem_io_manager}  # these jobs must not open it: it may be what failed
FIRST = {"dagster/priority": "1"}  # alert runs go ahead of queued daily runs


def daily_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """From the connected files to the published snapshot, for the current month and every stale month."""
    return dg.define_asset_job(
        DAILY_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.tag(*next(iter(NOT_CONNECTED.items()))),
        partitions_def=monthly_partitions(settings),
        description="Files -> raw -> staged -> dim and fact -> mart -> published snapshot, for one as-of day.",
    )


def alerts_job(settings: Settings) -> dg.JobDefinition:
    """Alert about what changed since the last as-of day. It reads the published snapshot only, never the warehouse."""

    @dg.op(description="Finds changed risk levels, health bands and flags, and delivers them to Slack.")
    def notify_changes(context: dg.OpExecutionContext) -> None:
        outcome = alert(settings)
        context.log.info(outcome.summary())
        if outcome.text and not outcome.has_webhook:
            context.log.warning(f"{WEBHOOK_VARIABLE} is not set, so the alerts are only logged here:\n{outcome.text}")
        if outcome.failure:
            raise dg.Failure(f"{counted(outcome.pending, 'alert')} not delivered, still pending: {outcome.failure}")

    @dg.job(
        name=ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Alerts about accounts that changed since the last snapshot: published snapshot -> outbox -> Slack.",
    )
    def alerts() -> None:
        notify_changes()

    return alerts


def data_alerts_job(settings: Settings) -> dg.JobDefinition:
    """Alert about a failed run. It reads the run's events only: the warehouse and the snapshot may be what failed."""

    @dg.op(
        config_schema={"run_id": dg.Field(str, description="Id of the failed run")},
        description="Delivers the failed checks or the errors of a run to Slack.",
    )
    def notify_failed_run(context: dg.OpExecutionContext) -> None:
        failed = context.instance.get_run_by_id(context.op_config["run_id"])
        if failed is None:
            raise dg.Failure(f"there is no run {context.op_config['run_id']}; it may have been pruned")
        outcome = Outcome.read(failed.run_id, context.instance)
        fault = of_failed_run(failed.job_name, as_of_day(failed, settings), outcome, settings)
        text, failure = notify_failure(settings, fault)
        context.log.info(text or "This alert was delivered before.")
        if failure:
            raise dg.Failure(f"the data alert could not be delivered and stays pending: {failure}")

    @dg.job(
        name=DATA_ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="One data alert to Slack about a failed run.",
    )
    def data_alerts() -> None:
        notify_failed_run()

    return data_alerts


def as_of_day(run: dg.DagsterRun, settings: Settings) -> date:
    """The as-of day of a run."""
    as_of = run.run_config.get("resources", {}).get("as_of", {}) if isinstance(run.run_config, dict) else {}
    day = as_of.get("config", {}).get("day")
    return date.fromisoformat(day) if day else settings.load_day


def prune_job(settings: Settings) -> dg.JobDefinition:
    """Delete old runs from Dagster's history, which grows with every run."""

    @dg.op(description="Deletes runs older than `maintenance.keep_history_days`, with their events and logs.")
    def prune_old_runs(context: dg.OpExecutionContext) -> None:
        context.log.info(prune(context.instance, settings.maintenance.keep_history_days).summary())

    @dg.job(name=PRUNE_JOB, resource_defs=NO_WAREHOUSE, description="Deletes old runs with their events and logs.")
    def prune_history() -> None:
        prune_old_runs()

    return prune_history
