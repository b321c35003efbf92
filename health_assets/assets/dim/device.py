"""Devices as they stand on the as-of day.

What they reported belongs in fact/device_health.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.settings import Settings
from health_assets.tables import table

WINDOW = 30


class Device(Contract):
    """Which devices stand at which account, and which of them are active?"""

    device_id = dy.String(primary_key=True, description="Device")
    account_id = AccountId(of="staged_accounts")
    device_type = dy.String(nullable=True, description="What kind of device it is")
    installed_date = Day("Day of installation; null = not known")
    status = dy.String(
        nullable=True,
        description="Status, lower case; null where the file has none, or on another day than the load day",
    )
    last_reading_date = Day("Latest reading by the as-of day; null = none")
    is_active = dy.Bool(description="By status; where that is not known, whether there was a reading in 30 days")


@table(Device)
def dim_device(
    staged_devices: pl.LazyFrame, staged_device_readings: pl.LazyFrame, settings: Settings, as_of: date, load_day: date
) -> pl.LazyFrame:
    """Devices installed by the as-of day; those without a day of installation always count."""
    readings = (
        staged_device_readings.filter(pl.col("reading_date") <= as_of)
        .group_by("device_id")
        .agg(last_reading_date=pl.col("reading_date").max())
    )
    reports = days_between(pl.col("last_reading_date"), pl.lit(as_of)) < WINDOW
    return (
        staged_devices.filter((pl.col("installed_date") <= as_of).fill_null(True))
        .join(readings, on="device_id", how="left", validate="1:1")
        .with_columns(status=pl.when(pl.lit(as_of == load_day)).then("status"))
        .with_columns(
            is_active=pl.coalesce(pl.col("status").is_in(settings.devices.active_statuses), reports.fill_null(False))
        )
        .sort("device_id")
        .select(Device.column_names())
    )
