"""The incoming webhook that Slack messages are posted to; message.py makes their text.

The webhook's URL is a secret: it stays in `Webhook`, and a failure is described by a status or the type of an error.
"""

import logging
import time
from typing import Any
from urllib.request import HTTPRedirectHandler, Request, build_opener

from slack_sdk.webhook import WebhookClient, WebhookResponse

from health_assets.alerts.message import Message

ATTEMPTS = 4
LONGEST_PAUSE = 30.0  # seconds; a longer Retry-After is left to the next alert run
SECONDS_PER_POST = 15
LONGEST_ANSWER = 1_000  # bytes; Slack answers `ok`

_silent = logging.Logger("health_assets.alerts.slack", logging.CRITICAL + 1)  # slack_sdk logs the URL at debug level


class _NoRedirects(HTTPRedirectHandler):
    """A redirect is an answer like any other: the message and its secret URL go nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class _Client(WebhookClient):
    """slack_sdk's client, which follows redirects otherwise."""

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        if not url.lower().startswith(("https://", "http://")):
            raise ValueError("not a web address")
        with build_opener(_NoRedirects).open(req, timeout=self.timeout) as answer:
            body = answer.read(LONGEST_ANSWER).decode(errors="replace")
            return WebhookResponse(url=url, status_code=answer.status, body=body, headers=dict(answer.headers))


class Webhook:
    """An incoming webhook; its URL can be posted to but not read."""

    def __init__(self, url: str) -> None:
        self.__client = _Client(url.strip(), timeout=SECONDS_PER_POST, logger=_silent, retry_handlers=[])

    def __repr__(self) -> str:
        return "Webhook(***)"

    def post(self, message: Message) -> str | None:
        """Post a message, again after 429 (when Slack says so), 5xx and failed connections.

        Returns why it was not delivered, without the URL; None when Slack answered 200 and `ok`.
        """
        failure = None
        for attempt in range(ATTEMPTS):
            pause = float(2**attempt)
            try:
                answer = self.__client.send(text=message.notification, blocks=message.blocks)
            except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the URL
                failure = f"no connection ({type(error).__name__})"
            else:
                if answer.status_code == 200:
                    return None if answer.body.strip() == "ok" else "HTTP 200, but the answer was not `ok`"
                failure = f"HTTP {answer.status_code}"
                if answer.status_code == 429:
                    pause = _retry_after(answer.headers, pause)
                elif answer.status_code < 500:
                    return failure
            if pause > LONGEST_PAUSE:
                return failure
            if attempt < ATTEMPTS - 1:
                time.sleep(pause)
        return failure


def _retry_after(headers: dict[str, Any], otherwise: float) -> float:
    values = [value for name, value in headers.items() if name.lower() == "retry-after"]
    value = values[0][0] if values and isinstance(values[0], list) else (values[0] if values else None)
    try:
        return max(0.0, float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise
