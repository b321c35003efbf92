"""A webhook that takes messages as JSON, signed so that the receiver knows who sent them and when.

With a key, each post has two headers:

* `X-Health-Assets-Timestamp`: seconds since 1970, so that an old post cannot be sent again by others;
* `X-Health-Assets-Signature`: `sha256=` and the HMAC-SHA256, in hexadecimal, of the timestamp, a dot and the body.
"""

import hashlib
import hmac
import json
import time
from urllib.request import Request

from health_assets.alerts.channels import Answer, Status, answer_of_failure, answer_of_refusal
from health_assets.alerts.http import NoAnswerError, answer_to, is_answering
from health_assets.alerts.message import Message


class SignedWebhook:
    """Any address that takes JSON; neither it nor the key can be read."""

    def __init__(self, url: str, key: str | None, seconds: float) -> None:
        self.__url, self.__key, self.__seconds = url, key, seconds

    def __repr__(self) -> str:
        return "SignedWebhook(***)"

    def post(self, message: Message) -> Answer:
        """Post a message; any status from 200 to 299 is a yes."""
        body = json.dumps(
            {
                "key": message.key,  # the same for a repeated message, so that the receiver can leave it out
                "channel": message.channel,
                "account_ids": list(message.account_ids),
                "notification": message.notification,
                "text": message.text,
                "blocks": message.blocks,
            }
        ).encode()
        headers = {"Content-Type": "application/json"} | (
            signature(self.__key, body, time.time()) if self.__key else {}
        )
        try:
            said = answer_to(Request(self.__url, body, headers, method="POST"), self.__seconds)  # noqa: S310 - see check_address
        except NoAnswerError as failure:
            return answer_of_failure(failure)
        if 200 <= said.status < 300:
            return Answer(Status.delivered)
        return answer_of_refusal(said, f"HTTP {said.status}")

    def answers(self) -> bool:
        """Whether anything answers at the address."""
        return is_answering(self.__url, self.__seconds)


def signature(key: str, body: bytes, at: float) -> dict[str, str]:
    """The headers that sign a body at a moment."""
    moment = str(int(at))
    code = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Health-Assets-Timestamp": moment, "X-Health-Assets-Signature": f"sha256={code}"}
