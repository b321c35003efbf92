"""Readings of each device in the 30 days up to the as-of day, and its health score.

What a device earns, and whose it is, belongs in mart/engagement/device_health.py; accounts by day are in
fact/account_device_daily.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Day, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import exact_sum, mean_of, on_days
from health_assets.settings import Settings
from health_assets.tables import table

WINDOW = 30


class DeviceHealth(Contract):
    """Is each device running, and does it need maintenance?

    Only devices that reported in the 30 days have a row.
    """

    device_id = dy.String(primary_key=True, description="Device", metadata={"references": "dim_device.device_id"})
    reading_count_30d = Count("Readings in 30 days")
    last_reading_date = Day("Latest of these readings", nullable=False)
    mean_uptime_pct_30d = Pct("Mean uptime of these readings that report one")
    usage_volume_30d = dy.Float64(
        nullable=True, min=0, description="Usage in 30 days, in the device's own unit; null = not reported"
    )
    error_reading_count_30d = Count("Readings with at least one error; null = errors are not reported", nullable=True)
    is_maintenance_due = dy.Bool(
        nullable=True, description="Maintenance is due by the latest reading that reports it; null = none does"
    )
    health_score = Score(
        "Mean uptime, less the settings' points for each reading with an error and for maintenance that is due"
    )


@table(DeviceHealth)
def fact_device_health(
    staged_device_readings: pl.LazyFrame, dim_device: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """Readings of 30 days by device."""
    errors, volume = pl.col("error_count"), pl.col("usage_volume")
    return (
        staged_device_readings.filter(on_days(pl.col("reading_date"), as_of - timedelta(days=WINDOW - 1), as_of))
        .join(dim_device.select("device_id"), on="device_id", how="semi")
        .sort("device_id", "reading_date")
        .group_by("device_id", maintain_order=True)
        .agg(
            reading_count_30d=pl.len().cast(pl.Int64),
            last_reading_date=pl.col("reading_date").max(),
            mean_uptime_pct_30d=mean_of(pl.col("uptime_pct")),
            usage_volume_30d=pl.when(volume.count() > 0).then(exact_sum(volume)),
            error_reading_count_30d=pl.when(errors.count() > 0).then((errors > 0).sum().cast(pl.Int64)),
            is_maintenance_due=pl.col("maintenance_due").drop_nulls().last(),
        )
        .with_columns(health_score=health_score(settings))
        .select(DeviceHealth.column_names())
    )


def health_score(settings: Settings) -> pl.Expr:
    """Mean uptime, less points for readings with errors and for maintenance that is due; null without an uptime."""
    points = settings.devices
    errors = points.points_per_error_reading * pl.col("error_reading_count_30d").fill_null(0)
    maintenance = points.points_for_maintenance * pl.col("is_maintenance_due").fill_null(False).cast(pl.Float64)
    return (pl.col("mean_uptime_pct_30d") - errors - maintenance).clip(0, 100)
