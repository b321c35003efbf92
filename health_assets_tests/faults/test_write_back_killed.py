"""A write-back is killed with SIGKILL at every step: the target holds the newest values, and is asked for nothing twice at once."""

import subprocess
import sys
from datetime import date, timedelta

import pytest

from health_assets.settings import SETTINGS_VARIABLE
from health_assets.write_back.writing import write_back
from health_assets_tests.faults.conftest import ROOT
from health_assets_tests.faults.served import environment
from health_assets_tests.loopback_api import LoopbackApi
from health_assets_tests.loopback_slack import Publish, account
from health_assets_tests.write_back.conftest import WithTargets, api, with_targets
from health_assets_tests.write_back.crm_apis import TOKEN, HubSpotCompanies

__all__ = ["api", "with_targets"]  # fixtures
pytestmark = pytest.mark.slow
NAMES = [f"A{number}" for number in range(5)]
PROPERTIES = ["health_score", "health_band", "churn_risk_level", "health_reasons", "health_next_step"]


@pytest.mark.timeout(300)
def test_a_kill_at_every_step_of_a_write_back_leaves_the_newest_values(
    with_targets: WithTargets, api: LoopbackApi, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBSPOT_TOKEN", TOKEN)
    crm = HubSpotCompanies(api, NAMES, PROPERTIES)
    bound = with_targets(crm={"hubspot": "env:HUBSPOT_TOKEN", "url": api.url})
    file = str(bound.warehouse.with_name("settings.yml"))
    faults = ["posting 1", "posted 1", "marking 1", "posting 2", "posted 2", "marking 2"]
    for day, fault in enumerate(faults):
        publish(date(2025, 1, 1) + timedelta(days=day), [account(name, health_score=50.0 + day) for name in NAMES])
        killed = subprocess.run(
            [sys.executable, "-m", "health_assets_tests.faults.killed_write_back"],
            cwd=ROOT,
            timeout=120,
            check=False,
            env=environment(FAULT=fault, **{SETTINGS_VARIABLE: file}),
        )
        assert killed.returncode == -9, fault
    outcome = write_back(bound)
    assert (outcome.pending, outcome.dead, outcome.failures) == (0, [], [])
    assert {name: held["health_score"] for name, held in crm.companies.items()} == dict.fromkeys(NAMES, "55")
    for request in api.requests:
        ids = [one["id"] for one in request.body["inputs"]]
        assert len(ids) == len(set(ids))
    assert write_back(bound).changes == []
