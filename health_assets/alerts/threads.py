"""The thread of each account in a channel that a bot posts to: which message began it, and whether it was resolved.

An alert about an account with an open thread replies to the thread's first message, and good news marks that message as
resolved. A thread is open until then, or until nothing was posted in it for `alerts.thread_days`.
"""

import copy
import json
import re
import sqlite3
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from health_assets.alerts.account_alert import SEVERITIES, AccountAlert
from health_assets.alerts.markup import Mrkdwn
from health_assets.alerts.message import HEADER_CHARACTERS, Message
from health_assets.alerts.rules import CHURNED, Kind
from health_assets.alerts.state_file import stamp
from health_assets.reporting.formatting import full_day
from health_assets.settings.alerts import Severity


@dataclass(frozen=True)
class Thread:
    """The first message about an account, which others reply to."""

    place: tuple[str, str]  # Slack's channel and timestamp
    channel: str  # of the settings
    account_id: str
    severity: Severity  # the gravest so far
    last_at: datetime
    text: str
    blocks: list[dict[str, Any]]
    resolved: str | None = None  # the line that the first message is to get


def open_threads(connection: sqlite3.Connection, now: datetime, days: int) -> dict[tuple[str, str], Thread]:
    """The thread of each channel and account that is open."""
    after = stamp(now - timedelta(days=days))
    found = _read(connection, "where resolved is null and last_at >= ? order by last_at, ts", after)
    return {(one.channel, one.account_id): one for one in found}


def as_reply(message: Message, thread: Thread | None) -> Message:
    """The message as a reply to the thread, without its headline; shown in the channel too when it got worse."""
    if thread is None or message.alert is None:
        return message
    blocks = [block for block in message.blocks if block["type"] != "header"]
    is_broadcast = _is_worse(message.alert, thread)
    return replace(message, blocks=blocks, reply_to=thread.place[1], is_broadcast=is_broadcast)


def remember(
    connection: sqlite3.Connection, message: Message, thread: Thread | None, place: tuple[str, str], now: datetime
) -> None:
    """A delivered message opens a thread, goes on with one, or resolves it. To be called within a transaction."""
    if (alert := message.alert) is None:
        return
    if thread:
        severity = min(thread.severity, alert.severity, key=_gravity)
        resolved = _resolved(alert) if alert.is_resolved else None
        connection.execute(
            "update threads set severity = ?, last_at = ?, resolved = ? where posted_to = ? and ts = ?",
            [severity, stamp(now), resolved, *thread.place],
        )
    elif not alert.is_good_news:
        shown = json.dumps({"text": message.notification, "blocks": message.blocks})
        connection.execute(
            "insert or replace into threads (posted_to, ts, channel, account_id, severity, last_at, message) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            [*place, message.channel, alert.account_id, alert.severity, stamp(now), shown],
        )


def to_mark(connection: sqlite3.Connection, now: datetime) -> list[Thread]:
    """The threads whose first message is to be marked as resolved, if their channels may be posted to now."""
    return _read(
        connection,
        "left join channels using (channel) where resolved is not null "
        "and (next_attempt_at is null or next_attempt_at <= ?) order by last_at, ts",
        stamp(now),
    )


def marked(thread: Thread) -> tuple[str, list[dict[str, Any]]]:
    """The first message of a resolved thread, as text and blocks."""
    line = {"type": "section", "text": {"type": "mrkdwn", "text": thread.resolved or "", "verbatim": True}}
    head, rest = [], []
    for block in copy.deepcopy(thread.blocks):
        if block["type"] == "header":
            block["text"]["text"] = _cut(f"Resolved: {block['text']['text']}")
            head.append(block)
        else:
            rest.append(block)
    return _cut(f"Resolved: {thread.text}"), [*head, line, *rest]


def forget(connection: sqlite3.Connection, thread: Thread) -> None:
    """Nothing replies to it any more. To be called within a transaction."""
    connection.execute("delete from threads where posted_to = ? and ts = ?", thread.place)


def _cut(escaped: str) -> str:
    """Text within Slack's limit, no escape cut."""
    return (
        escaped if len(escaped) <= HEADER_CHARACTERS else re.sub(r"&\w*$", "", escaped[: HEADER_CHARACTERS - 1]) + "…"
    )


def _is_worse(alert: AccountAlert, thread: Thread) -> bool:
    if alert.is_good_news:
        return False
    return alert.rule == CHURNED or alert.kind == Kind.worsened or _gravity(alert.severity) < _gravity(thread.severity)


def _gravity(severity: Severity) -> int:
    return SEVERITIES.index(severity)


def _resolved(alert: AccountAlert) -> str:
    style = Mrkdwn()
    day = style.bold(f"Resolved on {full_day(alert.as_of_date)}")
    return f":white_check_mark: {day}. {style.words(alert.news, 300)}"


def _read(connection: sqlite3.Connection, where: str, value: str) -> list[Thread]:
    columns = "posted_to, ts, threads.channel, account_id, severity, last_at, message, resolved"
    found = []
    for posted_to, ts, channel, account_id, severity, last_at, message, resolved in connection.execute(
        f"select {columns} from threads {where}", [value]
    ):
        shown = json.loads(message)
        about = (channel, account_id, severity, datetime.fromisoformat(last_at), shown["text"], shown["blocks"])
        found.append(Thread((posted_to, ts), *about, resolved))
    return found
