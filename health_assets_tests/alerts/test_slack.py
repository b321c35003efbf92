"""What each answer to a post means, from a server on loopback."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from health_assets.alerts.channels import Status
from health_assets.alerts.message import Message
from health_assets.alerts.slack import SlackWebhook
from health_assets_tests.loopback_slack import SECRET, Slack

MESSAGE = Message("key", "default", ("A1",), ("id",), "1 account", [{"type": "divider"}], "1 account")


def post(slack: Slack, seconds: float = 5.0):
    return SlackWebhook(slack.url, seconds).post(MESSAGE)


def test_200_and_ok_is_delivered_with_the_notification_and_the_blocks(posted: Slack) -> None:
    assert post(posted).status == Status.delivered
    assert posted.posts == [{"text": "1 account", "blocks": [{"type": "divider"}]}]


@pytest.mark.parametrize("body", [b"invalid_token", b"<html>Sign in</html>", b""])
def test_200_without_ok_is_not_delivered(posted: Slack, body: bytes) -> None:
    posted.bodies = [body]
    answer = post(posted)
    assert (answer.status, answer.reason) == (Status.retry, "HTTP 200, but the answer was not `ok`")


@pytest.mark.parametrize("status", [201, 204, 301, 302, 303, 307, 308, 408, 500, 502, 503, 504])
def test_other_answers_are_worth_another_attempt(posted: Slack, status: int) -> None:
    posted.answers = [(status, {"Location": posted.url} if 300 < status < 400 else {})]
    answer = post(posted)
    assert (answer.status, answer.reason) == (Status.retry, f"HTTP {status}")
    assert len(posted.posts) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413])
def test_rejected_post_is_dead(posted: Slack, status: int) -> None:
    posted.answers, posted.bodies = [(status, {})], [b"no_service"]
    answer = post(posted)
    assert (answer.status, answer.reason) == (Status.dead, f"HTTP {status} (no_service)")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_never_followed(posted: Slack, status: int) -> None:
    other = Slack()
    posted.answers = [(status, {"Location": other.url})]
    try:
        assert post(posted).status == Status.retry
    finally:
        other.stop()
    assert (len(posted.posts), other.posts, other.gets) == (1, [], [])


def test_retry_after_is_seconds_or_a_date(posted: Slack) -> None:
    in_an_hour = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    posted.answers = [
        (429, {"Retry-After": "7"}),
        (503, {"Retry-After": format_datetime(in_an_hour, usegmt=True)}),
        (429, {"Retry-After": "soon"}),
        (429, {}),
    ]
    seconds, date, nonsense, nothing = (post(posted) for _ in range(4))
    assert seconds.retry_after == timedelta(seconds=7)
    assert timedelta(minutes=59) < date.retry_after <= timedelta(hours=1)
    assert (nonsense.retry_after, nothing.retry_after) == (None, None)
    assert {one.status for one in (seconds, date, nonsense, nothing)} == {Status.retry}


@pytest.mark.timeout(60)  # without an end of its own it would wait for ever
@pytest.mark.parametrize("behaviour", ["hang", "drip"])
def test_post_without_an_end_is_unknown_when_its_time_is_up(posted: Slack, behaviour: str) -> None:
    posted.answers = [(behaviour, {})]
    assert post(posted, seconds=0.4).status == Status.unknown


def test_connection_that_is_cut_after_the_request_is_unknown(posted: Slack) -> None:
    posted.answers = [("cut", {})]
    assert post(posted).status == Status.unknown


def test_refusal_whose_body_does_not_end_is_a_refusal(posted: Slack) -> None:
    posted.answers = [(503, {"Content-Length": "1000"})]
    assert post(posted, seconds=0.4).reason == "HTTP 503"


def test_connection_that_is_refused_sent_nothing() -> None:
    answer = SlackWebhook(f"http://127.0.0.1:1/{SECRET}", 5).post(MESSAGE)
    assert (answer.status, answer.reason) == (Status.retry, "no connection (ConnectionRefusedError)")


def test_whether_anything_answers_is_found_out_without_posting(posted: Slack) -> None:
    webhook = SlackWebhook(posted.url, 0.4)
    assert webhook.answers()
    posted.is_deaf = True
    assert (webhook.answers(), posted.posts) == (False, [])


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{SECRET}", f"nonsense://{SECRET}", f"https://[{SECRET}"])
def test_url_shows_in_no_reason_and_no_repr(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    webhook = SlackWebhook(url, 1)
    answer = webhook.post(MESSAGE)
    assert answer.reason
    assert SECRET not in answer.reason + repr(webhook) + repr(vars(webhook).keys()) + caplog.text
