"""Health of the devices of each account in the 30 days up to each day.

Single devices on the as-of day are in fact/device_health.py.
"""

from datetime import date, timedelta

import polars as pl

from health_assets.assets.dim.device import is_active
from health_assets.assets.fact.device_health import WINDOW, health_score
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, day_panel, mean_of, safe_ratio
from health_assets.contracts.history import with_values_of_the_day
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

KEY = ["account_id", "day"]


class AccountDeviceDaily(Contract):
    """How many active devices does each account have on each day, and how healthy are they?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    active_device_count = Count(
        "Active devices: by status on the load day, on other days those with a reading in 30 days"
    )
    maintenance_due_device_count = Count(
        "Of these, due for maintenance by the latest reading of 30 days that reports it"
    )
    device_health_avg = Score("Mean health of the active devices that report")


@table(
    AccountDeviceDaily,
    monthly=True,
    settings_sections=("devices", "stale_after_days"),
    fed_by=("staged_device_readings",),
)
def fact_account_device_daily(
    staged_accounts: pl.LazyFrame,
    staged_devices: pl.LazyFrame,
    history_devices: pl.LazyFrame,
    staged_device_readings: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period on which readings are fresh, from the account's signup on."""
    by_account = (
        _devices_by_day(staged_devices, history_devices, staged_device_readings, settings, period)
        .filter("is_active")
        .group_by(KEY)
        .agg(
            active_device_count=pl.len().cast(pl.Int64),
            maintenance_due_device_count=pl.col("is_maintenance_due").sum().cast(pl.Int64),
            device_health_avg=mean_of(pl.col("health_score")),
        )
    )
    return (
        day_panel(staged_accounts, "account_id", "signup_date", period.first_day, period.last_day)
        .pipe(while_fresh, "device_readings", staged_device_readings, "reading_date", settings)
        .join(by_account, on=KEY, how="left", validate="1:1")
        .with_columns(
            pl.col("active_device_count", "maintenance_due_device_count").fill_null(0),
            as_of_date="day",
        )
        .sort("account_id", "as_of_date")
        .select(AccountDeviceDaily.column_names())
    )


def _devices_by_day(
    staged_devices: pl.LazyFrame,
    history_devices: pl.LazyFrame,
    staged_device_readings: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """Each device on each day from its installation on: is_active, is_maintenance_due, health_score."""
    readings = staged_device_readings.filter(pl.col("reading_date") >= period.starting(WINDOW - 1))
    return (
        counts_by_day(
            staged_devices.with_columns(pl.col("installed_date").fill_null(date.min)),
            "installed_date",
            _counted(readings),
            period,
            key="device_id",
        )
        .join(staged_devices.select("device_id", "account_id"), on="device_id", how="left", validate="m:1")
        .pipe(with_values_of_the_day, history_devices, "device_id", "day")
        .sort("day", "device_id")
        .join_asof(
            readings.filter(pl.col("maintenance_due").is_not_null())
            .select("device_id", "reading_date", is_maintenance_due="maintenance_due")
            .sort("reading_date", "device_id"),
            left_on="day",
            right_on="reading_date",
            by="device_id",
            tolerance=timedelta(days=WINDOW - 1),
            check_sortedness=False,  # both sides are sorted just above
        )
        .with_columns(
            is_active=is_active(settings, pl.col("readings") > 0),
            mean_uptime_pct_30d=safe_ratio(pl.col("uptime_sum"), pl.col("uptimes")),
            error_reading_count_30d="error_readings",
        )
        .with_columns(health_score=health_score(settings))
    )


def _counted(readings: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted -> its readings, with the days of the windows that they count in."""
    uptime = pl.col("uptime_pct")

    def days(counted: pl.LazyFrame, size: pl.Expr) -> pl.LazyFrame:
        return counted.select(
            "device_id", first_day="reading_date", end_day=pl.col("reading_date").dt.offset_by(f"{WINDOW}d"), size=size
        )

    one = pl.lit(1.0)
    return {
        "readings": days(readings, one),
        "uptimes": days(readings.filter(uptime.is_not_null()), one),
        "uptime_sum": days(readings.filter(uptime.is_not_null()), uptime),
        "error_readings": days(readings.filter(pl.col("error_count") > 0), one),
    }
