"""The incoming webhook that Slack messages are posted to; message.py makes their text.

The webhook's URL is a secret: it stays in `SlackWebhook`, and a failure is described by a status or the type of an error.
"""

import logging
import re
from urllib.request import Request

from slack_sdk.webhook import WebhookClient, WebhookResponse

from health_assets.alerts.channels import Answer, Status, answer_of_failure, answer_of_refusal
from health_assets.alerts.http import HttpAnswer, NoAnswerError, answer_to, is_answering
from health_assets.alerts.message import Message

_silent = logging.Logger("health_assets.alerts.slack", logging.CRITICAL + 1)  # slack_sdk logs the URL at debug level


class _Client(WebhookClient):
    """slack_sdk's client; with a limit for the whole post, and without following redirects."""

    seconds: float
    answer: HttpAnswer

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        self.answer = answer_to(req, self.seconds)
        return WebhookResponse(url=url, status_code=self.answer.status, body=self.answer.body, headers={})


class SlackWebhook:
    """An incoming webhook; its URL can be posted to but not read."""

    def __init__(self, url: str, seconds: float) -> None:
        self.__url, self.__seconds = url, seconds

    def __repr__(self) -> str:
        return "SlackWebhook(***)"

    def post(self, message: Message) -> Answer:
        """Post a message; only 200 with the body `ok` is Slack's yes."""
        client = _Client(self.__url, logger=_silent, retry_handlers=[])
        client.seconds = self.__seconds
        try:
            client.send(text=message.notification, blocks=message.blocks)
        except NoAnswerError as failure:
            return answer_of_failure(failure)
        except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the URL
            return Answer(Status.retry, f"no connection ({type(error).__name__})")
        return _answer(client.answer)

    def answers(self) -> bool:
        """Whether anything answers at the address; Slack posts nothing for an OPTIONS request."""
        return is_answering(self.__url, self.__seconds)


def _answer(said: HttpAnswer) -> Answer:
    body = said.body.strip()
    if said.status == 200 and body == "ok":
        return Answer(Status.delivered)
    if said.status == 200 and not said.is_whole:
        return Answer(Status.unknown, "HTTP 200, but the answer broke off")
    if said.status == 200:
        return Answer(Status.retry, "HTTP 200, but the answer was not `ok`")
    why = f" ({body})" if re.fullmatch(r"[a-z]+(_[a-z]+)+", body) else ""  # Slack's word for it, such as no_service
    return answer_of_refusal(said, f"HTTP {said.status}{why}")
