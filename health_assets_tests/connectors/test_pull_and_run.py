"""From localstripe to the published snapshot: `health-assets pull` and `run`, figures worked out by hand, an API that is gone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from health_assets import settings
from health_assets_tests.conftest import said_by
from health_assets_tests.connectors.company import company_of
from health_assets_tests.loopback_stripe import KEY, LocalStripe, running

pytestmark = pytest.mark.slow
NOW = datetime.now(UTC)
TODAY = NOW.date()
MONTH = TODAY.replace(day=1)


@pytest.fixture
def stripe() -> Iterator[LocalStripe]:
    pytest.importorskip("localstripe")
    with running() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a company; commands run in an empty home, in which nothing may appear."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    chosen = {"STRIPE_KEY": KEY, "HOME": str(home), "COLUMNS": "300", "SLACK_WEBHOOK_URL": ""}
    for name, value in (chosen | {"DAGSTER_HOME": str(tmp_path / "data" / "dagster")}).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def said(folder: Path, *arguments: str) -> tuple[int, str]:
    """What a command prints, and its exit code."""
    ended = said_by(*arguments, "--settings", str(folder / "settings.yml"))
    return ended.exit_code, ended.output


def said_in_a_process(folder: Path, *arguments: str) -> tuple[int, str]:
    """The same of a process of its own, in which no library has looked for its home before."""
    command = [sys.executable, "-m", "health_assets.cli.app", *arguments, "--settings", str(folder / "settings.yml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def figures(folder: Path, query: str) -> list[tuple[object, ...]]:
    company = settings.load(folder / "settings.yml")
    with duckdb.connect(os.path.realpath(company.published), read_only=True) as snapshot:
        return snapshot.sql(query).fetchall()


def test_subscriptions_of_stripe_become_mrr_and_a_cancellation_becomes_churn(stripe: LocalStripe, folder: Path) -> None:
    start = int((NOW - timedelta(days=100)).timestamp())
    gold, yearly = stripe.plan("Gold", 10_000), stripe.plan("Yearly", 120_000, "year")
    monthly_customer, yearly_customer = stripe.customer("Anna"), stripe.customer("Bob")
    stripe.subscription(monthly_customer, gold, start, quantity=3)
    cancelled = stripe.subscription(yearly_customer, yearly, start)
    company = company_of(
        folder,
        {"stripe": {"token": "env:STRIPE_KEY", "url": stripe.url}},
        *("accounts", "subscriptions", "invoices"),
        company="Acme",
        published="data/published.duckdb",
        history_start=(MONTH - timedelta(days=120)).replace(day=1),
    )
    code, output = said_in_a_process(folder, "pull")
    assert (
        code,
        "stripe invoice 2 (2 read), subscription 2 (2 read), product 2 (2 read), customer 2 (2 read)" in output,
    ) == (0, True)
    code, output = said(folder, "run", "--as-of", TODAY.isoformat())
    assert code == 0, output
    of_month = f"select account_id, mrr, movement from fact.revenue_monthly where month = '{MONTH}' order by mrr"
    # 3 x 100 a month; 1,200 a year = 100 a month
    assert figures(folder, of_month) == [(yearly_customer, 100.0, "retained"), (monthly_customer, 300.0, "retained")]

    stripe.delete(f"/v1/subscriptions/{cancelled}")
    assert said(folder, "pull", "stripe")[0] == 0
    assert said(folder, "run", "--as-of", TODAY.isoformat())[0] == 0
    assert figures(folder, of_month) == [(yearly_customer, 0.0, "churn"), (monthly_customer, 300.0, "retained")]
    _gone(stripe, company, folder, of_month)


def _gone(stripe: LocalStripe, company: settings.Settings, folder: Path, of_month: str) -> None:
    """The API is not there any more: the figures stay, and every reader says so."""
    before = figures(folder, of_month)
    outcome = company.pulled / "stripe" / "pull.json"
    three_days_ago = {"pulled_at": (NOW - timedelta(days=3)).isoformat()}
    outcome.write_text(json.dumps(json.loads(outcome.read_text()) | three_days_ago))
    settings_file = folder / "settings.yml"
    settings_file.write_text(settings_file.read_text().replace(stripe.url, "http://127.0.0.1:9"))
    code, output = said_in_a_process(folder, "run", "--as-of", TODAY.isoformat())
    assert code == 0, output
    assert "stripe: 127.0.0.1:9 cannot be reached" in output
    assert "staged_subscriptions: rows__fresh" in output
    assert figures(folder, of_month) == before
    last = TODAY - timedelta(days=4)
    assert figures(folder, "select source, last_day, stale_after_days from main.sources order by 1") == [
        (source, last, 0) for source in ("accounts", "invoices", "subscriptions")
    ]
    code, output = said(folder, "status")
    failed = f"could not be pulled, and is complete up to {last}: stripe: 127.0.0.1:9 cannot be reached"
    assert failed in " ".join(output.split())
    assert f"complete up to {last}" in company.report.read_text()
    code, output = said(folder, "doctor")
    assert "the last pull failed" in output
    holding = [file for file in folder.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]
    assert holding == []
    assert list((folder / "home").iterdir()) == []
