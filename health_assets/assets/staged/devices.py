"""Devices, parsed, with their status on the load day."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import ON_LOAD_DAY, Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class Devices(Contract):
    """Which devices does each account have?"""

    device_id = dy.String(primary_key=True, description="Device")
    account_id = AccountId(of="staged_accounts")
    device_type = dy.String(nullable=True, description="What kind of device it is")
    installed_date = Day("Day of installation; null = unknown")
    status = dy.String(
        nullable=True, description="Status on the load day, lower case; null = unknown", metadata=ON_LOAD_DAY
    )


@staged(Devices)
def staged_devices(raw_devices: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed devices."""
    return raw_devices.pipe(parsed, Devices, settings, "devices").with_columns(pl.col("status").str.to_lowercase())
