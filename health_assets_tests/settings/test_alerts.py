from pathlib import Path
from typing import Any

import pytest

from health_assets import settings
from health_assets.settings import SettingsError
from health_assets_tests.frames import settings_of


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"default_channel": "cs"}, "default_channel: 'cs' is not among the channels"),
        ({"channels": {"cs": {"slack": "https://hooks.slack.com/x"}}}, "give env:NAME of an environment variable"),
        ({"channels": {"cs": {}}}, "needs exactly one of slack, bot, webhook and apprise"),
        ({"channels": {"cs": {"slack": "env:A", "secret": "env:B"}}}, "secret: only a webhook is signed"),
        ({"channels": {"cs": {"bot": "env:A"}}}, "to: a bot needs the ID of the Slack channel"),
        ({"channels": {"cs": {"slack": "env:A", "to": "C1"}}}, "to: only a bot posts to a channel by its ID"),
        ({"channels": {"cs": {"slack": "env:A", "timezone": "Berlin"}}}, "'Berlin' is not a time zone"),
        ({"routes": [{"channels": ["default"], "rules": ["incidnt"]}]}, "did you mean 'incident'?"),
        ({"routes": [{"channels": ["security"]}]}, "routes.0.channels: 'security' is not among the channels"),
        ({"rules": {"incident": {"channel": "x"}}}, "rules.incident.channel: 'x' is not among the channels"),
        (
            {"rules": {"risklevel": {"severity": "info"}}},
            "rules.risklevel: needs a `factor`; did you mean 'risk_level'?",
        ),
        ({"rules": {"churned": {"factor": "usage_halved"}}}, "rules.churned: watches no churn factor"),
        ({"rules": {"mine": {"severity": "info", "factor": "usage_halfed"}}}, "did you mean 'usage_halved'?"),
        ({"rules": {"churned": {"severity": "high"}}}, "alerts.rules.churned.severity"),
        ({"weekly": {"owners": {"Lena": "mail"}}}, "weekly.owners.Lena: 'mail' is not among the channels"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(tmp_path, alerts=given)
    assert message in str(refused.value)


def test_a_channel_is_replaced_whole_and_the_others_stay(tmp_path: Path) -> None:
    given = settings_of(tmp_path, alerts={"channels": {"default": {"webhook": "env:A"}, "cs": {"slack": "env:B"}}})
    assert {name: (one.slack, one.webhook) for name, one in given.alerts.channels.items()} == {
        "default": (None, "env:A"),
        "cs": ("env:B", None),
    }


def test_one_key_of_a_rule_keeps_the_others(tmp_path: Path) -> None:
    rule = settings_of(tmp_path, alerts={"rules": {"usage_halved": {"mrr_from": 500}}}).alerts.rules["usage_halved"]
    assert (rule.mrr_from, rule.factor, rule.severity) == (500, "usage_halved", "warning")


@pytest.mark.parametrize("written", ["22:00", "07:30"])
def test_a_time_of_day_may_be_written_without_quotes(tmp_path: Path, written: str) -> None:
    file = tmp_path / "settings.yml"
    settings_of(tmp_path)
    quiet = f"alerts: {{channels: {{cs: {{slack: 'env:A', quiet_hours: {{start: {written}, end: 06:00}}}}}}}}"
    file.write_text(file.read_text() + quiet + "\n")
    assert f"{settings.load(file).alerts.channels['cs'].quiet_hours.start:%H:%M}" == written


def test_a_link_needs_the_place_of_the_account(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"needs \{account_id\}"):
        settings_of(tmp_path, links={"account": "https://crm.example.com/"})
