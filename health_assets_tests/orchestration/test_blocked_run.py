"""A blocking check that fails on a table of the product leaves readers with the snapshot before.

The job has the assets and checks of the daily one, as far as the table needs them, and its last step.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.definitions import definitions
from health_assets.settings import Settings
from health_assets.tables import TABLES
from health_assets.warehouse.snapshot import snapshot
from health_assets_tests.frames import settings_of, written

BROKEN = "mart_net_revenue_retention"


def run(company: Settings) -> dg.ExecuteInProcessResult:
    needed = dg.AssetSelection.assets(BROKEN, "dim_account").upstream() | dg.AssetSelection.assets("published")
    job = dg.Definitions(jobs=[dg.define_asset_job("needed", needed)])
    with dg.DagsterInstance.ephemeral() as instance:
        made = dg.Definitions.merge(definitions(company), job).resolve_job_def("needed")
        return made.execute_in_process(
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )


def off_by_one(transform: Callable[..., pl.LazyFrame]) -> Callable[..., pl.LazyFrame]:
    """The transform with a mistake that keeps the contract of each row."""

    @functools.wraps(transform)
    def mistaken(**frames: pl.LazyFrame) -> pl.LazyFrame:
        return transform(**frames).with_columns(pl.col("ending_mrr") + 1)

    return mistaken


@pytest.mark.slow
def test_readers_keep_the_snapshot_of_the_run_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = "account_id,company_name,signup_date,status,monthly_recurring_revenue"
    written(tmp_path, "accounts.csv", f"{columns}\nA,Acme,2024-01-01,active,100\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}})
    assert run(company).success
    before = os.path.realpath(company.published)

    table = load_all()[BROKEN]
    monkeypatch.setitem(TABLES, BROKEN, replace(table, function=off_by_one(table.function)))
    outcome = run(company)

    failed = {check.check_name for check in outcome.get_asset_check_evaluations() if not check.passed}
    assert "ending_mrr__is_that_of_the_accounts" in failed
    assert not outcome.success
    assert ["published"] not in [event.asset_key.path for event in outcome.get_asset_materialization_events()]
    assert os.path.realpath(company.published) == before
    with snapshot(company.published) as readers:
        assert readers.sql("select ending_mrr from mart.net_revenue_retention").fetchall() == [(100.0,)]
