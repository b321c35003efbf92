"""Devices of the demo company at its customers, and a reading of each a week."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import first_day
from health_assets.demo.lives import QUALITY, Lives
from health_assets.demo.naming import account_keys, keys

OWNER_SHARE = 0.35  # accounts that have devices
DEVICE_TYPES = ("gateway", "sensor", "terminal", "scanner")
INACTIVE_SHARE = 0.05
READ_SHARE, UPTIME_LOST, UPTIME_LOST_IN_TROUBLE = 0.95, 1.2, 9.0  # percentage points
ERRORS, ERRORS_IN_TROUBLE, MAINTENANCE, MAINTENANCE_IN_TROUBLE = 0.08, 1.5, 0.04, 0.25  # a reading
VOLUME = 120  # at the usual activity


def _installed(lives: Lives) -> tuple[np.ndarray, np.ndarray]:
    """(account, week of installation) of each device; more devices on bigger plans."""
    chance = lives.chance("devices")
    count = (1 + 2 * lives.at_end(lives.tier) + chance.poisson(1.0, lives.accounts)) * (
        chance.random(lives.accounts) < OWNER_SHARE
    )
    account = np.repeat(np.arange(lives.accounts), count)
    week = lives.joins[account] + chance.integers(0, 12, len(account))
    is_there = (first_day(week, lives.weekday[account]) <= lives.calendar.last_day) & lives.present[
        np.minimum(week, len(lives.present) - 1), account
    ]
    return account[is_there], week[is_there]


def devices(lives: Lives) -> pl.DataFrame:
    account, week = _installed(lives)
    chance = lives.chance("device_types")
    luck, has_left = chance.random(len(account)), ~lives.at_end(lives.present)[account]
    return pl.DataFrame(
        {
            "device_id": keys("DEV", len(account), 5),
            "account_id": account_keys(lives.accounts).gather(account),
            "device_type": chance.choice(DEVICE_TYPES, len(account)),
            "installed_date": lives.calendar.date(first_day(week, lives.weekday[account])),
            "status": np.select([has_left, luck < INACTIVE_SHARE], ["retired", "inactive"], "active"),
        }
    )


def device_readings(lives: Lives) -> pl.DataFrame:
    """Devices fail more often while the account suffers from bad quality."""
    chance = lives.chance("device_readings")
    account, installed = _installed(lives)
    week = np.arange(len(lives.present))[:, None]
    is_read = lives.present[:, account] & (week > installed) & (chance.random((len(week), len(account))) < READ_SHARE)
    week, device = np.nonzero(is_read)
    day = first_day(week, lives.weekday[account[device]]) + chance.integers(0, 7, len(week))
    known = np.flatnonzero((day >= 0) & (day <= lives.calendar.last_day))
    known = known[np.lexsort((device[known], day[known]))]
    week, device, day = week[known], device[known], day[known]
    in_trouble = lives.trouble[:, QUALITY][week, account[device]]
    lost = chance.exponential(np.where(in_trouble, UPTIME_LOST_IN_TROUBLE, UPTIME_LOST))
    usage = lives.usage[week, account[device]]
    return pl.DataFrame(
        {
            "device_id": keys("DEV", len(account), 5).gather(device),
            "reading_date": lives.calendar.date(day),
            "uptime_pct": np.round(np.clip(100 - lost, 0, 100), 2),
            "usage_volume": np.round(VOLUME * usage * chance.lognormal(0, 0.25, len(day)), 1),
            "error_count": chance.poisson(np.where(in_trouble, ERRORS_IN_TROUBLE, ERRORS)),
            "maintenance_due": chance.random(len(day)) < np.where(in_trouble, MAINTENANCE_IN_TROUBLE, MAINTENANCE),
        }
    )
