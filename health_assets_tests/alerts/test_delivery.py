"""Delivery: what is posted when, what becomes of it, and that nothing is lost or repeated without being marked."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from health_assets.alerts import WEBHOOK_VARIABLE, delivery
from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.delivery import Delivered, deliver
from health_assets.alerts.entry import Entry, State, entry_of
from health_assets.alerts.message import Context
from health_assets.alerts.outbox import UNANSWERED, Outbox
from health_assets.settings import Settings
from health_assets_tests.frames import settings_of
from health_assets_tests.loopback_slack import Slack

pytestmark = pytest.mark.slow

START = datetime(2025, 1, 31, 12, tzinfo=UTC)
NO_WAIT = {"pause_seconds": 0, "patience_seconds": 0, "post_seconds": 0.4, "first_retry_seconds": 60}


class Company:
    """A company's outbox, a clock that a test sets, and a delivery at its time."""

    def __init__(self, folder: Path, outbox: Outbox) -> None:
        self.folder, self.outbox, self.now = folder, outbox, START
        self.settings = self.with_delivery()

    def with_delivery(self, channels: dict[str, Any] | None = None, **limits: Any) -> Settings:
        alerts = {"delivery": NO_WAIT | limits} | ({"channels": channels} if channels else {})
        self.settings = settings_of(self.folder, alerts=alerts)
        return self.settings

    def add(self, name: str, channel: str = "default", **given: Any) -> Entry:
        """A data alert in the place of any entry: one message each, so that posts can be counted."""
        entry = entry_of(DataAlert([name], date(2025, 1, 31), name, ["line"], "remedy"), channel)
        entry = Entry(**{**vars(entry), **given})
        with self.outbox.transaction():
            self.outbox.add([entry])
        return entry

    def deliver(self, after: timedelta = timedelta(0)) -> Delivered:
        self.now += after
        return deliver(self.settings, self.outbox, Context("Acme"), clock=lambda: self.now)

    def states(self) -> dict[str, State]:
        return {one.body.title: one.state for one in self.outbox.entries()}


@pytest.fixture
def company(tmp_path: Path):
    with Outbox.opened(tmp_path / "alerts.sqlite") as outbox:
        yield Company(tmp_path, outbox)


