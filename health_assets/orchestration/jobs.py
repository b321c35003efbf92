"""The jobs that work on the warehouse and on the history: the daily run, and the pruning of the run history.

The jobs that notify people are in alert_jobs.py.
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from health_assets.orchestration.alert_jobs import NO_WAREHOUSE
from health_assets.orchestration.assets import NOT_CONNECTED
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.orchestration.run_history import prune
from health_assets.settings import Settings
from health_assets.settings.notes import OWN_SOURCES, own_files
from health_assets.tables import reached

DAILY_JOB = "daily"
PRUNE_JOB = "prune_history"


def daily_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """From the connected files to the published snapshot, for the current month and every stale month."""
    return dg.define_asset_job(
        DAILY_JOB,
        selection=dg.AssetSelection.all() - dg.AssetSelection.tag(*next(iter(NOT_CONNECTED.items()))),
        partitions_def=monthly_partitions(settings),
        description="Files -> raw -> staged -> dim and fact -> mart -> published snapshot, for one as-of day.",
    )


def selected_now(settings: Settings, repository: dg.RepositoryDefinition | None) -> list[dg.AssetKey] | None:
    """The assets of the daily job that the sources of this moment reach; None = all of them.

    The job holds those of the files that this product writes itself too, whether they are there yet or not.
    """
    now = {*settings.sources, *own_files(settings.notes, settings.warehouse)}
    ever, yet = ({table.name for table in reached(sources)} for sources in ({*now, *OWN_SOURCES}, now))
    if ever == yet or repository is None:
        return None
    left_out = {dg.AssetKey(name) for name in ever - yet}
    return sorted(set(repository.get_job(DAILY_JOB).asset_layer.executable_asset_keys) - left_out)


def prune_job(settings: Settings) -> dg.JobDefinition:
    """Delete old runs from Dagster's history, which grows with every run."""

    @dg.op(description="Deletes runs older than `maintenance.keep_history_days`, with their events and logs.")
    def prune_old_runs(context: dg.OpExecutionContext) -> None:
        context.log.info(prune(context.instance, settings.maintenance.keep_history_days).summary())

    @dg.job(name=PRUNE_JOB, resource_defs=NO_WAREHOUSE, description="Deletes old runs with their events and logs.")
    def prune_history() -> None:
        prune_old_runs()

    return prune_history
