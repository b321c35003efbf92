"""Devices with their health, usage and revenue.

Readings one by one stay in staged; the mean over an account's devices is in mart/health/customer_success.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Day, Money, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, safe_ratio
from health_assets.tables import identity, table


class DeviceFleet(Contract):
    """Which devices fail or are due for maintenance, and how much revenue depends on them?"""

    device_id = dy.String(primary_key=True, description="Device")
    account_id = AccountId()
    device_type = dy.String(nullable=True, description="Kind of device")
    installed_date = Day("Day of installation; null = unknown")
    is_active = dy.Bool(
        description="Status is in devices.active_statuses; where it is unknown, whether there was a reading in 30 days"
    )
    health_score = Score("Health of the device")
    mean_uptime_pct_30d = Pct("Mean uptime of the readings of 30 days; null also without a reading")
    usage_volume_30d = dy.Float64(
        nullable=True, min=0, description="Usage in 30 days, in the device's own unit; null = not reported"
    )
    error_reading_count_30d = Count("Readings of 30 days with an error; null = not reported", nullable=True)
    is_maintenance_due = dy.Bool(nullable=True, description="Maintenance is due; null = not reported in 30 days")
    last_reading_date = Day("Latest reading by the as-of day; null = none")
    device_revenue = Money(
        "MRR of the account / its active devices, 0 of a device that is not; null = MRR unknown", nullable=True
    )


@table(DeviceFleet)
def mart_device_health(
    dim_device: pl.LazyFrame, fact_device_health: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """Devices of accounts that had signed up by the as-of day."""
    active_devices = pl.col("is_active").sum().over("account_id")
    return (
        dim_device.join(dim_account.select("account_id", "mrr"), on="account_id", how="inner", validate="m:1")
        .join(fact_device_health.drop("last_reading_date"), on="device_id", how="left", validate="1:1")
        .with_columns(
            device_revenue=pl.when("is_active")
            .then(safe_ratio(pl.col("mrr"), active_devices))
            .when(pl.col("mrr").is_not_null())
            .then(0.0)
        )
        .sort("device_id")
        .select(DeviceFleet.column_names())
    )


@identity(of=mart_device_health)
def device_revenue__sums_to_the_mrr_of_the_account(
    mart_device_health: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """The revenue of an account's active devices is its MRR."""
    by_account = mart_device_health.filter("is_active").group_by("account_id").agg(pl.col("device_revenue").sum())
    both = by_account.join(dim_account.select("account_id", "mrr"), on="account_id", how="left", validate="1:1")
    return both.filter((pl.col("device_revenue") - pl.col("mrr")).abs() >= CENT)
