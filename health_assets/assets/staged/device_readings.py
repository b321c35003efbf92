"""Device readings, parsed: one per device and day; of several, the last in the file."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Day, Pct
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class DeviceReadings(Contract):
    """What did each device report, and on which day?"""

    device_id = dy.String(primary_key=True, description="Device", metadata={"references": "staged_devices.device_id"})
    reading_date = Day("Day of the reading", primary_key=True, nullable=False, metadata={"available_from": True})
    uptime_pct = Pct("Share of the time in which it was up")
    usage_volume = dy.Float64(nullable=True, min=0, description="How much it was used, in the device's own unit")
    error_count = Count("Errors since the reading before; null = not reported", nullable=True)
    maintenance_due = dy.Bool(nullable=True, description="Maintenance is due; null = not reported")


@staged(DeviceReadings)
def staged_device_readings(raw_device_readings: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed readings."""
    return raw_device_readings.pipe(parsed, DeviceReadings, settings, "device_readings")
