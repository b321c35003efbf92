"""Devices on the as-of day.

Their readings belong in fact/device_health.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.contracts.history import valid_on
from health_assets.settings import Settings
from health_assets.tables import table

WINDOW = 30


class Device(Contract):
    """Which devices does each account have, and which of them are active?"""

    device_id = dy.String(primary_key=True, description="Device")
    account_id = AccountId(of="staged_accounts")
    device_type = dy.String(nullable=True, description="What kind of device it is")
    installed_date = Day("Day of installation; null = unknown")
    status = dy.String(
        nullable=True,
        description="Status, lower case; null where the file has none, or before the first load",
    )
    last_reading_date = Day("Latest reading by the as-of day; null = none")
    is_active = dy.Bool(
        description="Status is in devices.active_statuses; where status is null, whether there was a reading in 30 days"
    )


@table(Device)
def dim_device(
    staged_devices: pl.LazyFrame,
    history_devices: pl.LazyFrame,
    staged_device_readings: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Devices installed by the as-of day; those without a day of installation always count."""
    readings = (
        staged_device_readings.filter(pl.col("reading_date") <= as_of)
        .group_by("device_id")
        .agg(last_reading_date=pl.col("reading_date").max())
    )
    reported = (days_between(pl.col("last_reading_date"), pl.lit(as_of)) < WINDOW).fill_null(False)
    return (
        staged_devices.drop("status")
        .filter((pl.col("installed_date") <= as_of).fill_null(True))
        .join(valid_on(history_devices, as_of), on="device_id", how="left", validate="1:1")
        .join(readings, on="device_id", how="left", validate="1:1")
        .with_columns(is_active=is_active(settings, reported))
        .sort("device_id")
        .select(Device.column_names())
    )


def is_active(settings: Settings, reported: pl.Expr) -> pl.Expr:
    """Whether a device is active: by its `status` on the day; where that is null, whether it reported."""
    return pl.coalesce(pl.col("status").is_in(settings.devices.active_statuses), reported)
