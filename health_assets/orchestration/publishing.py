"""The last asset of a run: the published snapshot, made when every mart is there and no blocking check failed."""

from datetime import date

import dagster as dg
import polars as pl

from health_assets.alerts.rules import rule_versions
from health_assets.connectors.pulling import behind
from health_assets.contracts.contract import available_from
from health_assets.orchestration.alert_jobs import delivered_check, delivered_check_spec
from health_assets.orchestration.assets import OWNER
from health_assets.quality.run_outcome import Check
from health_assets.reporting.formatting import counted
from health_assets.reporting.headline import headline
from health_assets.settings import Settings
from health_assets.tables import TABLES, reached
from health_assets.warehouse.retention import delete_old_rows
from health_assets.warehouse.snapshot import publish, snapshot
from health_assets.warehouse.storage import Warehouse


def published_asset(settings: Settings) -> dg.AssetsDefinition:
    """The last step of a run: every mart is there and no blocking check failed, so readers get the new snapshot."""
    marts = [table.name for table in reached(settings.sources) if table.layer in ("mart", "fact")]

    @dg.asset(
        name="published",
        deps=marts,
        group_name="published",
        kinds={"duckdb"},
        owners=[OWNER],
        required_resource_keys={"open_warehouse", "as_of"},
        check_specs=[delivered_check_spec()],
        description="The read-only snapshot that dashboards, notebooks, SQL, reports and alerts read.",
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        warehouse: Warehouse = context.resources.open_warehouse
        as_of: date = context.resources.as_of
        notes = {
            "sources": last_days(warehouse, as_of, settings),
            "rule_versions": _rule_versions(settings),
            "checks": _checks(context),
        }
        for relation, count in delete_old_rows(warehouse, as_of, settings).items():
            context.log.info(f"{relation}: {counted(count, 'row')} older than the settings keep deleted")
        keep = settings.maintenance.keep_snapshots
        rows = publish(warehouse, settings.published, context.run.run_id, as_of, settings.company, notes, keep)
        with snapshot(settings.published) as connection:
            numbers = headline(connection)
        return dg.MaterializeResult(
            metadata=numbers
            | {
                "snapshot": dg.MetadataValue.path(str(settings.published)),
                "as_of_date": as_of.isoformat(),
                "tables": len(rows),
                "rows": sum(rows.values()),
            },
            check_results=[
                dg.AssetCheckResult(severity=dg.AssetCheckSeverity.WARN, **delivered_check(settings)),
            ],
        )

    return published


def last_days(warehouse: Warehouse, as_of: date, settings: Settings) -> pl.DataFrame:
    """Of each connected source with a day of its own: its last day with a row, how old that may be, why it was not pulled."""
    rows = []
    for table in TABLES.values():
        name = table.name.removeprefix("staged_")
        if table.is_staged and name in settings.sources and (known := available_from(table.contract)):
            last = warehouse.read(table, until=as_of).select(pl.col(known).max().cast(pl.Date)).collect().item()
            limit, failure = settings.stale_after_days.get(name), None
            if pulled := behind(name, settings, as_of):
                (last, failure), limit = pulled, 0
            rows.append((name, last, limit, failure))
    shape = {"source": pl.String, "last_day": pl.Date, "stale_after_days": pl.Int64, "pull_failure": pl.String}
    return pl.DataFrame(rows, schema=shape, orient="row")


def _rule_versions(settings: Settings) -> pl.DataFrame:
    return pl.DataFrame(list(rule_versions(settings).items()), schema=["rule", "version"], orient="row")


def _checks(context: dg.AssetExecutionContext) -> pl.DataFrame:
    """The checks of this run, with what those that did not pass found."""
    evaluations = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    checks = [Check(entry.dagster_event.event_specific_data) for entry in evaluations if entry.dagster_event]
    rows = [(*check.name.split(": ", 1), check.passed, None if check.passed else check.in_words()) for check in checks]
    shape = {"asset": pl.String, "check_name": pl.String, "is_passed": pl.Boolean, "finding": pl.String}
    return pl.DataFrame(rows, schema=shape, orient="row")
