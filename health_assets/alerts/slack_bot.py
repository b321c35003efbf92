"""A bot of Slack: posts with chat.postMessage, replies in threads, and marks the first message of a thread as resolved.

The token is a secret: it stays in `SlackBot`, and a failure is described by Slack's word for it and a sentence of ours.
"""

import json
import re
from typing import Any
from urllib.request import Request

from health_assets.alerts.channels import Answer, Status, answer_of_failure, answer_of_refusal
from health_assets.alerts.http import HttpAnswer, NoAnswerError, answer_to, is_answering
from health_assets.alerts.message import Message
from health_assets.alerts.state_file import AlertError

API = "https://slack.com/api/"
API_VARIABLE = "SLACK_API_URL"  # of GovSlack, or of a relay
LONGEST_ANSWER = 1_000_000  # bytes: Slack repeats the message in its answer
FORM_OF_TOKENS = r"xox[abepr]\S*-\S+"
WHAT_TO_DO = {  # of the errors that stay until somebody acts
    "invalid_auth": "the token is not valid; copy it again from the app's page OAuth & Permissions",
    "not_authed": "the token is empty; copy it from the app's page OAuth & Permissions",
    "token_revoked": "the token was revoked; reinstall the app and copy the new one",
    "token_expired": "the token has expired; reinstall the app and copy the new one",
    "account_inactive": "the app was removed from the workspace; reinstall it and copy the new token",
    "missing_scope": "the token lacks the scope chat:write; add it and reinstall the app",
    "not_allowed_token_type": "give the bot token of the app, which begins with xoxb-",
    "channel_not_found": "`to` is no channel of the workspace, or a private one without the bot; give its ID and invite the bot",
    "not_in_channel": "invite the bot to the channel: /invite @its-name",
    "is_archived": "the channel is archived; unarchive it, or give another one in `to`",
    "restricted_action": "the workspace does not let the bot post in this channel; ask its administrator",
    "access_denied": "the workspace does not let the bot post; ask its administrator",
}
TRANSIENT = (
    *("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"),
    *("team_added_to_org", "external_channel_migrating", "accesslimited"),
)
ABOUT_THE_MESSAGE = (
    *("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "invalid_arguments"),
    *("too_many_attachments", "invalid_json", "json_not_object"),
)
ABOUT_THE_THREAD = ("thread_not_found", "cannot_reply_to_message", "message_not_found", "invalid_thread_ts")


class SlackBot:
    """A bot that posts to one channel of Slack; its token can be used but not read."""

    def __init__(self, variable: str, token: str, to: str, api: str, seconds: float) -> None:
        if not re.fullmatch(FORM_OF_TOKENS, token):
            raise AlertError(f"{variable}: is not a token of Slack; copy the bot token, which begins with xoxb-")
        self.__token, self.__to, self.__api, self.__seconds = token, to, f"{api.rstrip('/')}/", seconds

    def __repr__(self) -> str:
        return "SlackBot(***)"

    def post(self, message: Message) -> Answer:
        """Post a message, as a reply where it has a thread; only `"ok": true` is Slack's yes."""
        reply = {"thread_ts": message.reply_to, "reply_broadcast": message.is_broadcast} if message.reply_to else {}
        shown = {"text": message.notification, "blocks": message.blocks, "unfurl_links": False, "unfurl_media": False}
        return self.__call("chat.postMessage", {"channel": self.__to, **shown, **reply})

    def update(self, place: tuple[str, str], text: str, blocks: list[dict[str, Any]]) -> Answer:
        """Put other content into a message of the bot; doing so twice changes nothing."""
        channel, timestamp = place
        return self.__call("chat.update", {"channel": channel, "ts": timestamp, "text": text, "blocks": blocks})

    def answers(self) -> bool:
        """Whether anything answers at the address of the API."""
        return is_answering(f"{self.__api}api.test", self.__seconds)

    def __call(self, method: str, content: dict[str, Any]) -> Answer:
        headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {self.__token}"}
        body = json.dumps(content).encode()
        try:
            request = Request(f"{self.__api}{method}", body, headers, method="POST")  # noqa: S310 - see check_address
            said = answer_to(request, self.__seconds, LONGEST_ANSWER)
        except NoAnswerError as failure:
            return answer_of_failure(failure)
        except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the token
            return Answer(Status.retry, f"no connection ({type(error).__name__})")
        return _answer(said)


def _answer(said: HttpAnswer) -> Answer:
    if said.status != 200:
        return answer_of_refusal(said, f"HTTP {said.status}")
    if not said.is_whole:
        return Answer(Status.unknown, "HTTP 200, but the answer broke off")
    try:
        content = json.loads(said.body)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("ok"), bool):
        return Answer(Status.retry, "HTTP 200, but the answer was not Slack's")
    if content["ok"]:
        channel, timestamp = content.get("channel"), content.get("ts")
        if isinstance(channel, str) and isinstance(timestamp, str):
            return Answer(Status.delivered, place=(channel, timestamp))
        return Answer(Status.delivered)
    return _refusal(str(content.get("error")), said)


def _refusal(error: str, said: HttpAnswer) -> Answer:
    word = error if re.fullmatch(r"[a-z]+(_[a-z]+)*", error) else "unknown error"
    if word in TRANSIENT:
        return Answer(Status.retry, word, answer_of_refusal(said, "").retry_after)
    return Answer(
        Status.dead,
        f"{word}: {WHAT_TO_DO[word]}" if word in WHAT_TO_DO else word,
        is_about_message=word in ABOUT_THE_MESSAGE,
        is_about_thread=word in ABOUT_THE_THREAD,
    )
