"""Slack's Web API on loopback, as it is documented: chat.postMessage and chat.update with a bot token.

slack_sdk's own WebClient is run against it in alerts/test_slack_bot.py.
"""

import json
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest

from health_assets.alerts.slack_bot import API_VARIABLE
from health_assets_tests.loopback_slack import Slack

TOKEN = "xoxb-1-T0SECRET-never-shown"
TEAM = "C0TEAM"


class SlackApi(Slack):
    """Keeps the messages of a channel by timestamp, as they are now; see Slack for how it misbehaves."""

    def __init__(self) -> None:
        self.messages: dict[str, dict[str, Any]] = {}
        self.channels = {TEAM: "member", "C0OTHER": "no member", "C0OLD": "archived"}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        super().__init__()
        self.url = f"http://127.0.0.1:{self.server.server_port}/api/"

    def take(self, path: str, headers: Message, message: dict[str, Any]) -> bytes:
        """An answer of the API; what was wrong has status 200 too."""
        method = path.rpartition("/")[2]
        self.calls.append((method, message))
        error = self._error(method, headers.get("Authorization", ""), message)
        if error:
            return json.dumps({"ok": False, "error": error}).encode()
        shown = {key: message[key] for key in ("text", "blocks", "thread_ts", "reply_broadcast") if key in message}
        ts = message.get("ts") or f"1700000000.{len(self.messages) + 1:06}"
        self.messages[ts] = self.messages.get(ts, {}) | shown
        return json.dumps({"ok": True, "channel": message["channel"], "ts": ts, "message": shown}).encode()

    def yes(self, said: bytes) -> bytes | None:
        return said if json.loads(said)["ok"] else None

    def roots(self) -> list[dict[str, Any]]:
        """What is in the channel, replies left out."""
        return [message for message in self.messages.values() if "thread_ts" not in message]

    def replies(self) -> list[dict[str, Any]]:
        """What is in threads."""
        return [message for message in self.messages.values() if "thread_ts" in message]

    def _error(self, method: str, authorization: str, message: dict[str, Any]) -> str | None:
        if authorization != f"Bearer {TOKEN}":
            return "invalid_auth" if authorization else "not_authed"
        if method not in ("chat.postMessage", "chat.update"):
            return "unknown_method"
        if message.get("channel") not in self.channels:
            return "channel_not_found"
        if (state := self.channels[message["channel"]]) != "member":
            return "is_archived" if state == "archived" else "not_in_channel"
        for key in ("ts", "thread_ts"):
            if message.get(key) and message[key] not in self.messages:
                return "message_not_found" if key == "ts" else "thread_not_found"
        return self._fault_of(message.get("blocks", []), str(message.get("text", "")))

    @staticmethod
    def _fault_of(blocks: list[dict[str, Any]], text: str) -> str | None:
        if not blocks and not text:
            return "no_text"
        limits = {"header": 150, "section": 3000}
        texts = [(block["type"], block["text"]["text"]) for block in blocks if "text" in block]
        if len(blocks) > 50 or any(not said or len(said) > limits.get(kind, 3000) for kind, said in texts):
            return "invalid_blocks"
        return "msg_blocks_too_long" if len(json.dumps(blocks, ensure_ascii=False)) > 13_000 else None


@pytest.fixture
def slack_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackApi]:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    server = SlackApi()
    monkeypatch.setenv(API_VARIABLE, server.url)
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    yield server
    server.stop()
