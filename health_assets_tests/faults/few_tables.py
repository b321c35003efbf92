"""What the daemon of test_backfill.py loads: few tables, so that runs are short, and the daily schedule every minute."""

from functools import partial

import dagster as dg

from health_assets_tests.faults.small import keep_few_tables

keep_few_tables()

from health_assets import settings  # noqa: E402 - the tables have to be few before the definitions are made
from health_assets.definitions import definitions  # noqa: E402
from health_assets.orchestration import schedules  # noqa: E402

schedules.daily_schedule = partial(schedules.daily_schedule, cron_schedule="* * * * *")


@dg.definitions
def defs() -> dg.Definitions:
    return definitions(settings.load())
