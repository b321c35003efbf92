"""What the daemon of test_daemon_killed.py loads: a daily job that does not end, and another job."""

import os
import time
from pathlib import Path

import dagster as dg

from health_assets.orchestration.jobs import DAILY_JOB
from health_assets.orchestration.sensors import killed_runs_sensor


@dg.op
def never_ends() -> None:
    Path(os.environ["DAGSTER_HOME"], "begun").write_text(str(os.getpid()))
    time.sleep(3600)


@dg.job(name=DAILY_JOB)
def daily() -> None:
    never_ends()


@dg.op
def ends() -> None: ...


@dg.job
def quick() -> None:
    ends()


defs = dg.Definitions(jobs=[daily, quick], sensors=[killed_runs_sensor()], executor=dg.in_process_executor)
