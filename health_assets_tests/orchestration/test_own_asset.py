"""A company's own asset gets the warehouse and the snapshot as Dagster's DuckDBResource, under these names."""

from pathlib import Path

import dagster as dg
import pytest
from dagster_duckdb import DuckDBResource

from health_assets.definitions import definitions
from health_assets_tests.frames import settings_of, written


@dg.asset(deps=["published"])
def weekly_numbers(warehouse: DuckDBResource, snapshot: DuckDBResource) -> dg.MaterializeResult:
    """How many accounts are there, in the run's warehouse and in the snapshot that it has just published?"""
    with warehouse.get_connection() as run, snapshot.get_connection() as published:
        counts = [
            connection.sql("select count(*) from mart.customer_health").fetchone()[0] for connection in (run, published)
        ]
    return dg.MaterializeResult(metadata={"accounts": counts[0], "published_accounts": counts[1]})


@pytest.mark.slow
def test_own_asset_selects_from_the_marts_in_the_same_run(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date,status\nA,Acme,2024-01-01,active\n")
    company = settings_of(tmp_path, sources={"accounts": {"path": "accounts.csv"}})
    needed = dg.AssetSelection.assets("mart_customer_health").upstream() | dg.AssetSelection.assets(
        "published", "weekly_numbers"
    )
    own = dg.Definitions([weekly_numbers], jobs=[dg.define_asset_job("needed", needed)])
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = (
            dg.Definitions.merge(definitions(company), own)
            .resolve_job_def("needed")
            .execute_in_process(
                instance=instance,
                partition_key="2025-01-01",
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )
    (made,) = outcome.asset_materializations_for_node("weekly_numbers")
    assert {name: value.value for name, value in made.metadata.items() if "accounts" in name} == {
        "accounts": 1,
        "published_accounts": 1,
    }