def test_failed_post_is_repeated_after_a_minute_then_two_then_four(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [(500, {}), (503, {}), (502, {})]
    for wait, posts in [(0, 1), (59, 1), (1, 2), (119, 2), (1, 3), (239, 3), (1, 4)]:
        company.deliver(timedelta(seconds=wait))
        assert len(posted.posts) == posts, wait
    assert company.states() == {"a": State.delivered}


def test_channel_that_fails_keeps_its_other_messages_waiting(company: Company, posted: Slack) -> None:
    company.add("a"), company.add("b")
    posted.answers = [(500, {})]
    assert company.deliver().failures == ["default: HTTP 500"]
    assert len(posted.posts) == 1
    assert company.deliver(timedelta(minutes=1)).delivered
    assert company.states() == {"a": State.delivered, "b": State.delivered}


def test_other_channels_go_on_while_one_fails(company: Company, posted: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Slack()
    monkeypatch.setenv("OTHER_URL", other.url)
    company.with_delivery({"other": {"slack": "env:OTHER_URL"}})
    company.add("a"), company.add("b", "other")
    posted.answers = [(500, {})]
    company.deliver()
    other.stop()
    assert company.states() == {"a": State.pending, "b": State.delivered}


def test_nothing_is_posted_before_retry_after(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [(429, {"Retry-After": "7200"})]
    company.deliver()
    company.deliver(timedelta(seconds=7199))
    assert len(posted.posts) == 1
    company.deliver(timedelta(seconds=1))
    assert company.states() == {"a": State.delivered}


def test_short_retry_after_is_waited_for(company: Company, posted: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    def sleeps(seconds: float) -> None:
        company.now += timedelta(seconds=seconds)

    monkeypatch.setattr(delivery.time, "sleep", sleeps)
    company.with_delivery(patience_seconds=30)
    company.add("a")
    posted.answers = [(429, {"Retry-After": "20"})]
    assert company.deliver().delivered
    assert timedelta(seconds=19) < company.now - START < timedelta(seconds=30)


def test_rejected_message_is_dead_at_once_and_reported_in_the_default_channel(
    company: Company, posted: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Slack()
    monkeypatch.setenv("GONE_URL", gone.url)
    company.with_delivery({"gone": {"slack": "env:GONE_URL"}})
    company.add("a", "gone")
    gone.answers, gone.bodies = [(404, {})], [b"no_service"]
    done = company.deliver()
    gone.stop()
    assert company.states() == {"a": State.dead, "1 alert not delivered": State.delivered}
    assert (len(done.dead), done.failures) == (1, ["gone: HTTP 404 (no_service)"])
    assert "Channel gone: HTTP 404 (no_service)" in posted.sections()[0]


def test_dead_data_alert_of_the_default_channel_reports_nothing_more(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [(410, {})]
    company.deliver()
    assert company.states() == {"a": State.dead}


def test_dead_messages_are_posted_again_after_retry(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [(403, {})]
    company.deliver()
    with company.outbox.transaction():
        assert company.outbox.retry() == 1
    company.deliver()
    assert company.states() == {"a": State.delivered}


@pytest.mark.parametrize("behaviour", ["hang", "drip", "cut"])
def test_message_without_an_answer_is_posted_once_more_and_marked(
    company: Company, posted: Slack, behaviour: str
) -> None:
    company.add("a")
    posted.answers = [(behaviour, {})]
    company.deliver()
    (entry,) = company.outbox.entries()
    assert (entry.state, entry.possibly_repeated) == (State.pending, True)
    done = company.deliver(timedelta(hours=1))
    assert (company.states(), len(posted.posts), len(done.repeated)) == ({"a": State.delivered}, 2, 1)


def test_message_that_is_never_answered_is_posted_twice_at_most(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [("hang", {})] * 9
    for _ in range(9):
        company.deliver(timedelta(hours=1))
    (entry,) = company.outbox.entries()
    assert (len(posted.posts), entry.state, entry.failure) == (2, State.dead, UNANSWERED)


def test_message_that_may_have_arrived_waits_until_something_answers(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [("hang", {})]
    company.deliver()
    posted.is_deaf = True
    for _ in range(3):
        company.deliver(timedelta(hours=1))
    assert (len(posted.posts), company.states()) == (1, {"a": State.pending})
    posted.is_deaf = False
    company.deliver(timedelta(hours=1))
    assert (len(posted.posts), company.states()) == (2, {"a": State.delivered})


def test_what_a_killed_delivery_was_posting_is_posted_once_more_and_a_third_time_never(
    company: Company, posted: Slack
) -> None:
    entry = company.add("a")
    for state, again in [(State.pending, True), (State.dead, False)]:
        with company.outbox.transaction():
            assert company.outbox.claim([entry.id], company.now)  # and then killed
        with company.outbox.transaction():
            company.outbox.recover()
        (found,) = company.outbox.entries()
        assert (found.state, found.possibly_repeated) == (state, True)
        assert bool(company.outbox.due(company.now)) == again


def test_message_that_could_not_be_delivered_for_a_week_is_dead(company: Company, posted: Slack) -> None:
    company.with_delivery(min_attempts=3)
    company.add("a")
    posted.answers = [(500, {})] * 9
    for _ in range(8):
        company.deliver(timedelta(days=1))
    assert company.states() == {"a": State.pending}
    company.deliver(timedelta(days=1))
    assert company.states() == {"a": State.dead}
    assert "not delivered within 7 days (HTTP 500)" in company.outbox.entries()[0].failure


def test_clock_that_was_wrong_by_a_year_delays_nothing(company: Company, posted: Slack) -> None:
    company.add("a")
    posted.answers = [(500, {})]
    company.deliver(timedelta(days=366))
    company.deliver(timedelta(days=-366))
    assert company.states() == {"a": State.delivered}


def test_posts_are_a_second_apart(company: Company, posted: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(delivery.time, "sleep", waited.append)
    company.with_delivery(pause_seconds=1)
    for name in "abc":
        company.add(name)
    company.deliver()
    assert waited == [1.0, 1.0]
    company.add("d")
    company.deliver(timedelta(seconds=0.25))
    assert waited == [1.0, 1.0, 0.75]


def test_state_file_is_not_locked_while_a_message_is_posted(company: Company, posted: Slack) -> None:
    written: list[str] = []

    company.add("a")

    def add_meanwhile(message: dict[str, Any]) -> None:
        with Outbox.opened(company.outbox.path) as other, other.transaction():
            other.add([entry_of(DataAlert(["b"], date(2025, 1, 31), "b", [], ""), "default")])
            written.append(str(message["text"]))

    posted.on_post = add_meanwhile
    company.deliver()
    assert written[0] == "Acme: a"
    assert company.states() == {"a": State.delivered, "b": State.delivered}


def test_held_message_is_posted_when_its_time_has_come(company: Company, posted: Slack) -> None:
    opens = START + timedelta(hours=8)
    quiet = {"start": f"{START:%H:%M}", "end": f"{opens:%H:%M}"}
    company.with_delivery({"default": {"slack": f"env:{WEBHOOK_VARIABLE}", "quiet_hours": quiet, "timezone": "UTC"}})
    company.add("a", state=State.held, held_reason="quiet hours", held_until=opens)
    company.add("b", state=State.held, held_reason="a source is stale")
    company.deliver()
    assert posted.posts == []
    company.deliver(timedelta(hours=8))
    assert company.states() == {"a": State.delivered, "b": State.held}


def test_channel_whose_variable_is_not_set_keeps_its_messages_while_another_is(company: Company, posted: Slack) -> None:
    company.with_delivery({"team": {"slack": "env:TEAM_URL"}})
    company.add("a", "team")
    assert company.deliver().failures == ["team: TEAM_URL is not set"]
    assert company.states() == {"a": State.pending}


def test_old_alerts_are_pruned_and_those_still_pending_are_not(company: Company, posted: Slack) -> None:
    company.add("a")
    company.deliver()
    company.add("b")
    with company.outbox.transaction():
        assert company.outbox.prune(START - timedelta(seconds=1)) == 0
        assert company.outbox.prune(START + timedelta(days=9999)) == 1
    assert company.states() == {"b": State.pending}


def test_erased_account_is_in_no_table_and_not_in_the_file(company: Company) -> None:
    company.add("Lena's account", account_id="A1")
    company.outbox.connection.execute(
        "insert into levels (account_id, rule, level, as_of_date) values ('A1', 'risk_level', 'low', '2025-01-31')"
    )
    with company.outbox.transaction():
        assert company.outbox.erase(["A1", "A2"]) == 2
    company.outbox.connection.execute("pragma wal_checkpoint(truncate)")
    assert b"Lena's account" not in company.outbox.path.read_bytes()


def accounts_alert(name: str) -> Entry:
    """An alert about an account, which shares its message with others."""
    about = {"rule": "risk_level", "severity": "critical", "kind": "entered", "before": None, "now": "high"}
    where = {"owner": None, "segment": None, "tier": None, "region": None, "mrr": 100.0, "next_step": None}
    said = {"is_good_news": False, "name": f"Company {name}", "news": "Churn risk is now high", "reasons": []}
    return entry_of(AccountAlert(account_id=name, as_of_date=date(2025, 1, 31), **about, **where, **said), "default")


def rejects(server: Slack, *names: str) -> None:
    """Each message that shows one of these names is answered with 400."""

    def look(message: dict[str, Any]) -> None:
        if any(name in str(message["blocks"]) for name in names):
            server.answers.insert(0, (400, {}))

    server.on_post = look


def test_of_rejected_accounts_in_one_message_only_the_cause_is_dead_and_named(company: Company, posted: Slack) -> None:
    names = [f"N{number}" for number in range(7)]
    with company.outbox.transaction():
        company.outbox.add([accounts_alert(name) for name in names])
    rejects(posted, "Company N3")
    done = company.deliver()
    states = {one.account_id: one.state for one in company.outbox.entries() if one.account_id}
    assert states == dict.fromkeys(names, State.delivered) | {"N3": State.dead}
    assert done.failures == ["default: HTTP 400"]
    shown = [name for message in posted.accepted for name in names if name in str(message["blocks"][1:-1])]
    assert sorted(shown) == names  # N3 by the data alert
    assert "Account: N3" in posted.sections()[-1]


def test_two_rejected_accounts_are_found_and_posted_by_retry_together_with_the_others(
    company: Company, posted: Slack
) -> None:
    names = [f"N{number}" for number in range(5)]
    with company.outbox.transaction():
        company.outbox.add([accounts_alert(name) for name in names])
    rejects(posted, "Company N0", "Company N4")
    assert len(company.deliver().delivered) == 3 + 2  # and a data alert about each of the other two
    posted.on_post = None
    with company.outbox.transaction():
        assert company.outbox.retry() == 2
    assert len(company.deliver().delivered) == 2


def test_channel_that_rejects_everything_is_not_tried_account_by_account(company: Company, posted: Slack) -> None:
    names = [f"N{number:03}" for number in range(200)]
    company.with_delivery({"other": {"slack": "env:OTHER_URL"}, "default": {"slack": "env:SLACK_WEBHOOK_URL"}})
    with company.outbox.transaction():
        company.outbox.add([accounts_alert(name) for name in names])
    rejects(posted, "Company")
    assert len(company.deliver().dead) == 200
    assert len(posted.posts) < 30


def test_message_that_was_rejected_as_a_whole_is_whole_again_after_a_kill(company: Company, posted: Slack) -> None:
    with company.outbox.transaction():
        company.outbox.add([accounts_alert(name) for name in ("N0", "N1")])
    posted.answers = [(400, {}), (503, {})]  # the whole, then the first half
    company.deliver()
    assert {one.state for one in company.outbox.entries()} == {State.pending}
    company.deliver(timedelta(hours=1))
    assert {one.state for one in company.outbox.entries()} == {State.delivered}
    assert len(posted.accepted) == 1
