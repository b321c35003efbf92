"""Telemetry: devices at the customers and their readings."""

from health_assets.contracts.columns import Given
from health_assets.contracts.contract import RawContract
from health_assets.tables import source


class RawDevices(RawContract):
    """Which devices does each account have?"""

    device_id = Given("Key of the device", required=True)
    account_id = Given("Account", required=True)
    device_type = Given("Type of the device")
    installed_date = Given("Day of installation")
    status = Given("active, or another word, as known when the file was written")


class RawDeviceReadings(RawContract):
    """What did each device report?"""

    device_id = Given("Device", required=True)
    reading_date = Given("Day of the reading", required=True)
    uptime_pct = Given("Uptime in %, 0-100")
    usage_volume = Given("Usage, in the device's own unit")
    error_count = Given("Errors since the previous reading")
    maintenance_due = Given("Whether maintenance is due")


raw_devices = source("raw_devices", RawDevices)
raw_device_readings = source("raw_device_readings", RawDeviceReadings)
