"""Pulls as assets in front of the raw tables, and how far the pulls of a source reach."""

import json
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from health_assets.assets import load_all
from health_assets.connectors.pulling import behind
from health_assets.orchestration.assets import asset_of
from health_assets.orchestration.file_sensor import state_of_files
from health_assets.orchestration.pulls import pull_assets, vendors_pulled_by
from health_assets.settings import Settings
from health_assets_tests.connectors.company import company_of

PULL = {"stripe": {"token": "env:STRIPE_KEY"}}


def company_at(folder: Path, **chosen: object) -> Settings:
    return company_of(folder, PULL, "accounts", "subscriptions", timezone="Europe/Berlin", **chosen)


def outcome(company: Settings, pulled_at: str, failure: str = "") -> None:
    folder = company.pulled / "stripe"
    folder.mkdir(parents=True, exist_ok=True)
    given = {"pulled_at": pulled_at, "failed_at": pulled_at if failure else None, "failure": failure}
    (folder / "pull.json").write_text(json.dumps(given))


def test_raw_tables_of_a_pulled_vendor_follow_its_pull(tmp_path: Path) -> None:
    tables, company = load_all(), company_at(tmp_path)
    for name, follows in (("raw_subscriptions", {dg.AssetKey("pulled_stripe")}), ("raw_support_tickets", set())):
        assert asset_of(tables[name], company).asset_deps[dg.AssetKey(name)] == follows
    assert [asset.key for asset in pull_assets(company)] == [dg.AssetKey("pulled_stripe")]


def test_run_without_the_pull_reads_what_was_pulled_before(tmp_path: Path) -> None:
    company = company_at(tmp_path)
    some = dg.DagsterRun(job_name="daily", asset_selection=frozenset({dg.AssetKey("raw_subscriptions")}))
    assert vendors_pulled_by(some, company) == set()
    assert vendors_pulled_by(dg.DagsterRun(job_name="daily"), company) == {"stripe"}


def test_pulled_files_start_no_run(tmp_path: Path) -> None:
    company = company_at(tmp_path)
    before = state_of_files(company)
    outcome(company, "2026-01-01T00:00:00+00:00")
    (company.pulled / "stripe" / "subscription.parquet").write_bytes(b"changed")
    assert state_of_files(company) == before


@pytest.mark.parametrize(
    ("pulled_at", "reaches"),
    [
        ("2025-03-10T22:59:00+00:00", date(2025, 3, 9)),  # still the 10th in Berlin, which is not over
        ("2025-03-10T23:01:00+00:00", None),  # the 11th there: the 10th is complete
    ],
)
def test_pull_covers_the_days_before_it_in_the_time_zone_of_the_company(
    tmp_path: Path, pulled_at: str, reaches: date | None
) -> None:
    company = company_at(tmp_path)
    outcome(company, pulled_at, failure="refused")
    found = behind("subscriptions", company, date(2025, 3, 10))
    assert found == (reaches and (reaches, "refused"))


def test_source_of_files_is_never_behind_a_pull(tmp_path: Path) -> None:
    company = company_at(tmp_path)
    outcome(company, "2025-01-01T00:00:00+00:00")
    assert behind("invoices", company, date(2025, 3, 10)) is None
