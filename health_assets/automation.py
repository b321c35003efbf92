"""What runs by itself: the daily job and its schedule."""

from datetime import date

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from health_assets.orchestration import OWNER, monthly_partitions
from health_assets.publish import publish
from health_assets.settings import Settings
from health_assets.storage import Warehouse
from health_assets.tables import TABLES

DAILY_JOB = "daily"


def published_asset(settings: Settings) -> dg.AssetsDefinition:
    """The last step of a run: every mart is there and no blocking check failed, so readers get the new snapshot."""
    marts = [name for name, table in TABLES.items() if table.layer in ("mart", "fact")]

    @dg.asset(
        name="published",
        deps=marts,
        group_name="published",
        kinds={"duckdb"},
        owners=[OWNER],
        required_resource_keys={"warehouse", "as_of"},
        description="The read-only snapshot that dashboards, notebooks, SQL, reports and alerts read.",
    )
    def published(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        warehouse: Warehouse = context.resources.warehouse
        as_of: date = context.resources.as_of
        rows = publish(warehouse, settings.published, context.run.run_id, as_of, settings.company)
        return dg.MaterializeResult(
            metadata={
                "snapshot": dg.MetadataValue.path(str(settings.published)),
                "as_of_date": as_of.isoformat(),
                "tables": len(rows),
                "rows": sum(rows.values()),
            }
        )

    return published


def daily_job(settings: Settings) -> UnresolvedAssetJobDefinition:
    """Everything from the files to the snapshot, for the current month and whatever else is out of date."""
    return dg.define_asset_job(
        DAILY_JOB,
        selection=dg.AssetSelection.all(),
        partitions_def=monthly_partitions(settings),
        description="Files -> raw -> staged -> fact -> mart -> published snapshot, for one as-of day.",
    )
