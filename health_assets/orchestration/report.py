"""The report of a run: one HTML file next to the snapshot, made from it and replaced as a whole."""

import os

import dagster as dg

from health_assets.orchestration.assets import OWNER
from health_assets.reporting.reader import EVERYTHING, published
from health_assets.reporting.report import report_html
from health_assets.settings import Settings


def report_asset(settings: Settings) -> dg.AssetsDefinition:
    """The report, written when the snapshot is published."""

    @dg.asset(
        name="report",
        deps=["published"],
        group_name="published",
        kinds={"html"},
        owners=[OWNER],
        description="The portfolio as one HTML file that needs no network; `health-assets report` makes it for one owner.",
    )
    def report() -> dg.MaterializeResult:  # type: ignore[type-arg]
        with published(settings) as connection:
            text = report_html(connection, settings, EVERYTHING)
        unfinished = settings.report.with_name(f".{settings.report.name}")
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, settings.report)
        return dg.MaterializeResult(
            metadata={"file": dg.MetadataValue.path(str(settings.report)), "bytes": len(text.encode())}
        )

    return report
