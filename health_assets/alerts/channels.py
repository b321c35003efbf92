"""Where messages are posted to: one small interface, and what an answer means.

slack.py and the files like it implement it, channel_kinds.py chooses one; when to post is decided in delivery.py.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from health_assets.alerts.http import HttpAnswer, NoAnswerError, retry_after
from health_assets.alerts.message import Message
from health_assets.alerts.state_file import AlertError

WORTH_REPEATING = (408, 425, 429)  # of the statuses from 400 to 499
ABOUT_THE_MESSAGE = (400, 413, 422)  # another message may be accepted
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Status(StrEnum):
    """What a post came to."""

    delivered = "delivered"
    retry = "retry"  # it did not arrive, and may arrive later
    unknown = "unknown"  # it was sent, and nobody said whether it arrived
    dead = "dead"  # it was rejected, and would be again


@dataclass(frozen=True)
class Answer:
    """The answer to a post; a reason never holds the address."""

    status: Status
    reason: str | None = None
    retry_after: timedelta | None = None  # not to be posted to for so long
    is_about_message: bool = False  # this message was rejected for what it holds
    is_about_thread: bool = False  # the message that it replies to is gone
    place: tuple[str, str] | None = None  # of a message that can be replied to: Slack's channel and timestamp


class Channel(Protocol):
    """Something that takes messages; its address can be posted to but not read."""

    def post(self, message: Message) -> Answer:
        """Post a message once, within the time limit of a post."""
        ...

    def answers(self) -> bool:
        """Whether anything answers at its address, found out without posting."""
        ...


def answer_of_failure(failure: NoAnswerError) -> Answer:
    """What a post without an answer came to."""
    return Answer(Status.unknown if failure.is_sent else Status.retry, str(failure))


def answer_of_refusal(said: HttpAnswer, reason: str) -> Answer:
    """What a post came to that was answered with anything but yes: only some refusals are for good."""
    if 400 <= said.status < 500 and said.status not in WORTH_REPEATING:
        return Answer(Status.dead, reason, is_about_message=said.status in ABOUT_THE_MESSAGE)
    return Answer(Status.retry, reason, retry_after(said.headers, datetime.now(UTC)))


def check_address(variable: str, address: str) -> None:
    """Only https is used: a message and its secret address are not sent in the clear, loopback apart.

    Raises:
        AlertError: it is not such an address; the message does not repeat it.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or any(character.isspace() for character in address) or parts.scheme not in ("http", "https"):
        raise AlertError(f"{variable}: is not a URL; give that of the incoming webhook, https://...")
    if parts.scheme == "http" and host not in LOOPBACK:
        raise AlertError(f"{variable}: is not encrypted; give an address that begins with https://")
