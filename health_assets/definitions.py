"""What Dagster loads: every table as an asset with its checks, the published snapshot, jobs, schedules and sensors."""

import logging
import warnings
from contextlib import nullcontext

import dagster as dg
from dagster_shared.utils.warnings import BetaWarning, PreviewWarning

from health_assets import settings
from health_assets.alerts.data_alerts import of_idle_daemon
from health_assets.assets import load_all
from health_assets.assets.mart.health.churn_probability import learnable_columns
from health_assets.assets.mart.health.customer_health_daily import scorable_columns
from health_assets.orchestration import alert_jobs, file_sensor, jobs, schedules, sensors, write_back_job
from health_assets.orchestration.asset_checks import checks_of
from health_assets.orchestration.assets import asset_of
from health_assets.orchestration.publishing import published_asset
from health_assets.orchestration.pulls import pull_assets
from health_assets.orchestration.report import report_asset
from health_assets.orchestration.resources import resources
from health_assets.orchestration.unattended import is_served, notifying_slack
from health_assets.scoring.churn_model import check_features
from health_assets.scoring.scorecard_names import check_factors, check_scorecards
from health_assets.settings.notes import OWN_SOURCES
from health_assets.tables import reached

for category in (BetaWarning, PreviewWarning):  # for parts of Dagster that are used deliberately
    warnings.filterwarnings("ignore", category=category)
# it would warn of every check without an output; a failed blocking check fails its step, so nothing downstream runs
logging.getLogger("dagster._core.execution.plan.active").setLevel(logging.ERROR)


def definitions(company: settings.Settings, *, of_reached: bool = False) -> dg.Definitions:
    """The whole code location for one company's settings.

    Args:
        company: the settings.
        of_reached: for a run: tables that no connected source reaches are named only, since it does not make them.

    Raises:
        SettingsError: a scorecard, the churn risk or the churn model names a column that no table has.
    """
    every_table = load_all().values()
    used = {table.name for table in reached(company.sources)}
    tables = [table for table in every_table if table.name in used or not of_reached]
    awaited = set() if of_reached else {table.name for table in reached({*company.sources, *OWN_SOURCES})}
    data_alerts = alert_jobs.data_alerts_job(company)
    check_scorecards(company, scorable_columns())
    check_features(company, learnable_columns())
    check_factors(company, scorable_columns())
    return dg.Definitions(
        assets=[
            *pull_assets(company),
            *(
                asset_of(table, company, is_reached=table.name in used, is_awaited=table.name in awaited)
                for table in tables
            ),
            *(dg.AssetSpec(table.name) for table in every_table if of_reached and table.name not in used),
            published_asset(company),
            report_asset(company),
        ],
        asset_checks=[checks for table in tables if (checks := checks_of(table, company))],
        jobs=[
            jobs.daily_job(company),
            alert_jobs.alerts_job(company),
            alert_jobs.delivery_job(company),
            data_alerts,
            jobs.prune_job(company),
            *([write_back_job.write_back_job(company)] if company.write_back.targets else []),
        ],
        schedules=[schedules.daily_schedule(company), schedules.prune_schedule(company)],
        sensors=[
            sensors.published_sensor(),
            sensors.delivery_sensor(company),
            sensors.killed_runs_sensor(),
            *([write_back_job.write_back_sensor(company)] if company.write_back.targets else []),
            sensors.failed_run_sensor(data_alerts),
            file_sensor.files_sensor(company),
        ],
        resources=resources(company),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Read by `dagster dev` and the daemon; HEALTH_ASSETS_SETTINGS names the company's settings."""
    with notifying_slack(of_idle_daemon) if is_served() else nullcontext():
        return definitions(settings.load())
