import csv
import re
import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from health_assets import settings
from health_assets.alerts import WEBHOOK_VARIABLE, AlertError, alert, deliver_due, store_of
from health_assets.alerts.data_alerts import of_stale_sources
from health_assets.alerts.outbox import Outbox
from health_assets.settings import Settings
from health_assets.settings.alerts import QuietHours
from health_assets.settings.notes import alert_history
from health_assets.settings.scorecard import ScorecardFor
from health_assets.settings.source import Source
from health_assets.sources.account_notes import append
from health_assets.warehouse.snapshot import SnapshotError
from health_assets_tests.frames import files_of
from health_assets_tests.loopback_slack import SECRET, Publish, Slack, account, with_alerts

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2025, 1, day) for day in (27, 28, 29, 30))


def test_the_first_run_saves_the_levels_and_alerts_nobody(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1", "critical", "critical")])
    outcome = alert(company)
    assert outcome.is_first
    assert (outcome.delivered, outcome.text, posted.posts) == (0, "", [])


def test_a_change_is_delivered_once_with_its_reasons(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1"), account("A2", "high"), account("A3", "high"), account("A4")])
    alert(company)
    reasons = [(10.0, "lesser"), (20.0, "greater")]  # points
    now = [account("A2", "critical", attention_rank=1), account("A3", "low"), account("A4", "medium")]
    publish(TUESDAY, [account("A1", "high", reasons=reasons, attention_rank=2), *now])
    outcome = alert(company)
    assert (outcome.changed, outcome.better, outcome.listed, outcome.delivered, outcome.pending) == (3, 1, 2, 3, 0)
    assert len(posted.posts) == 1
    worsened, entered, better = posted.sections()
    assert "Churn risk is now high, was low until 27 January" in entered
    assert entered.index("greater") < entered.index("lesser")
    assert "Churn risk is now critical, was high until 27 January" in worsened
    assert "Recovered: health is 50 (healthy), churn risk is low" in better
    again = alert(company)
    assert (again.delivered, again.text, len(posted.posts)) == (0, "", 1)


def test_a_rerun_of_the_day_with_other_figures_alerts_nobody_and_the_next_day_does(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(MONDAY, [account("A1", "high")])
    assert alert(company).delivered == 0
    publish(TUESDAY, [account("A1", "high")])
    assert alert(company).delivered == 1


def test_a_backfill_alerts_nobody_and_changes_no_level(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(TUESDAY, [account("A1", "high")])
    alert(company)
    publish(MONDAY, [account("A1", "low")])
    alert(company)
    publish(WEDNESDAY, [account("A1", "high")])
    alert(company)
    assert posted.posts == []


def test_a_level_that_is_unknown_for_a_day_is_no_change(company: Settings, publish: Publish, posted: Slack) -> None:
    for day, level in ((MONDAY, "high"), (TUESDAY, "unknown"), (WEDNESDAY, "high")):
        publish(day, [account("A1", level, None if level == "unknown" else "at_risk"), account("A2")])
        alert(company)
    assert posted.posts == []


def test_an_account_around_a_limit_is_reported_when_it_has_been_better_for_three_days(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    patient = with_alerts(company, rules=settings.load().alerts.rules)
    for day, level in enumerate(["high", "low", "high", "medium", "medium", "medium"]):
        publish(MONDAY + timedelta(days=day), [account("A1", level)])
        alert(patient)
        alert(patient)
    assert posted.posts == []
    publish(MONDAY + timedelta(days=6), [account("A1", "low")])
    assert (alert(patient, dry_run=True).better, alert(patient).delivered, alert(patient).delivered) == (1, 1, 0)
    assert "Recovered: " in posted.sections()[0]


def test_another_scorecard_ends_the_wait(company: Settings, publish: Publish, posted: Slack) -> None:
    patient = with_alerts(company, rules=settings.load().alerts.rules)
    for day, (level, version) in enumerate([("high", "1"), ("low", "1"), ("low", "2"), ("low", "2"), ("low", "2")]):
        publish(MONDAY + timedelta(days=day), [account("A1", level)], version=version)
        alert(patient)
    assert posted.posts == []


def test_a_new_account_at_an_alarming_level_is_reported(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1"), account("A2", "high"), account("A3")])
    assert alert(company).changed == 1
    assert "\nChurn risk is now high\n" in posted.sections()[0]


def test_a_rule_whose_source_is_connected_later_first_saves_the_levels(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1", "low", None)])
    alert(company)
    publish(TUESDAY, [account("A1", "low", "critical")])
    alert(company)
    assert posted.posts == []
    publish(WEDNESDAY, [account("A1", "low", "healthy")])
    assert alert(company).better == 1


def test_another_scorecard_is_no_change_of_an_account(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1", "low"), account("A2", "high")])
    alert(company)
    publish(TUESDAY, [account("A1", "critical"), account("A2", "low")], version="2")
    assert (alert(company).delivered, posted.posts) == (0, [])
    publish(TUESDAY + timedelta(days=1), [account("A1", "low"), account("A2", "low")], version="2")
    assert (alert(company).better, len(posted.posts)) == (1, 1)


def test_a_rerun_of_the_day_with_another_scorecard_saves_the_new_levels(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1", "low")])
    alert(company)
    publish(MONDAY, [account("A1", "high")], version="2")
    alert(company)
    publish(TUESDAY, [account("A1", "high")], version="2")
    assert (alert(company).delivered, posted.posts) == (0, [])


@pytest.mark.parametrize("level", ["high", "low"])
def test_a_churned_account_is_reported_once(company: Settings, publish: Publish, posted: Slack, level: str) -> None:
    publish(MONDAY, [account("A1", level, None), account("A2", "low", None)])
    alert(company)
    for day in (TUESDAY, TUESDAY + timedelta(days=1)):
        publish(day, [account("A1", None, None, account_status="churned", mrr=0.0), account("A2", "low", None)])
        alert(company)
    (section,) = posted.sections()
    assert section.split("\n")[1] == "Churned"
    assert posted.accepted[0]["text"] == "1 account churned: Company A1"
    publish(TUESDAY + timedelta(days=2), [account("A1", "high", None), account("A2", "low", None)])
    assert alert(company).changed == 1  # it came back


def test_a_stale_source_is_reported_once_until_it_has_a_new_row(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    silent = MONDAY - timedelta(days=9)
    for day in range(3):
        publish(
            MONDAY + timedelta(days=day), [account("A1")], sources=[("usage_events", silent, 7), ("nps", silent, None)]
        )
        alert(company)
    (message,) = posted.accepted
    assert message["blocks"][0]["text"]["text"] == "usage_events is stale"
    publish(TUESDAY + timedelta(days=30), [account("A1")], sources=[("usage_events", TUESDAY, 7)])
    assert alert(company).data_alerts == 1


def test_a_state_file_of_the_first_version_is_migrated(company: Settings, publish: Publish, posted: Slack) -> None:
    with sqlite3.connect(company.warehouse.with_name("alerts.sqlite")) as old:
        old.execute("create table rules (rule text primary key, as_of_date text not null)")
        old.execute(
            "create table levels (account_id text, rule text, level text not null, as_of_date text not null, "
            "primary key (account_id, rule))"
        )
        old.execute("insert into rules values ('risk_level', '2025-01-27')")
        old.execute("insert into levels values ('A1', 'risk_level', 'low', '2025-01-27')")
        old.execute("insert into levels values ('A2', 'risk_level', 'high', '2025-01-27')")
    publish(TUESDAY, [account("A1", "high"), account("A2", "low")])
    outcome = alert(company)
    assert (outcome.changed, outcome.better) == (2, 1)


def test_what_slack_does_not_accept_stays_pending_for_the_next_run(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    posted.answers = [(500, {})]
    outcome = alert(company)
    assert (outcome.delivered, outcome.pending, outcome.failure, len(posted.posts)) == (0, 1, "default: HTTP 500", 1)
    publish(WEDNESDAY, [account("A1", "critical")])
    outcome = alert(company)
    assert (outcome.delivered, outcome.pending, len(posted.accepted)) == (2, 0, 1)
    lines = posted.sections()[0].split("\n")
    assert lines[1] == "Churn risk is now critical, was high until 28 January"
    assert "28 January: Churn risk is now high, was low until 27 January" in lines


def test_a_message_that_slack_rejects_does_not_block_the_others(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")], sources=[("usage_events", MONDAY - timedelta(days=9), 7)])
    posted.answers = [(400, {})]  # to the data alert, which goes first
    outcome = alert(company)
    assert (outcome.delivered, outcome.pending, outcome.failure) == (1, 0, "default: HTTP 400")
    assert "Company A1" in posted.sections()[0]


def test_two_alert_runs_at_once_post_once(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    runs = [threading.Thread(target=alert, args=(company,)) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(posted.posts) == 1


def test_a_dry_run_shows_and_changes_nothing(company: Settings, publish: Publish, posted: Slack) -> None:
    store = company.warehouse.with_name("alerts.sqlite")
    publish(MONDAY, [account("A1")])
    assert alert(company, dry_run=True).is_first
    assert not store.exists()
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    before = files_of(store.parent)
    shown = alert(company, dry_run=True)
    assert (shown.changed, shown.delivered, shown.pending, posted.posts) == (1, 0, 1, [])
    assert files_of(store.parent) == before
    assert "Churn risk is now high" in shown.text
    assert alert(company).delivered == 1


def test_a_dry_run_shows_what_is_held_and_every_summary_says_until_when(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    now = datetime.now(UTC)
    quiet = QuietHours(
        start=now.time().replace(tzinfo=None), end=(now - timedelta(hours=1)).time().replace(tzinfo=None)
    )
    channel = company.alerts.channels["default"].model_copy(update={"quiet_hours": quiet})
    closed = with_alerts(company, channels={"default": channel})
    for day, level in ((MONDAY, "low"), (TUESDAY, "high")):
        publish(day, [account("A1", level)])
        shown = alert(closed, dry_run=True)
        outcome = alert(closed)
    assert shown.text.startswith("Held until ")
    assert "Churn risk is now high" in shown.text
    for later in (shown, outcome, alert(closed)):
        assert re.search(r"0 delivered, 0 pending, 1 held until \w+, .* UTC \(quiet hours\)$", later.summary())
    assert posted.posts == []
    assert alert(company).delivered == 1  # the quiet hours are gone from the settings


def test_without_a_webhook_the_text_is_returned(
    company: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK_VARIABLE, raising=False)
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high", company_name="<b>A & B</b>")])
    outcome = alert(company)
    assert (outcome.has_webhook, outcome.delivered) == (False, 1)
    assert outcome.text.split("\n") == [
        "1 account changed, USD 1,200 MRR",
        "",
        "- <b>A & B</b> · USD 1,200 MRR",
        "Churn risk is now high, was low until 27 January",
        "• Usage halved: 40 events after 100",
        "Owner: Ada",
        "",
        "Acme & Sons · as of 28 January · 0 accounts on the attention list",
    ]
    assert alert(company).text == ""


def test_the_url_is_in_no_outcome_no_log_and_no_file(
    company: Settings,
    publish: Publish,
    posted: Slack,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level("DEBUG")
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    posted.answers = [(500, {})]
    outcomes = [alert(company), alert(company)]
    assert [outcome.delivered for outcome in outcomes] == [0, 1]
    assert SECRET not in repr(outcomes) + "".join(outcome.summary() for outcome in outcomes) + caplog.text
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"hooks.slack.com/{SECRET}", "is not a URL"),
        (f"https://hooks.slack.com/ {SECRET}", "is not a URL"),
        (f"https://[{SECRET}", "is not a URL"),
        (f"file:///{SECRET}", "is not a URL"),
        (f"http://hooks.slack.com/{SECRET}", "is not encrypted"),
    ],
)
def test_an_address_that_cannot_be_used_leaves_alerts_pending_and_is_not_repeated(
    company: Settings, publish: Publish, monkeypatch: pytest.MonkeyPatch, url: str, why: str
) -> None:
    monkeypatch.setenv(WEBHOOK_VARIABLE, url)
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    outcome = alert(company)
    assert (outcome.delivered, outcome.pending) == (0, 1)
    assert why in outcome.failure
    assert SECRET not in repr(outcome)


def test_without_a_snapshot_the_message_says_what_to_do(company: Settings, posted: Slack) -> None:
    with pytest.raises(SnapshotError, match="health-assets run"):
        alert(company)


def test_a_damaged_state_file_is_rejected_with_the_remedy(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    company.warehouse.with_name("alerts.sqlite").write_bytes(b"not a database, but long enough to look like one" * 99)
    with pytest.raises(AlertError, match="The file is damaged: restore a copy"):
        alert(company)


def test_state_and_outbox_live_in_one_file_with_wal(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    with sqlite3.connect(company.warehouse.with_name("alerts.sqlite")) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        tables = connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall()
    assert tables == [("channels",), ("levels",), ("outbox",), ("reported",), ("rules",), ("threads",)]


LEVELS = st.lists(st.sampled_from(["low", "medium", "high", "critical", "unknown"]), min_size=3, max_size=3)


@pytest.mark.slow
@given(days=st.lists(LEVELS, min_size=2, max_size=4), repeats=st.integers(2, 3))
@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_input_given_again_is_never_posted_again(
    company: Settings, publish: Publish, posted: Slack, days: list[list[str]], repeats: int
) -> None:
    store = company.warehouse.with_name("alerts.sqlite")
    for file in store.parent.glob("alerts.sqlite*"):
        file.unlink()
    for number, levels in enumerate(days):
        publish(MONDAY + timedelta(days=number), [account(f"A{n}", level) for n, level in enumerate(levels)])
        before = len(posted.posts)
        found = alert(company)
        assert len(posted.posts) - before == (found.delivered > 0)
        for _ in range(repeats):
            assert alert(company).delivered == 0
        assert len(posted.posts) - before == (found.delivered > 0)
    with Outbox.opened(store) as outbox:
        assert outbox.pending() == []


CALM = {"flags": [False] * 4, "late_reasons": None, "incidents": [], "ratings": [(date(2025, 1, 2), 8)], "breached": []}
OLD = {"incidents": [(date(2024, 12, 1), "malware")], "breached": [(datetime(2024, 12, 1, 9), "bug")]}
TROUBLE = {
    "flags": [True, False, False, True],
    "late_reasons": "3 late payments (threshold: 2)",
    "incidents": [(TUESDAY, "malware")],
    "breached": [(datetime(2025, 1, 28, 9), "bug")],
    "ratings": [(TUESDAY, 5)],
    "renewal": "Renews in 30 days (threshold: 90) at a health score of 50, below 60",
    "days_to_renewal": 30,
}
EXPECTED = {
    "incident": "Critical security incident, malware, answered after 3 min on 28 January",
    "sla_breach": "P1 ticket A1-2025-01-28 09∶00:00 (bug) passed its target of 4 hours on 28 January",
    "detractor": "NPS rating 5 on 28 January",
    "renewal": "Renews in 30 days at a health score of 50, below 60",
    "workflow": "December 2024: lower volume, more denials",
    "shop": "3 late payments",
}


@pytest.mark.parametrize("rule", EXPECTED)
def test_each_trouble_is_reported_once_with_its_reason(
    company: Settings, publish: Publish, posted: Slack, rule: str
) -> None:
    only = {name: one.model_copy(update={"is_on": name == rule}) for name, one in company.alerts.rules.items()}
    watched = with_alerts(company, rules=only)
    publish(MONDAY, [account("A1", **CALM), account("A2", **CALM | OLD)])
    assert alert(watched).is_first
    for day in (TUESDAY, WEDNESDAY):
        publish(day, [account("A1", **TROUBLE), account("A2", **CALM | OLD)])
        alert(watched)
    (section,) = posted.sections()
    assert section.split("\n")[1] == EXPECTED[rule]


def test_all_troubles_of_a_day_are_one_alert_with_the_gravest_first(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1", **CALM), account("A2", **CALM | OLD)])
    alert(company)
    publish(TUESDAY, [account("A1", **TROUBLE), account("A2", **CALM | OLD)])
    assert alert(company).changed == 1
    lines = posted.sections()[0].split("\n")
    assert lines[1] == EXPECTED["incident"]
    assert lines[2:5] == [f"• {EXPECTED[rule]}" for rule in ("renewal", "sla_breach", "detractor")]


def test_a_source_that_is_connected_later_alerts_nobody_at_first(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", **TROUBLE | {"renewal": None})])
    alert(company)
    assert posted.posts == []


def test_weak_areas_are_worded_as_in_the_attention_list(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    measures = [("usage", "days_since_last_login", 40.0, 20.0), ("revenue", "overdue_invoice_count", 1.0, 94.3)]
    publish(TUESDAY, [account("A1", "high", reasons=[], measures=measures)])
    alert(company)
    assert "• Weakest: usage 20 (no login for 40 days)\n" in posted.sections()[0]


def test_a_churned_account_is_shown_with_what_it_paid(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1", "high", "critical"), account("A2", "high"), account("A3", "high")])
    alert(company)
    gone = {"account_status": "churned", "mrr": 0.0, "churn_date": TUESDAY}
    accounts = [account("A1", None, None, mrr_lost=200.0, **gone), account("A2", None, None, **gone), account("A3")]
    publish(TUESDAY, accounts)
    outcome = alert(company)
    assert "3 accounts changed (2 churned, 1 recovered or renewed), 0 on the attention list;" in outcome.summary()
    paid, unknown, _ = posted.sections()
    assert paid.startswith(":red_circle: *Company A1* · paid USD 200 MRR\nChurned on 28 January\n")
    assert unknown.startswith(":red_circle: *Company A2* · MRR unknown\n")
    assert "3 accounts changed (2 churned, 1 recovered), USD 1,400 MRR" in outcome.text


def test_a_churned_account_is_not_reported_under_every_rule(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1", **CALM), account("A2", **CALM | OLD)])
    alert(company)
    publish(TUESDAY, [account("A1", None, None, account_status="churned", **TROUBLE), account("A2", **CALM | OLD)])
    alert(company)
    assert posted.sections()[0].split("\n")[1:] == ["Churned", "Owner: Ada"]


# -- renewals ---------------------------------------------------------------------------------------------------------

NEAR = {"renewal": TROUBLE["renewal"], "days_to_renewal": 30}


def test_a_renewal_that_was_in_danger_and_took_place_is_reported(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    for day, renewal in ((MONDAY, {}), (TUESDAY, NEAR), (WEDNESDAY, {"days_to_renewal": 365})):
        publish(day, [account("A1", **renewal)])
        alert(company)
    assert posted.sections()[-1].split("\n")[1] == "Renewed; the next renewal is in 365 days"


def test_a_condition_that_cannot_be_measured_is_no_change(company: Settings, publish: Publish, posted: Slack) -> None:
    for day, renewal in ((MONDAY, NEAR), (TUESDAY, {"unmeasured": ["renewal_near"]}), (WEDNESDAY, NEAR)):
        publish(day, [account("A1", **renewal)])
        alert(company)
    assert posted.posts == []


def test_a_source_that_could_not_be_pulled_is_reported_with_the_last_day_that_is_complete() -> None:
    day = date(2025, 1, 29)
    (alert,) = of_stale_sources([("subscriptions", date(2025, 1, 28), 0), ("invoices", day, 0)], day)
    assert alert.lines == ["It could not be pulled from its API, and is complete up to 28 January, 1 day ago"]
    assert "health-assets doctor" in alert.remedy


# -- stale sources and silences ---------------------------------------------------------------------------------------


def test_while_a_source_is_stale_the_alerts_of_its_rules_wait_and_go_out_later_if_still_true(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    fed = company.model_copy(update={"sources": {"usage_events": Source(path="events.csv")}})
    stale = [("usage_events", MONDAY - timedelta(days=8), 7)]
    publish(MONDAY, [account("A1"), account("A2")])
    alert(fed)
    publish(TUESDAY, [account("A1", "high"), account("A2", "high")], sources=stale)
    outcome = alert(fed)
    assert (outcome.changed, outcome.held, outcome.delivered) == (2, {"while usage_events is stale": 2}, 0)
    publish(WEDNESDAY, [account("A1", "high"), account("A2", "high")], sources=stale)
    assert alert(fed).delivered == 0
    (message,) = posted.accepted
    assert message["blocks"][0]["text"]["text"] == "usage_events is stale"
    assert "Alerts about accounts wait meanwhile: health_band, high_value" in posted.sections()[0]
    publish(THURSDAY, [account("A1", "high"), account("A2", "low")], sources=[("usage_events", WEDNESDAY, 7)])
    assert alert(fed).delivered == 1
    assert "Company A1" in posted.sections()[-1]
    with Outbox.opened(store_of(fed)) as outbox:
        assert outbox.held() == []


def test_a_rule_that_does_not_read_the_stale_source_is_not_held(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    fed = company.model_copy(update={"sources": {"usage_events": Source(path="events.csv")}})
    publish(MONDAY, [account("A1", **CALM | OLD)])
    alert(fed)
    stale = [("usage_events", MONDAY - timedelta(days=8), 7)]
    publish(TUESDAY, [account("A1", **CALM | {"incidents": [(TUESDAY, "malware")]})], sources=stale)
    assert (alert(fed).held, len(posted.accepted)) == ({}, 2)


def test_an_alert_about_a_silenced_account_is_kept_and_not_posted(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    today = datetime.now(UTC).date()
    row = {"account_id": "A1", "valid_from": today, "expiry_date": today, "reason": "in talks", "author": "Lena"}
    append(company.notes, "silences", row)
    publish(MONDAY, [account("A1"), account("A2")])
    alert(company)
    publish(TUESDAY, [account("A1", "high"), account("A2", "high")])
    outcome = alert(company)
    assert (outcome.changed, outcome.silenced, outcome.delivered) == (2, 1, 1)
    assert "Company A2" in posted.sections()[0]


def test_an_alert_that_waits_for_the_morning_is_not_posted_when_its_account_is_silenced_meanwhile(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    for day, level in ((MONDAY, "low"), (TUESDAY, "high")):
        publish(day, [account("A1", level), account("A2", level)])
        with Outbox.opened(store_of(company)) as outbox:
            outbox.connection.execute("update channels set next_attempt_at = null")
        posted.answers = [(503, {})]
        alert(company)
    with Outbox.opened(store_of(company)) as outbox:
        outbox.connection.execute("update outbox set state = 'held', held_until = '2025-01-29T07:30:00.000+00:00'")
    today = datetime.now(UTC).date()
    row = {"account_id": "A1", "valid_from": today, "expiry_date": today, "reason": "in talks", "author": "Lena"}
    append(company.notes, "silences", row)
    posted.answers = []
    deliver_due(company)
    assert ["Company A2" in section for section in posted.sections()] == [True]
    with Outbox.opened(store_of(company)) as outbox:
        assert {one.account_id: one.state for one in outbox.entries()} == {"A1": "silenced", "A2": "delivered"}


def test_the_alerts_are_left_for_the_next_run(company: Settings, publish: Publish, posted: Slack) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    alert(company)
    with alert_history(company.warehouse).open(newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert (row["account_id"], row["alert_date"], row["rule"], row["state"]) == (
        "A1",
        "2025-01-28",
        "risk_level",
        "delivered",
    )
    assert row["news"] == "Churn risk is now high, was low until 27 January"


def test_alerts_stay_for_the_next_run_when_the_alert_state_is_gone(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    publish(MONDAY, [account("A1")])
    alert(company)
    publish(TUESDAY, [account("A1", "high")])
    alert(company)
    kept = alert_history(company.warehouse).read_text()
    store_of(company).unlink()
    alert(company)
    assert alert_history(company.warehouse).read_text() == kept


def scorecards_of(company: Settings, **given: object) -> Settings:
    """The company with a scorecard `traffic` whose bands are called green, yellow and red, of which two are low."""
    bands = {"bands": {"green": 70.0, "yellow": 40.0, "red": 0.0}, "low_bands": ["yellow", "red"]}
    traffic = company.scorecards["standard"].model_copy(update=bands)
    return company.model_copy(update={"scorecards": company.scorecards | {"traffic": traffic}} | given)


def test_a_low_band_of_any_name_is_alarming(company: Settings, publish: Publish, posted: Slack) -> None:
    free = scorecards_of(company, scorecard="traffic")
    for day, band in ((MONDAY, "green"), (TUESDAY, "yellow"), (WEDNESDAY, "red"), (THURSDAY, "green")):
        publish(day, [account("A1", "low", band, scorecard="traffic")])
        alert(free)
    assert [section.splitlines()[1].split(",")[0] for section in posted.sections()] == [
        "Health is now yellow (50)",
        "Health is now red (50)",
        "Recovered: health is 50 (green)",
    ]


def test_an_account_of_another_scorecard_is_reported_by_the_bands_of_that_scorecard(
    company: Settings, publish: Publish, posted: Slack
) -> None:
    choice = ScorecardFor(scorecard="traffic", accounts="segment = 'smb'")
    both = scorecards_of(company, scorecards_for=[choice])
    for day, band in ((MONDAY, "green"), (TUESDAY, "red")):
        publish(day, [account("A1", "low", band, scorecard="traffic"), account("A2", "low", "healthy")])
        alert(both)
    (section,) = posted.sections()
    assert "Health is now red (50)" in section


@pytest.mark.parametrize(("connected", "count"), [("payments", 1), ("subscriptions", 0)])
def test_flags_of_a_shop_are_reported_only_where_no_subscriptions_are_connected(
    company: Settings, publish: Publish, posted: Slack, connected: str, count: int
) -> None:
    shop = company.model_copy(update={"sources": {connected: Source(path="file.csv")}})
    publish(MONDAY, [account("A1", late_reasons=None)])
    alert(shop)
    publish(TUESDAY, [account("A1", late_reasons="3 late payments (threshold: 2)")])
    assert alert(shop).changed == count


def test_a_day_without_a_change_is_summed_up_as_that(company: Settings, publish: Publish, posted: Slack) -> None:
    for day in (MONDAY, TUESDAY):
        publish(day, [account("A1", "high", "critical")])
        outcome = alert(company)
    assert (
        outcome.summary()
        == f"As of {TUESDAY}: no account has changed since the last alerts, 0 on the attention list; 0 delivered, 0 pending"
    )
