"""`health-assets alerts` and what belongs to it."""

import json
from datetime import date

import pytest

from health_assets.alerts import alert, store_of
from health_assets.alerts.entry import State
from health_assets.alerts.outbox import Outbox
from health_assets.cli.terminal import console
from health_assets.settings import Settings
from health_assets_tests.conftest import said_by
from health_assets_tests.loopback_slack import SECRET, Publish, Slack, account
from health_assets_tests.loopback_slack_api import TEAM, SlackApi

MONDAY, TUESDAY = date(2025, 1, 27), date(2025, 1, 28)


@pytest.fixture
def file(company: Settings, publish: Publish, posted: Slack, monkeypatch: pytest.MonkeyPatch) -> str:
    """The settings of a company with one account that got worse since the last alert run."""
    monkeypatch.setattr(console, "width", 200)
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high", company_name="[red]Acme[/red]")])
    return str(company.warehouse.with_name("settings.yml"))


def test_dead_alert_is_listed_with_the_reason_and_delivered_by_retry(
    company: Settings, file: str, posted: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 200)
    posted.answers = [(404, {}), (404, {})]
    assert said_by("alerts", "--settings", file).exit_code == 1
    listed = said_by("alerts", "list", "--settings", file, "--state", "dead")
    assert "A1" in listed.output
    assert "Churn risk is now high" in listed.output
    assert "HTTP 404" in listed.output
    again = said_by("alerts", "retry", "--settings", file)
    assert (again.exit_code, again.output) == (0, "2 alerts delivered\n")
    with Outbox.copied(store_of(company)) as outbox:
        assert {one.state for one in outbox.entries()} == {State.delivered}


def test_bot_is_listed_with_its_threads_and_gets_samples(
    company: Settings, publish: Publish, slack_api: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 200)
    file = company.warehouse.with_name("settings.yml")
    given = json.loads(file.read_text())
    given["alerts"]["channels"] = {"default": {"bot": "env:BOT_TOKEN", "to": TEAM}}
    file.write_text(json.dumps(given))
    for day, level in ((MONDAY, "low"), (TUESDAY, "high")):
        publish(day, [account("A1", level)])
        assert said_by("alerts", "--settings", str(file)).exit_code == 0
    assert "its thread is open" in said_by("alerts", "list", "--settings", str(file)).output
    assert said_by("alerts", "test", "--settings", str(file)).output == "default: ok\n"
    slack_api.channels.clear()
    said = said_by("alerts", "test", "--settings", str(file))
    assert (said.exit_code, said.output[:41]) == (1, "default: error channel_not_found: `to` is")


def test_unknown_state_is_refused_with_a_suggestion(file: str) -> None:
    said = said_by("alerts", "list", "--settings", file, "--state", "ded")
    assert said.exit_code == 1
    assert "did you mean 'dead'?" in said.output


def test_sample_goes_to_each_channel_and_is_kept_nowhere(company: Settings, file: str, posted: Slack) -> None:
    assert said_by("alerts", "test", "--settings", file).output == "default: ok\n"
    posted.answers = [(403, {})]
    said = said_by("alerts", "test", "--settings", file)
    assert (said.exit_code, said.output) == (1, "default: error HTTP 403\n")
    assert "Test message" in posted.posts[0]["text"]
    with Outbox.copied(store_of(company)) as outbox:
        assert outbox.entries() == []


def test_markup_in_a_name_is_printed_as_it_is(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_WEBHOOK_URL")
    said = said_by("alerts", "--settings", file)
    assert "[red]Acme[/red]" in said.output
    assert SECRET not in said.output
