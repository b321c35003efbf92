"""The real daemon, sensors and runs against servers on loopback that behave badly: nothing is lost, copies are marked.

The counts that it prints are in docs/alerts.md.
"""

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from health_assets.alerts import WEBHOOK_VARIABLE, alert, deliver_due, store_of, work_left
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry, State
from health_assets.alerts.outbox import Outbox
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets.reporting.formatting import counted
from health_assets.settings import SETTINGS_VARIABLE, Settings, load
from health_assets_tests.faults.conftest import ROOT
from health_assets_tests.faults.served import environment, group_of, seen_within
from health_assets_tests.frames import settings_of
from health_assets_tests.loopback_slack import SECRET, Publish, Slack, account
from health_assets_tests.loopback_slack_api import TEAM, SlackApi

pytestmark = pytest.mark.slow
DAY = date(2025, 1, 31)
PER_CHANNEL = 3
REPEATED = "possibly"  # in the text of a message that may have arrived before

BEHAVIOURS: dict[str, list[tuple[int | str, dict[str, str]]]] = {
    "ok": [],
    "refused": [],
    "429 with seconds": [(429, {"Retry-After": "2"})],
    "429 with a date": [(429, {"Retry-After": "A DATE"})],
    "429 without": [(429, {})],
    "500": [(500, {}), (500, {})],
    "503": [(503, {}), (503, {})],
    "hangs": [("hang", {})],
    "slow drip": [("drip", {})],
    "cut": [("cut", {})],
    "200 with HTML": [(200, {"X-Html": "1"})],
    "301": [(301, {"Location": "http://127.0.0.1:9/"})],
    "400 for one": [(400, {})],
    "404": [(404, {})] * 9,
    "410": [(410, {})] * 9,
}
DEAD = {"400 for one": 1, "404": PER_CHANNEL, "410": PER_CHANNEL}  # rejected for good, and reported
AMBIGUOUS = {"hangs", "slow drip", "cut"}  # sent, and no answer: repeated once


class Channels:
    """A server for each behaviour, as a channel of the settings."""

    def __init__(self) -> None:
        self.servers = {name: Slack() for name in BEHAVIOURS}
        self.default = Slack()
        self.names = {name: f"c{place}" for place, name in enumerate(BEHAVIOURS)}
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
        for name, answers in BEHAVIOURS.items():
            self.servers[name].answers = [
                (status, {key: soon if value == "A DATE" else value for key, value in headers.items()})
                for status, headers in answers
            ]
        self.servers["200 with HTML"].bodies = [b"<html>Sign in</html>"]
        self.servers["refused"].pause()

    def settings(self) -> dict[str, Any]:
        delivery = {"post_seconds": 1.5, "pause_seconds": 0.01, "patience_seconds": 0}
        return {
            "channels": {name: {"slack": f"env:URL_{name}"} for name in self.names.values()},
            "delivery": delivery | {"first_retry_seconds": 2, "longest_retry_seconds": 4},
        }

    def environment(self) -> dict[str, str]:
        urls = {f"URL_{self.names[name]}": server.url for name, server in self.servers.items()}
        return urls | {WEBHOOK_VARIABLE: self.default.url}

    def stop(self) -> None:
        for server in [*self.servers.values(), self.default]:
            server.stop()


@pytest.fixture
def channels() -> Iterator[Channels]:
    made = Channels()
    yield made
    made.stop()


def entry(name: str, channel: str) -> Entry:
    """An alert about an account that makes a message of its own."""
    return Entry(
        id=f"{channel} {name}",
        as_of_date=DAY,
        account_id=name,
        rule="risk_level",
        severity="warning",
        channel=channel,
        body=DataAlert([channel, name], DAY, f"{name} of {channel}", ["line"], "remedy"),
    )


def titles(messages: list[dict[str, Any]]) -> Counter[str]:
    return Counter(message["blocks"][0]["text"]["text"] for message in messages)


def daemon(log: Path, **more: str) -> Any:
    open_instance().dispose()  # as `ui` does: processes that begin together would both create Dagster's tables
    return group_of(
        [sys.executable, "-m", "dagster._daemon", "run", "-m", "health_assets_tests.faults.posting"], log, **more
    )


