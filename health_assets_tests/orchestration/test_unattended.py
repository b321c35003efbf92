"""`health-assets run --unattended`: Slack is notified when a run cannot start, once and without secrets."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from health_assets.alerts import WEBHOOK_VARIABLE
from health_assets.alerts.data_alerts import of_unstarted_run
from health_assets.settings import SETTINGS_VARIABLE
from health_assets_tests.conftest import said_by
from health_assets_tests.loopback_slack import SECRET, Slack

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run unattended over settings that do not work; what the terminal shows."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv(SETTINGS_VARIABLE, raising=False)

    def refused(settings: str, *options: str) -> str:
        (tmp_path / "settings.yml").write_text(settings)
        said = said_by("run", "--settings", str(tmp_path / "settings.yml"), *(options or ("--unattended",)))
        assert said.exit_code == 1
        return said.output

    return refused


def test_unreadable_settings_are_reported(run: Run, posted: Slack) -> None:
    run("company: [\n")
    (message,) = posted.accepted
    assert message["text"] == "health-assets: The run did not start"
    assert "settings.yml" in posted.sections()[0]


def test_a_wrong_setting_is_reported(run: Run, posted: Slack) -> None:
    run("compnay: Acme\n")
    assert len(posted.accepted) == 1
    assert "compnay" in posted.sections()[0]


def test_a_missing_file_is_reported_once_a_day_under_the_name_of_the_company(run: Run, posted: Slack) -> None:
    settings = "company: Acme\nwarehouse: w.duckdb\npublished: p.duckdb\nsources: {accounts: {path: nowhere.csv}}\n"
    assert "no file matches" in run(settings)
    run(settings)
    assert [message["text"] for message in posted.accepted] == ["Acme: The run did not start"]
    assert "sources.accounts.path: no file matches" in posted.sections()[0]


def test_without_the_option_nobody_is_notified(run: Run, posted: Slack) -> None:
    run("compnay: Acme\n", "--as-of", "2025-01-31")
    assert posted.posts == []


def test_the_error_is_shown_even_if_slack_cannot_be_notified(
    run: Run, posted: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted.answers = [(403, {})]
    assert "Slack was not notified: HTTP 403" in run("compnay: Acme\n")
    monkeypatch.setenv(WEBHOOK_VARIABLE, f"file:///{SECRET}")
    said = run("compnay: Acme\n")
    assert "is not a URL" in said
    assert "compnay" in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("https://me:pw@host/accounts.csv: cannot be read", "https://***@host/accounts.csv: cannot be read"),
        ("https://host/a.csv?sig=abc&t=1: cannot be read", "https://host/a.csv?*** cannot be read"),
        ("slack: https://hooks.slack.com/services/T0/B0/abc", "slack: https://hooks.slack.com/***"),
        ("/exports/a@b.csv: cannot be read", "/exports/a@b.csv: cannot be read"),
    ],
)
def test_credentials_in_urls_are_hidden(reason: str, shown: str) -> None:
    assert of_unstarted_run(reason, date(2025, 1, 31)).lines == [shown]


def test_fault_of_the_settings_is_reported_once_by_all_processes_and_again_if_it_was_not_delivered(
    run: Run, posted: Slack, tmp_path: Path
) -> None:
    (tmp_path / "dagster").mkdir()
    posted.answers = [(503, {})]
    for _ in range(3):
        run("compnay: Acme\n")
    assert (len(posted.posts), len(posted.accepted)) == (2, 1)
    run("compnay: Bcme\ncountry: x\n")
    assert len(posted.accepted) == 2
