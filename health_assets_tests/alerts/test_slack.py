import pytest

from health_assets.alerts.message import Message
from health_assets.alerts.slack import Webhook
from health_assets_tests.loopback_slack import SECRET, Slack

MESSAGE = Message("key", "default", ("A1",), ("id",), "1 account got worse", [], "1 account got worse")


def test_after_too_many_requests_the_post_is_repeated_when_slack_says_so(posted: Slack, pauses: list[float]) -> None:
    posted.answers = [(429, {"Retry-After": "7"}), (429, {"Retry-After": "Fri, 31 Jan 2025 00:00:00 GMT"})]
    assert Webhook(posted.url).post(MESSAGE) is None
    assert (len(posted.posts), len(posted.accepted), pauses) == (3, 1, [7.0, 2.0])


def test_a_pause_of_an_hour_is_left_to_the_next_run(posted: Slack, pauses: list[float]) -> None:
    posted.answers = [(429, {"Retry-After": "3600"})]
    assert Webhook(posted.url).post(MESSAGE) == "HTTP 429"
    assert (len(posted.posts), pauses) == (1, [])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_repeated(posted: Slack, pauses: list[float], status: int) -> None:
    posted.answers = [(status, {})]
    assert Webhook(posted.url).post(MESSAGE) is None
    assert len(posted.posts) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_rejected_post_is_not_repeated(posted: Slack, pauses: list[float], status: int) -> None:
    posted.answers = [(status, {})]
    assert Webhook(posted.url).post(MESSAGE) == f"HTTP {status}"
    assert len(posted.posts) == 1


@pytest.mark.parametrize("url", [f"http://127.0.0.1:1/{SECRET}", f"nonsense://{SECRET}", f"https://[{SECRET}"])
def test_the_url_shows_in_no_failure_and_no_repr(
    url: str, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    webhook = Webhook(url)
    failure = webhook.post(MESSAGE)
    assert failure
    assert SECRET not in failure + repr(webhook) + caplog.text


@pytest.mark.parametrize("answer", [b"invalid_token", b"<html>Sign in</html>", b""])
def test_200_without_ok_is_not_delivered(posted: Slack, answer: bytes) -> None:
    posted.bodies = [answer]
    assert Webhook(posted.url).post(MESSAGE) == "HTTP 200, but the answer was not `ok`"
    assert len(posted.posts) == 1


def test_no_content_is_not_delivered(posted: Slack) -> None:
    posted.answers = [(204, {})]
    assert Webhook(posted.url).post(MESSAGE) == "HTTP 204"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(posted: Slack, status: int) -> None:
    other = Slack()
    posted.answers = [(status, {"Location": other.url})]
    try:
        assert Webhook(posted.url).post(MESSAGE) == f"HTTP {status}"
    finally:
        other.stop()
    assert (len(posted.posts), other.posts, other.gets) == (1, [], [])
