"""A bot of Slack against its Web API on loopback: threads by account, what each answer means, resolved messages."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from health_assets.alerts import alert, deliver_due, store_of, work_left
from health_assets.alerts.channels import Status
from health_assets.alerts.entry import State
from health_assets.alerts.message import Message
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.slack_bot import SlackBot
from health_assets.alerts.state_file import AlertError
from health_assets.settings import Settings
from health_assets.settings.alerts import Channel
from health_assets_tests.loopback_slack import SECRET, Publish, Slack, account, with_alerts
from health_assets_tests.loopback_slack_api import TEAM, TOKEN, SlackApi

DAYS = [date(2025, 3, day) for day in range(1, 9)]
MESSAGE = Message("key", "default", ("A1",), ("id",), "1 account", [{"type": "divider"}], "1 account")


@pytest.fixture
def bot(company: Settings, slack_api: SlackApi) -> Settings:
    """The company with a bot for its default channel."""
    return with_alerts(company, channels={"default": Channel(bot="env:BOT_TOKEN", to=TEAM)})


def post(api: SlackApi, seconds: float = 5.0, to: str = TEAM, token: str = TOKEN, **given: Any):
    message = Message(**{**vars(MESSAGE), **given})
    return SlackBot("BOT_TOKEN", token, to, api.url, seconds).post(message)


def days(bot: Settings, publish: Publish, *levels: str, first: int = 0) -> None:
    """Alert runs on consecutive days with the risk level of the account A1 on each."""
    for place, level in enumerate(levels, first):
        publish(DAYS[place], [account("A1", level), account("A2")])
        alert(bot)


def test_the_imitation_takes_and_refuses_what_slacks_own_client_sends(slack_api: SlackApi) -> None:
    client = WebClient(TOKEN, base_url=slack_api.url)
    first = client.chat_postMessage(channel=TEAM, text="first", blocks=[{"type": "divider"}])
    reply = client.chat_postMessage(channel=TEAM, text="reply", thread_ts=first["ts"], reply_broadcast=True)
    client.chat_update(channel=first["channel"], ts=first["ts"], text="Resolved: first", blocks=[{"type": "divider"}])
    assert [message["text"] for message in slack_api.roots()] == ["Resolved: first"]
    assert slack_api.messages[reply["ts"]]["thread_ts"] == first["ts"]
    for channel, token, error in [
        ("C0NONE", TOKEN, "channel_not_found"),
        ("C0OTHER", TOKEN, "not_in_channel"),
        ("C0OLD", TOKEN, "is_archived"),
        (TEAM, "xoxb-2-other", "invalid_auth"),
    ]:
        with pytest.raises(SlackApiError) as refused:
            WebClient(token, base_url=slack_api.url).chat_postMessage(channel=channel, text="text")
        assert refused.value.response["error"] == error


def test_slacks_own_client_and_the_bot_send_the_same(slack_api: SlackApi) -> None:
    sent = {"channel": TEAM, "text": "1 account", "blocks": [{"type": "divider"}]}
    WebClient(TOKEN, base_url=slack_api.url).chat_postMessage(**sent, unfurl_links=False, unfurl_media=False)
    assert post(slack_api).status == Status.delivered
    (theirs, first), (ours, second) = slack_api.calls
    assert (ours, second) == (theirs, first)


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        ("invalid_auth", Status.dead, "invalid_auth: the token is not valid; copy it again from the app's page"),
        ("not_in_channel", Status.dead, "not_in_channel: invite the bot to the channel"),
        ("missing_scope", Status.dead, "missing_scope: the token lacks the scope chat:write"),
        ("something_new", Status.dead, "something_new"),
        ("<script> T0SECRET", Status.dead, "unknown error"),
        ("ratelimited", Status.retry, "ratelimited"),
        ("internal_error", Status.retry, "internal_error"),
        ("service_unavailable", Status.retry, "service_unavailable"),
    ],
)
def test_error_is_dead_at_once_with_what_to_do_unless_slack_itself_is_in_trouble(
    slack_api: SlackApi, error: str, status: Status, reason: str
) -> None:
    slack_api.bodies = [json.dumps({"ok": False, "error": error}).encode()]
    answer = post(slack_api)
    assert answer.status == status
    assert str(answer.reason).startswith(reason)


@pytest.mark.parametrize("body", [b"ok", b"<html>Sign in</html>", b"", b'{"ok": "true"}', b"[]"])
def test_200_without_ok_true_is_not_delivered(slack_api: SlackApi, body: bytes) -> None:
    slack_api.bodies = [body]
    assert (post(slack_api).status, slack_api.accepted) == (Status.retry, [])


def test_other_answers_mean_what_they_mean_for_a_webhook(slack_api: SlackApi) -> None:
    other = Slack()
    slack_api.answers = [
        (429, {"Retry-After": "7"}),
        (500, {}),
        (503, {}),
        (302, {"Location": other.url}),
        (404, {}),
        ("hang", {}),
        ("cut", {}),
    ]
    answers = [post(slack_api, 0.4) for _ in range(7)]
    other.stop()
    retry, dead, unknown = Status.retry, Status.dead, Status.unknown
    assert [one.status for one in answers] == [retry, retry, retry, retry, dead, unknown, unknown]
    assert answers[0].retry_after == timedelta(seconds=7)
    assert (other.posts, other.gets) == ([], [])


def test_answer_that_repeats_a_long_message_is_read_whole(slack_api: SlackApi) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 3
    assert post(slack_api, blocks=blocks).place == (TEAM, "1700000000.000001")


@pytest.mark.parametrize("token", [f"https://hooks.slack.com/services/{SECRET}", SECRET, "xoxb", "Bearer xoxb-1-2"])
def test_what_is_no_token_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(AlertError, match="BOT_TOKEN: is not a token of Slack") as refused:
        SlackBot("BOT_TOKEN", token, TEAM, "https://slack.com/api/", 1)
    assert SECRET not in str(refused.value)


def test_token_shows_in_no_reason_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    bot = SlackBot("BOT_TOKEN", TOKEN, TEAM, "http://127.0.0.1:1/", 1)
    assert SECRET not in f"{bot.post(MESSAGE)}{bot!r}{vars(bot).keys()}{caplog.text}"


def test_first_alert_of_each_account_is_a_message_of_its_own_and_later_ones_reply_to_it(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    publish(DAYS[0], [account("A1"), account("A2")])
    alert(bot)
    publish(DAYS[1], [account("A1", "high"), account("A2", "high")])
    alert(bot)
    assert [one["text"].split(":")[0] for one in slack_api.roots()] == ["Company A1", "Company A2"]
    assert slack_api.roots()[0]["blocks"][0]["text"]["text"] == "News about Company A1"
    publish(DAYS[2], [account("A1", "critical"), account("A2", "high")])
    alert(bot)
    (reply,) = slack_api.replies()
    assert (reply["thread_ts"], reply["reply_broadcast"]) == ("1700000000.000001", True)
    assert reply["blocks"][0]["type"] == "section"  # the headline is that of the first message
    assert "Churn risk is now critical, was high until 2 March" in reply["blocks"][0]["text"]["text"]


def test_reply_shows_in_the_channel_only_when_it_got_worse(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    answered = account("A2", ratings=[(DAYS[0], 9)])
    days_of_a1 = [
        account("A1"),
        account("A1", "critical"),
        account("A1", "critical", ratings=[(DAYS[2], 2)]),
        account("A1", "critical", account_status="churned", churn_date=DAYS[3]),
    ]
    for day, one in zip(DAYS, days_of_a1, strict=False):
        publish(day, [one, answered])
        alert(bot)
    assert [one["reply_broadcast"] for one in slack_api.replies()] == [False, True]


def test_recovered_account_gets_a_reply_and_its_first_message_is_marked_as_resolved(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    days(bot, publish, "low", "high", "low")
    (root,), (reply,) = slack_api.roots(), slack_api.replies()
    assert root["text"].startswith("Resolved: Company A1: Churn risk is now high")
    head, line, what, *_ = [block.get("text", {}).get("text", "") for block in root["blocks"]]
    assert head == "Resolved: News about Company A1"
    assert line.startswith(":white_check_mark: *Resolved on 3 March 2025*. Recovered: health is 50 (healthy)")
    assert "Churn risk is now high" in what
    assert reply["reply_broadcast"] is False
    assert work_left(bot, datetime.now(UTC)) == 0


def test_alert_after_a_thread_was_resolved_begins_another(bot: Settings, publish: Publish, slack_api: SlackApi) -> None:
    days(bot, publish, "low", "high", "low", "high")
    assert len(slack_api.roots()) == 2
    assert not slack_api.roots()[1]["text"].startswith("Resolved")


def test_alert_long_after_the_last_one_begins_another_thread(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    days(bot, publish, "low", "high")
    with Outbox.opened(store_of(bot)) as outbox:
        outbox.connection.execute("update threads set last_at = '2020-01-01T00:00:00.000+00:00'")
    days(bot, publish, "critical", first=2)
    assert (len(slack_api.roots()), slack_api.replies()) == (2, [])


def test_good_news_about_an_account_without_a_thread_is_a_message_that_opens_none(
    company: Settings, bot: Settings, publish: Publish, slack_api: SlackApi, posted: Slack
) -> None:
    days(company, publish, "low", "high")  # to the webhook
    days(bot, publish, "low", "high", first=2)
    recovered, again = slack_api.roots()
    assert "recovered" in recovered["blocks"][0]["text"]["text"]
    assert "News about" in again["blocks"][0]["text"]["text"]


def test_reply_to_a_message_that_was_deleted_begins_a_new_thread(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    days(bot, publish, "low", "high")
    slack_api.messages.clear()
    days(bot, publish, "critical", first=2)
    (root,) = slack_api.roots()
    assert root["blocks"][0]["text"]["text"] == "News about Company A1"


def test_message_is_marked_as_resolved_later_when_slack_is_in_trouble(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    days(bot, publish, "low", "high")
    slack_api.answers = [(200, {}), (503, {})]
    publish(DAYS[2], [account("A1"), account("A2")])
    outcome = alert(bot)
    assert (outcome.delivered, outcome.failure) == (1, None)
    assert outcome.warnings == "default: a message could not be marked as resolved (HTTP 503)"
    assert not slack_api.roots()[0]["text"].startswith("Resolved")
    assert work_left(bot, datetime.now(UTC) + timedelta(hours=1)) == 1
    deliver_due(bot)
    assert slack_api.roots()[0]["text"].startswith("Resolved")
    assert work_left(bot, datetime.now(UTC) + timedelta(hours=1)) == 0


def test_reply_whose_delivery_was_killed_is_posted_once_more_in_its_thread_and_marked(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    days(bot, publish, "low", "high")
    slack_api.answers = [(503, {})]
    days(bot, publish, "critical", first=2)
    with Outbox.opened(store_of(bot)) as outbox, outbox.transaction():
        assert outbox.claim([one.id for one in outbox.pending()], datetime.now(UTC))  # and then killed
    deliver_due(bot)
    (reply,) = slack_api.replies()
    assert "possibly a repeat" in json.dumps(reply["blocks"])


def test_account_whose_blocks_slack_rejects_is_dead_alone_and_named(
    bot: Settings, publish: Publish, slack_api: SlackApi
) -> None:
    publish(DAYS[0], [account(name) for name in ("A1", "A2", "A3")])
    alert(bot)
    slack_api.bodies = [b'{"ok": false, "error": "invalid_blocks"}']
    publish(DAYS[1], [account(name, "high") for name in ("A1", "A2", "A3")])
    alert(bot)
    with Outbox.copied(store_of(bot)) as outbox:
        states = {one.account_id: one.state for one in outbox.entries() if one.account_id}
    assert states == {"A1": State.dead, "A2": State.delivered, "A3": State.delivered}
    assert "Account: A1" in json.dumps(slack_api.accepted[-1]["blocks"])


def test_state_file_of_the_version_before_gets_the_threads(bot: Settings, slack_api: SlackApi) -> None:
    with Outbox.opened(store_of(bot)) as outbox:
        outbox.connection.execute("drop table threads")
        outbox.connection.execute("pragma user_version = 3")
    with Outbox.opened(store_of(bot)) as outbox:
        assert outbox.connection.execute("select count(*) from threads").fetchone() == (0,)
