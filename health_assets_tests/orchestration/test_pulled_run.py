"""A run that nobody pulled for pulls first; without an answer to the first pull nothing is read."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from health_assets.connectors import api as connectors_api
from health_assets.definitions import definitions
from health_assets.settings import Settings
from health_assets_tests.connectors.company import company_of
from health_assets_tests.connectors.test_stripe import stripe_of
from health_assets_tests.loopback_api import LoopbackApi, serving

pytestmark = pytest.mark.slow


def executed(company: Settings) -> dg.ExecuteInProcessResult:
    assets = [dg.AssetKey(name) for name in ("pulled_stripe", "raw_accounts", "staged_accounts")]
    with dg.DagsterInstance.ephemeral() as instance:
        return (
            definitions(company)
            .resolve_job_def("daily")
            .execute_in_process(
                instance=instance,
                partition_key="2025-01-01",
                asset_selection=assets,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        )


def test_run_pulls_before_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors_api, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setenv("STRIPE_KEY", "sk_5ecret")
    with serving() as vendor:
        customers: list[dict[str, Any]] = [{"id": "cus_1", "name": "Acme", "created": 1_700_000_000}]
        stripe_of(vendor, [], {"customers": customers})
        company = _company(tmp_path, vendor)
        outcome = executed(company)
        assert outcome.success
        counts = {
            name: outcome.asset_materializations_for_node(name)[0].metadata["dagster/row_count"].value
            for name in ("raw_accounts", "staged_accounts")
        }
        assert counts == {"raw_accounts": 1, "staged_accounts": 1}
        assert outcome.asset_materializations_for_node("pulled_stripe")[0].metadata["customer"].value == 1
        customers.append({"id": "cus_2", "name": "Bell", "created": 1_700_000_001})
        assert (
            executed(company).asset_materializations_for_node("raw_accounts")[0].metadata["dagster/row_count"].value
            == 2
        )
        vendor.token = "another"
    failed = executed(company)  # the pull fails, the records of the one before are used
    assert failed.asset_materializations_for_node("raw_accounts")[0].metadata["dagster/row_count"].value == 2
    assert "cannot be reached" in str(
        failed.asset_materializations_for_node("pulled_stripe")[0].metadata["failure"].value
    )


def test_first_pull_that_fails_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_KEY", "sk_5ecret")
    with serving() as vendor:
        vendor.token = "another"
        outcome = executed(_company(tmp_path, vendor))
    assert not outcome.success
    assert [event.step_key for event in outcome.all_events if event.is_step_failure] == ["pulled_stripe"]


def _company(folder: Path, vendor: LoopbackApi) -> Settings:
    pull = {"stripe": {"token": "env:STRIPE_KEY", "url": vendor.url}}
    return company_of(folder, pull, "accounts", published="data/published.duckdb")
