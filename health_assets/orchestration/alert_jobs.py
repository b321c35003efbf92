"""The jobs that notify people: the alert run, the delivery of what is due, and the data alert about a failed run.

Each reports whether alerts could be delivered as the check `alerts__delivered` of the published snapshot.
"""

from datetime import date
from typing import Any

import dagster as dg

from health_assets.alerts import AlertError, alert, deliver_due, notify_failure, undelivered
from health_assets.alerts.data_alerts import of_failed_run
from health_assets.quality.run_outcome import FOUND, Outcome
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings

ALERTS_JOB = "alerts"
DELIVERY_JOB = "delivery"
DATA_ALERTS_JOB = "data_alerts"
NOTIFYING = (ALERTS_JOB, DELIVERY_JOB, DATA_ALERTS_JOB)
DELIVERED_CHECK = "alerts__delivered"
NO_WAREHOUSE = {"io_manager": dg.mem_io_manager}  # these jobs must not open it: it may be what failed
FIRST = {"dagster/priority": "1"}  # alert runs go ahead of queued daily runs


def delivered_check_spec() -> dg.AssetCheckSpec:
    """The check that shows in the UI whether alerts reach people."""
    return dg.AssetCheckSpec(
        DELIVERED_CHECK,
        asset="published",
        description="No alert is dead: each was delivered, or will be tried again.",
        blocking=False,
    )


def delivered_check(settings: Settings) -> dict[str, Any]:
    """Whether an alert is dead, as the outcome of the check."""
    try:
        dead = undelivered(settings)
    except AlertError as error:
        return {"passed": False, "metadata": {FOUND: str(error)}}
    if not dead:
        return {"passed": True, "metadata": {}}
    found = f"{counted(len(dead), 'alert')} not delivered ({dead[-1]}); correct that, then `health-assets alerts retry`"
    return {"passed": False, "metadata": {FOUND: found, "dead": len(dead)}}


def _report(context: dg.OpExecutionContext, settings: Settings) -> None:
    outcome = delivered_check(settings)
    context.log_event(  # its annotation has not heard of checks
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("published"),
            check_name=DELIVERED_CHECK,
            severity=dg.AssetCheckSeverity.ERROR,
            blocking=False,
            **outcome,
        )  # type: ignore[arg-type]
    )


def alerts_job(settings: Settings) -> dg.JobDefinition:
    """Alert about what changed since the last as-of day. It reads the published snapshot only, never the warehouse."""

    @dg.op(description="Finds changed risk levels, health bands and flags, and delivers them.")
    def notify_changes(context: dg.OpExecutionContext) -> None:
        outcome = alert(settings)
        context.log.info(outcome.summary())
        if outcome.text and not outcome.has_webhook:
            context.log.warning(f"No channel has an address, so the alerts are only logged here:\n{outcome.text}")
        _report(context, settings)
        if outcome.failure:
            raise dg.Failure(f"{counted(outcome.pending, 'alert')} not delivered, still pending: {outcome.failure}")

    @dg.job(
        name=ALERTS_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Alerts about accounts that changed since the last snapshot: published snapshot -> outbox -> channels.",
    )
    def alerts() -> None:
        notify_changes()

    return alerts


def delivery_job(settings: Settings) -> dg.JobDefinition:
    """Deliver what could not be delivered before, and what was held until now. It reads the outbox only."""

    @dg.op(description="Delivers the alerts that are due.")
    def deliver_alerts(context: dg.OpExecutionContext) -> None:
        done = deliver_due(settings)
        context.log.info(f"{counted(len(done.delivered), 'alert')} delivered")
        for failure in done.failures:
            context.log.warning(f"not delivered: {failure}")
        for warning in done.warnings:
            context.log.warning(warning)
        _report(context, settings)
        if done.dead:
            raise dg.Failure(f"{counted(len(done.dead), 'alert')} will not be delivered: {'; '.join(done.failures)}")

    @dg.job(
        name=DELIVERY_JOB,
        tags=FIRST,
        resource_defs=NO_WAREHOUSE,
        description="Delivers alerts that could not be delivered before: outbox -> channels.",
    )
    def delivery() -> None:
        deliver_alerts()

    return delivery


def data_alerts_job(settings: Settings) -> dg.JobDefinition:
    """Alert about a failed run. It reads the run's events only: the warehouse and the snapshot may be what failed."""

    @dg.op(
        config_schema={"run_id": dg.Field(str, description="Id of the failed run")},
        description="Delivers the failed checks or the errors of a run.",
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
        description="One data alert about a failed run.",
    )
    def data_alerts() -> None:
        notify_failed_run()

    return data_alerts


def as_of_day(run: dg.DagsterRun, settings: Settings) -> date:
    """The as-of day of a run."""
    as_of = run.run_config.get("resources", {}).get("as_of", {}) if isinstance(run.run_config, dict) else {}
    day = as_of.get("config", {}).get("day")
    return date.fromisoformat(day) if day else settings.load_day
