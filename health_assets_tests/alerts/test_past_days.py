"""Past days are read as the alert run would have read them: on the as-of day both agree."""

from dataclasses import replace
from datetime import timedelta

import pytest

from health_assets.alerts.level_state import first_passed_day
from health_assets.alerts.levels import read_published
from health_assets.alerts.past_days import passed_days, past_days
from health_assets.alerts.recording import recorded
from health_assets.alerts.rules import CHURNED, rules_of
from health_assets.alerts.state_file import in_memory
from health_assets.reporting.reader import published
from health_assets_tests.conftest import END, WholeCompany, said_by

pytestmark = pytest.mark.slow


def test_the_as_of_day_is_read_from_its_facts_as_from_the_marts(whole_company: WholeCompany) -> None:
    settings = whole_company.settings
    today = read_published(settings)
    with published(settings) as connection:
        (replayed,) = past_days(connection, settings, END, END)
    then = {account.account_id: account for account in replayed.accounts}
    assert {account.account_id for account in today.accounts if CHURNED in account.readings} == set(then)
    for account in today.accounts:
        if account.account_id in then:
            past = then[account.account_id]
            known = {rule: reading for rule, reading in account.readings.items() if rule != "shop"}
            reasons = [
                reason for reason in account.reasons if reason[0] != "weakest"
            ]  # parts are kept of the as-of day alone
            comparable = replace(account, attention=None, events={}, readings=known, reasons=reasons)
            assert comparable == replace(past, attention=None, events={})
            assert {rule: list(events) for rule, events in account.events.items()} == {
                rule: [one for one in events if one.day > END - timedelta(days=settings.alerts.event_days)]
                for rule, events in past.events.items()
            }


def test_days_are_the_same_however_many_are_read_at_once(
    whole_company: WholeCompany, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = END - timedelta(days=4)
    with published(whole_company.settings) as connection:
        at_once = list(past_days(connection, whole_company.settings, first, END))
        monkeypatch.setattr("health_assets.alerts.past_days.ROWS_AT_ONCE", 80)  # two days of 40 accounts
        in_parts = list(past_days(connection, whole_company.settings, first, END))
    assert [day.as_of_date for day in in_parts] == [first + timedelta(days=number) for number in range(5)]
    assert in_parts == at_once


def test_a_period_is_replayed_with_its_figures(whole_company: WholeCompany) -> None:
    file = str(whole_company.folder / "demo" / "settings.yml")
    said = said_by("alerts", "replay", "--settings", file, "--from", "2024-10-01", "--to", "2024-12-31")
    assert said.exit_code == 0, said.output
    assert "2024-10-01 to 2024-12-31: " in said.output
    said = said_by("alerts", "replay", "--settings", file, "--from", "2020-01-01", "--to", "2020-02-01")
    assert said.exit_code == 1
    assert "the snapshot has no day between 2020-01-01 and 2020-02-01" in said.output


def test_what_is_alarming_after_a_pause_is_what_daily_alert_runs_would_have_reported(
    whole_company: WholeCompany,
) -> None:
    settings = whole_company.settings
    rules = [rule for rule in rules_of(settings) if rule.event_days is None]
    with published(settings) as connection:
        days = list(past_days(connection, settings, END - timedelta(days=16), END))
    with in_memory() as daily, in_memory() as paused:
        for day in days:
            recorded(daily, day, rules, settings)
        recorded(paused, days[0], rules, settings)
        passed = passed_days(settings, first_passed_day(paused, rules, END), END)
        assert [day.as_of_date for day in passed] == [END - timedelta(days=days) for days in range(14, 0, -1)]
        recorded(paused, days[-1], rules, settings, passed)
        now = {(one.account_id, rule, found.level) for one in days[-1].accounts for rule, found in one.readings.items()}
        levels = [set(state.execute("select account_id, rule, level from levels")) & now for state in (daily, paused)]
    assert levels[0] == levels[1]
