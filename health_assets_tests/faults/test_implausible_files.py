"""Files that are sound by themselves and cannot be true: the real command line publishes nothing and alerts nobody."""

import csv
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from health_assets.alerts import WEBHOOK_VARIABLE
from health_assets.alerts.outbox import Outbox
from health_assets.demo import write_company
from health_assets_tests.conftest import said_by
from health_assets_tests.faults.conftest import LAST_DAY, Company
from health_assets_tests.loopback_slack import Slack

pytestmark = pytest.mark.slow
Rows = list[dict[str, str]]


def in_cents(rows: Rows) -> Rows:
    return [row | {"mrr_amount": str(round(float(row["mrr_amount"] or 0) * 100))} for row in rows]


def one_of_ten(rows: Rows) -> Rows:
    return rows[::10]


def rewritten(files: list[Path], change: Callable[[Rows], Rows]) -> None:
    for path in files:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(change(rows))


@pytest.mark.timeout(900)
def test_another_unit_and_a_tenth_of_the_events_stop_the_snapshot_and_the_alerts(
    tmp_path: Path, slack: Slack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    company = Company(tmp_path / "company")
    write_company(company.folder, accounts=30, months=4, end=LAST_DAY, seed=7, profile="core")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv(WEBHOOK_VARIABLE, slack.url)
    monkeypatch.setenv("COLUMNS", "200")

    def said(*command: str) -> tuple[int, str]:
        ended = said_by(*command, "--settings", str(company.settings))
        return ended.exit_code, ended.output

    def changes_in_outbox() -> int:
        with Outbox.opened(company.folder / "alerts.sqlite") as outbox:
            bodies = outbox.connection.execute("select body from outbox").fetchall()
        return sum("data_alert" not in body for (body,) in bodies)

    code, output = said("run", "--as-of", f"{LAST_DAY - timedelta(days=1)}")
    assert code == 0, output
    assert said("alerts")[0] == 0
    with Outbox.opened(company.folder / "alerts.sqlite") as outbox, outbox.transaction():
        outbox.connection.execute("update levels set level = 'critical'")  # so that the next day has much to tell
    published, hash_before = os.path.realpath(company.published), company.snapshot_hash()

    rewritten([company.folder / "subscriptions.csv"], in_cents)
    rewritten(list(company.folder.glob("usage_events/*.csv")), one_of_ten)
    code, output = said("run", "--unattended")
    assert (code, "Not published" in output) == (1, True), output
    assert said("alerts")[0] == 0
    assert (os.path.realpath(company.published), company.snapshot_hash()) == (published, hash_before)
    assert len(slack.accepted) == 1
    assert "blocking check" in slack.accepted[0]["text"]
    told = "".join(slack.sections())
    assert "staged_subscriptions: mrr_amount__same_unit" in told
    assert "staged_usage_events: rows__not_collapsed" in told
    assert changes_in_outbox() == 0
    with capsys.disabled():
        print("\n2 find_anomalies sources: 0 snapshots, 0 changes of accounts told, 1 data alert")
