"""What the daemon of test_daemon.py loads: everything, with the daily schedule ticking every minute."""

from functools import partial

import dagster as dg

from health_assets import settings
from health_assets.definitions import definitions
from health_assets.orchestration import schedules

schedules.daily_schedule = partial(schedules.daily_schedule, cron_schedule="* * * * *")


@dg.definitions
def defs() -> dg.Definitions:
    """As health_assets.definitions has them."""
    return definitions(settings.load())
