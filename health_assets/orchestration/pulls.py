"""Pulls from APIs as Dagster assets in front of the raw tables: a pull that fails leaves the tables of the one before."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import outcome_of, pull_vendor, sources_pulled
from health_assets.settings import Settings
from health_assets.settings.pull import pulled_vendor
from health_assets.sources.answers import fetch_answers

if TYPE_CHECKING:
    from dagster import DagsterRun


def pull_name(vendor: str) -> str:
    """The asset of a vendor's pull."""
    return f"pulled_{vendor}"


def pull_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """One asset for each API that a connected source reads."""
    return [_pull_asset(vendor, settings) for vendor in _vendors(settings)]


def vendors_pulled_by(run: "DagsterRun | None", settings: Settings) -> set[str]:
    """The vendors that a run pulls from."""
    chosen = run.asset_selection if run else None
    return {vendor for vendor in _vendors(settings) if chosen is None or dg.AssetKey(pull_name(vendor)) in chosen}


def _vendors(settings: Settings) -> list[str]:
    return [vendor for vendor in settings.pull.vendors if sources_pulled(vendor, settings)]


def _pull_asset(vendor: str, settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=pull_name(vendor),
        group_name="pulled",
        kinds={"dlt", "parquet"},
        required_resource_keys={"open_warehouse"},
        description=f"The records of {vendor.title()}, as its API gives them now; {', '.join(sources_pulled(vendor, settings))} read them.",
    )
    def pulled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        metadata: dict[str, Any] = {"folder": dg.MetadataValue.path(str(settings.pulled / vendor))}
        try:
            outcome = pull_vendor(vendor, settings)
        except PullError as error:
            last = outcome_of(vendor, settings).pulled_at
            if last is None:
                raise
            context.log.warning(f"{error}. The run uses what was pulled on {last:%Y-%m-%d %H:%M} UTC")
            metadata |= {"failure": str(error), "pulled_at": last.isoformat()}
        else:
            for note in outcome.notes:
                context.log.info(note)
            metadata |= {"changed": sum(outcome.changed.values()), **outcome.rows}
        fetch_answers(settings, lambda one: pulled_vendor(one, settings.pulled) == vendor)
        return dg.MaterializeResult(metadata=metadata)

    return pulled
