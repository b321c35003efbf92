"""Devices of the demo company at its customers, with weekly readings."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import first_day
from health_assets.demo.lifecycles import QUALITY, Lifecycles
from health_assets.demo.naming import account_keys, keys

OWNER_SHARE = 0.35  # accounts that have devices
DEVICE_TYPES = ("gateway", "sensor", "terminal", "scanner")
INACTIVE_SHARE = 0.05
READ_SHARE, UPTIME_LOST, UPTIME_LOST_IN_TROUBLE = 0.95, 1.2, 9.0  # percentage points
ERRORS, ERRORS_IN_TROUBLE, MAINTENANCE, MAINTENANCE_IN_TROUBLE = 0.08, 1.5, 0.04, 0.25  # per reading
VOLUME = 120  # at the usual activity


def _installed(lifecycles: Lifecycles) -> tuple[np.ndarray, np.ndarray]:
    """(account, week of installation) of each device; bigger plans have more devices."""
    chance = lifecycles.chance("devices")
    count = (1 + 2 * lifecycles.at_end(lifecycles.tier) + chance.poisson(1.0, lifecycles.accounts)) * (
        chance.random(lifecycles.accounts) < OWNER_SHARE
    )
    account = np.repeat(np.arange(lifecycles.accounts), count)
    week = lifecycles.joins[account] + chance.integers(0, 12, len(account))
    is_there = (first_day(week, lifecycles.weekday[account]) <= lifecycles.calendar.last_day) & lifecycles.present[
        np.minimum(week, len(lifecycles.present) - 1), account
    ]
    return account[is_there], week[is_there]


def devices(lifecycles: Lifecycles) -> pl.DataFrame:
    account, week = _installed(lifecycles)
    chance = lifecycles.chance("device_types")
    luck, has_left = chance.random(len(account)), ~lifecycles.at_end(lifecycles.present)[account]
    return pl.DataFrame(
        {
            "device_id": keys("DEV", len(account), 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "device_type": chance.choice(DEVICE_TYPES, len(account)),
            "installed_date": lifecycles.calendar.date(first_day(week, lifecycles.weekday[account])),
            "status": np.select([has_left, luck < INACTIVE_SHARE], ["retired", "inactive"], "active"),
        }
    )


def device_readings(lifecycles: Lifecycles) -> pl.DataFrame:
    """Devices fail more often while the account has quality problems."""
    chance = lifecycles.chance("device_readings")
    account, installed = _installed(lifecycles)
    week = np.arange(len(lifecycles.present))[:, None]
    is_read = (
        lifecycles.present[:, account] & (week > installed) & (chance.random((len(week), len(account))) < READ_SHARE)
    )
    week, device = np.nonzero(is_read)
    day = first_day(week, lifecycles.weekday[account[device]]) + chance.integers(0, 7, len(week))
    known = np.flatnonzero((day >= 0) & (day <= lifecycles.calendar.last_day))
    known = known[np.lexsort((device[known], day[known]))]
    week, device, day = week[known], device[known], day[known]
    in_trouble = lifecycles.trouble[:, QUALITY][week, account[device]]
    lost = chance.exponential(np.where(in_trouble, UPTIME_LOST_IN_TROUBLE, UPTIME_LOST))
    usage = lifecycles.usage[week, account[device]]
    return pl.DataFrame(
        {
            "device_id": keys("DEV", len(account), 5).gather(device),
            "reading_date": lifecycles.calendar.date(day),
            "uptime_pct": np.round(np.clip(100 - lost, 0, 100), 2),
            "usage_volume": np.round(VOLUME * usage * chance.lognormal(0, 0.25, len(day)), 1),
            "error_count": chance.poisson(np.where(in_trouble, ERRORS_IN_TROUBLE, ERRORS)),
            "maintenance_due": chance.random(len(day)) < np.where(in_trouble, MAINTENANCE_IN_TROUBLE, MAINTENANCE),
        }
    )
