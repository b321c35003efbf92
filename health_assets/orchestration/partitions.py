"""The monthly partitions of event-scale tables."""

import dagster as dg

from health_assets.settings import Settings


def monthly_partitions(settings: Settings) -> dg.MonthlyPartitionsDefinition:
    """The months of event-scale tables, the current one included."""
    return dg.MonthlyPartitionsDefinition(
        start_date=settings.history_start.isoformat(), end_offset=1, timezone=settings.timezone
    )
