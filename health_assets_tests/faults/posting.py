"""What the daemon of test_delivery_proven.py loads: the alert jobs and sensors, evaluated as often as the daemon can."""

import dagster as dg

from health_assets import settings
from health_assets.orchestration import alert_jobs, sensors

sensors.SECONDS = 1


@dg.asset
def published() -> None:
    """In the place of the pipeline: the test has written the snapshot."""


@dg.definitions
def defs() -> dg.Definitions:
    company = settings.load()
    return dg.Definitions(
        assets=[published],
        jobs=[
            alert_jobs.alerts_job(company),
            alert_jobs.delivery_job(company),
            dg.define_asset_job("publish", [published]),
        ],
        sensors=[sensors.published_sensor(), sensors.delivery_sensor(company)],
        executor=dg.in_process_executor,
    )
