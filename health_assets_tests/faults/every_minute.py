"""What the daemon of test_daemon.py loads: everything, with a daily schedule that ticks every minute and sensors every few seconds."""

from functools import partial

import dagster as dg

from health_assets import settings
from health_assets.definitions import definitions
from health_assets.orchestration import file_sensor, schedules, sensors

schedules.daily_schedule = partial(schedules.daily_schedule, cron_schedule="* * * * *")
sensors.SECONDS = file_sensor.SECONDS = 5


@dg.definitions
def defs() -> dg.Definitions:
    """As health_assets.definitions has them."""
    return definitions(settings.load())
