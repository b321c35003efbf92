"""What transforms and assets are given by name: settings, as-of day, load day, and the warehouse of the run."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from health_assets.orchestration.databases import DuckDBFile
from health_assets.orchestration.io_manager import TableIOManager
from health_assets.orchestration.pulls import vendors_pulled_by
from health_assets.quality.great_expectations import warm_up
from health_assets.settings import Settings
from health_assets.settings.described import description_of
from health_assets.settings.pull import pulled_vendor
from health_assets.sources.answers import fetch_answers
from health_assets.tables import TABLES, reached
from health_assets.warehouse.storage import Warehouse
from health_assets.worker import shared_worker


def resources(settings: Settings) -> dict[str, Any]:
    """What transforms are given by name: settings, as_of, load_day; the databases; and the open warehouse of the run."""

    @dg.resource(config_schema={"day": dg.Field(str, is_required=False, description="As-of day, e.g. 2025-01-31")})
    def as_of(context: dg.InitResourceContext) -> date:
        day = (context.resource_config or {}).get("day")
        return date.fromisoformat(day) if day else settings.load_day

    @dg.resource(config_schema={"user": dg.Field(str, is_required=False, description="Who accepts what stops a load")})
    def accepted_by(context: dg.InitResourceContext) -> str | None:
        user: str | None = (context.resource_config or {}).get("user")
        return user

    first_file = DuckDBFile(database=str(settings.warehouse))  # the run attaches the second one itself

    @dg.resource
    def open_warehouse(context: dg.InitResourceContext) -> Iterator[Warehouse]:
        with Warehouse.opened(
            settings.warehouse, settings.load_day, settings.published, connect=first_file.get_connection
        ) as opened:
            opened.descriptions = {name: description_of(name, settings) for name in settings.sources}
            shared_worker().prepare(warm_up)  # while the first tables are made
            used = {table.name for table in reached(settings.sources)}
            opened.empty([table for table in TABLES.values() if table.name not in used])
            pulled = vendors_pulled_by(context.run, settings)  # their answers are fetched after the pull
            fetch_answers(settings, lambda one: pulled_vendor(one, settings.pulled) not in pulled)  # under the lock
            yield opened

    @dg.io_manager(required_resource_keys={"open_warehouse", "as_of"})
    def io_manager(context: dg.InitResourceContext) -> TableIOManager:
        return TableIOManager(context.resources.open_warehouse, context.resources.as_of, settings)

    return {
        "settings": dg.ResourceDefinition.hardcoded_resource(settings),
        "load_day": dg.resource(lambda _: settings.load_day),
        "as_of": as_of,
        "accepted_by": accepted_by,
        "warehouse": DuckDBFile(database=str(settings.warehouse), is_warehouse=True),
        "snapshot": DuckDBFile(database=str(settings.published), read_only=True),
        "open_warehouse": open_warehouse,
        "io_manager": io_manager,
    }