@pytest.mark.timeout(600)
def test_every_answer_that_slack_may_give_loses_nothing(
    tmp_path: Path, channels: Channels, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    company = settings_of(tmp_path, alerts=channels.settings())
    prepare_home(company)
    with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
        for channel in channels.names.values():
            outbox.add([entry(f"account {number}", channel) for number in range(PER_CHANNEL)])
    more = {SETTINGS_VARIABLE: str(tmp_path / "settings.yml"), **channels.environment()}

    def is_done() -> bool:
        with Outbox.copied(store_of(company)) as outbox:
            return not outbox.pending()

    started = time.monotonic()
    with daemon(tmp_path / "log", **more):
        assert seen_within(120, lambda: len(channels.servers["ok"].accepted) == PER_CHANNEL), (
            tmp_path / "log"
        ).read_text()
        channels.servers["refused"].resume()
        assert seen_within(300, is_done, every=1), (tmp_path / "log").read_text()[-5000:]
    seconds = time.monotonic() - started

    with Outbox.copied(store_of(company)) as outbox:
        entries = outbox.entries()
    table = []
    for name, server in channels.servers.items():
        accepted = titles(server.accepted)
        states = Counter(one.state for one in entries if one.channel == channels.names[name])
        copies = sum(count - 1 for count in accepted.values())
        marked = sum(REPEATED in json.dumps(message).lower() for message in server.posts)
        dead, arrived = states[State.dead], len(accepted)
        table.append((name, PER_CHANNEL, arrived, copies, marked, dead, PER_CHANNEL - arrived - dead))
        assert states[State.delivered] == arrived == PER_CHANNEL - DEAD.get(name, 0), name
        assert dead == DEAD.get(name, 0), name
        assert marked == (name in AMBIGUOUS), name
        assert copies == (name == "slow drip"), name
        assert max(titles(server.posts).values()) <= 3, name
    reported = [message["text"] for message in channels.default.accepted]
    assert len([text for text in reported if "not delivered" in text]) == len(DEAD)
    assert SECRET not in (tmp_path / "log").read_text()
    with capsys.disabled():
        print(f"\n{'answer':18} due delivered repeated marked dead lost   (daemon, {seconds:.0f} s)")
        for name, *counts in table:
            print(f"{name:18}" + "".join(f"{count:>7}" for count in counts))


@pytest.mark.timeout(600)
def test_every_answer_that_a_bot_may_get_loses_nothing(
    tmp_path: Path, slack_api: SlackApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    delivery = {"post_seconds": 1.5, "pause_seconds": 0.01, "patience_seconds": 0, "first_retry_seconds": 2}
    bots = {"default": {"bot": "env:BOT_TOKEN", "to": TEAM}, "wrong": {"bot": "env:BOT_TOKEN", "to": "C0NONE"}}
    company = settings_of(tmp_path, alerts={"channels": bots, "delivery": delivery | {"longest_retry_seconds": 4}})
    prepare_home(company)
    names = [f"account {number}" for number in range(6)]
    with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
        outbox.add([*(entry(name, "default") for name in names), entry("account 6", "wrong")])
    answers: list[tuple[int | str, dict[str, str]]] = [(429, {"Retry-After": "2"}), (503, {}), (301, {}), ("cut", {})]
    slack_api.answers = [*answers, ("hang", {}), (200, {}), (200, {})]
    slack_api.bodies = [b"no"] * 3 + [b"<html>Sign in</html>", b'{"ok": false, "error": "internal_error"}']

    def is_done() -> bool:
        with Outbox.copied(store_of(company)) as outbox:
            return not outbox.pending()

    with daemon(tmp_path / "log", **{SETTINGS_VARIABLE: str(tmp_path / "settings.yml")}):
        assert seen_within(300, is_done, every=1), (tmp_path / "log").read_text()[-5000:]
    with Outbox.copied(store_of(company)) as outbox:
        states = Counter((one.channel, one.state) for one in outbox.entries() if one.account_id)
        (dead,) = outbox.entries(State.dead)
    accepted = titles(slack_api.accepted)
    with capsys.disabled():
        print(f"\nbot: {len(names)} due, {states['default', State.delivered]} delivered, {accepted.total()} accepted")
    assert states == {("default", State.delivered): 6, ("wrong", State.dead): 1}
    assert str(dead.failure).startswith("channel_not_found: `to` is no channel of the workspace")
    assert {f"{name} of default" for name in names} <= set(accepted)
    assert SECRET not in (tmp_path / "log").read_text()


@pytest.mark.timeout(600)
def test_slack_down_for_three_daily_runs_and_back(
    tmp_path: Path,
    company: Settings,
    publish: Publish,
    posted: Slack,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    prepare_home(company)
    names = [f"A{number}" for number in range(12)]
    publish(DAY, [account(name) for name in names])
    alert(company)
    posted.pause()
    more = {SETTINGS_VARIABLE: str(company.warehouse.with_name("settings.yml")), WEBHOOK_VARIABLE: posted.url}
    with daemon(tmp_path / "log", **more):
        for day in range(1, 4):
            bad = names[: day * 4]
            publish(DAY + timedelta(days=day), [account(name, "high" if name in bad else "low") for name in names])
            _materialize(tmp_path)
            assert seen_within(120, lambda count=day * 4: _pending(company) == count), (tmp_path / "log").read_text()[
                -5000:
            ]
        posted.resume()
        assert seen_within(120, lambda: _pending(company) == 0), (tmp_path / "log").read_text()[-5000:]
    named = [set(re.findall(r"Company (A\d+)\b", json.dumps(message["blocks"]))) for message in posted.accepted]
    found = Counter(name for in_one in named for name in in_one)
    with capsys.disabled():
        print(
            f"\nSlack down for 3 daily runs: {len(names)} due, {len(found)} delivered, {sum(found.values()) - len(found)} repeated"
        )
    assert found == dict.fromkeys(names, 1)


def _pending(company: Settings) -> int:
    with Outbox.copied(store_of(company)) as outbox:
        return len(outbox.pending())


def _materialize(folder: Path) -> None:
    """A published snapshot as the sensor sees it."""
    program = (
        "import dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    instance.report_runless_asset_event(dg.AssetMaterialization('published'))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(DAGSTER_HOME=str(folder / "dagster")),
        check=True,
        timeout=120,
    )


@pytest.mark.timeout(300)
def test_a_kill_at_every_step_of_a_delivery_loses_nothing_and_repeats_at_most_once(
    company: Settings, posted: Slack, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(company.warehouse.with_name("settings.yml"))
    due = 0
    for place in ("claiming", "posting", "posted", "marking"):
        for count in (1, 2):
            names = [f"{place} {count} {number}" for number in range(3)]
            due += len(names)
            with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
                outbox.add([entry(name, "default") for name in names])
            killed = subprocess.run(
                [sys.executable, "-m", "health_assets_tests.faults.killed_delivery"],
                cwd=ROOT,
                timeout=120,
                check=False,
                env=environment(FAULT=f"{place} {count}", **{SETTINGS_VARIABLE: file, WEBHOOK_VARIABLE: posted.url}),
            )
            assert killed.returncode == -9
    deliver_due(load(file))
    arrived = titles(posted.accepted)
    marked = [message for message in posted.accepted if REPEATED in json.dumps(message).lower()]
    copies = sum(count - 1 for count in arrived.values())
    with capsys.disabled():
        print(
            f"\n8 kills: {due} due, {len(arrived)} delivered, {copies} repeated, {len(marked)} marked, {due - len(arrived)} lost"
        )
    assert len(arrived) == due
    assert max(arrived.values()) <= 2
    assert {title for title, count in arrived.items() if count == 2} <= set(titles(marked))
    with Outbox.copied(store_of(company)) as outbox:
        assert {one.state for one in outbox.entries()} == {State.delivered}


@pytest.mark.timeout(300)
def test_a_bot_that_is_killed_at_every_step_loses_nothing_and_marks_every_thread_as_resolved(
    company: Settings, publish: Publish, slack_api: SlackApi, capsys: pytest.CaptureFixture[str]
) -> None:
    file = company.warehouse.with_name("settings.yml")
    given = json.loads(file.read_text())
    given["alerts"]["channels"] = {"default": {"bot": "env:BOT_TOKEN", "to": TEAM}}
    file.write_text(json.dumps(given))
    bot, names = load(file), ["A1", "A2", "A3"]

    def killed(fault: str) -> None:
        process = subprocess.run(
            [sys.executable, "-m", "health_assets_tests.faults.killed_delivery"],
            cwd=ROOT,
            timeout=120,
            check=False,
            env=environment(FAULT=fault, **{SETTINGS_VARIABLE: str(file)}),
        )
        assert process.returncode == -9, fault

    faults: list[list[str]] = [
        [],
        ["bot-posting 1", "bot-posted 2"],
        ["bot-posted 1", "bot-resolving 1", "bot-resolved 1"],
    ]
    for day, (level, kills) in enumerate(zip(("low", "high", "low"), faults, strict=True)):
        publish(DAY + timedelta(days=day), [account(name, level) for name in names])
        slack_api.answers = [(503, {})]  # the alert run itself delivers nothing
        alert(bot)
        slack_api.answers = []
        for fault in kills:
            killed(fault)
        deliver_due(bot)
    roots, replies = slack_api.roots(), slack_api.replies()
    arrived = Counter(re.findall(r"Company (A\d)", root["blocks"][0]["text"]["text"])[0] for root in roots)
    marked = sum(REPEATED in json.dumps(message).lower() for message in [*roots, *replies])
    with capsys.disabled():
        print(f"\nbot, 5 kills: {len(roots)} first messages and {len(replies)} replies of 3 accounts, {marked} marked")
    assert set(arrived) == {re.findall(r"Company (A\d)", str(reply["blocks"]))[0] for reply in replies} == set(names)
    answered = {reply["thread_ts"] for reply in replies}
    resolved = {ts for ts, message in slack_api.messages.items() if message["text"].startswith("Resolved")}
    assert resolved == answered
    assert len(resolved) == 3
    assert max(arrived.values()) <= 2
    assert work_left(bot, datetime.now(UTC)) == 0


@pytest.mark.timeout(300)
def test_two_alert_runs_at_once_post_each_message_once(company: Settings, posted: Slack) -> None:
    file = str(company.warehouse.with_name("settings.yml"))
    with Outbox.opened(store_of(company)) as outbox, outbox.transaction():
        outbox.add([entry(f"account {number}", "default") for number in range(20)])
    more = environment(**{SETTINGS_VARIABLE: file, WEBHOOK_VARIABLE: posted.url})
    command = [sys.executable, "-m", "health_assets.cli.app", "alerts", "retry"]
    runs = [subprocess.Popen(command, cwd=ROOT, env=more, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [run.communicate(timeout=120)[0] for run in runs]
    assert sum(int(text.split()[0]) for text in said) == 20, said
    assert set(titles(posted.accepted).values()) == {1}
    assert len(posted.posts) == 20


HOSTILE = [
    "<!channel> <@U123> <https://evil.example|click>",
    "`rm -rf` ```code``` *bold* _it_ ~no~",
    "line\nline\r\n\tline\x00\x1b[31m",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    "🚀👩‍👩‍👧‍👦" * 50,
    "&lt;&amp;&gt; \" ' \\ {{x}} %s {}",
    "x" * 10_000,
]


@pytest.mark.timeout(300)
def test_500_accounts_at_once_with_hostile_names_arrive_within_slacks_limits(
    company: Settings, publish: Publish, posted: Slack, capsys: pytest.CaptureFixture[str]
) -> None:
    def accounts(level: str) -> list[dict[str, Any]]:
        return [account(f"A{n:03}", level, company_name=f"{HOSTILE[n % len(HOSTILE)]} {n}") for n in range(500)]

    publish(DAY, accounts("low"))
    alert(company)
    publish(DAY + timedelta(days=1), accounts("critical"))
    outcome = alert(company)
    with capsys.disabled():
        print(f"\n500 accounts: {outcome.delivered} delivered in {counted(len(posted.posts), 'message')}")
    assert (outcome.delivered, outcome.pending, outcome.failure) == (500, 0, None)
    for message in posted.accepted:
        assert len(message["blocks"]) <= 50
        texts = [block["text"]["text"] for block in message["blocks"] if "text" in block]
        assert max(map(len, texts)) <= 3000
        whole = json.dumps(message, ensure_ascii=False)
        assert "<!channel>" not in whole
        assert "<@U123>" not in whole
        assert "\\u001b" not in json.dumps(message)
