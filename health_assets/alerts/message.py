"""The text of messages: Block Kit within Slack's limits, and the same as plain text. slack.py posts them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry
from health_assets.alerts.rules import CHURNED, Attention, Kind, Transition
from health_assets.reporting.formatting import counted, money, number
from health_assets.settings import Settings

BLOCKS = 50  # of a message
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
MESSAGE_CHARACTERS = 12_000  # of all blocks together: beyond about 13,000 Slack answers msg_blocks_too_long
CHANGES = 6  # shown per account; there are more only after Slack was unreachable for long
REASONS = 3
NAMES = 3  # in the notification
LINES = 5  # of a data alert

FLAGS = ("workflow", "shop", "renewal", "nps")  # rules whose alarming level is a flag, milder than a risk level
SHOWN = {("shop", "high_risk"): "flagged"}  # its own name would read like a churn risk
SPELLINGS = {
    ":large_green_circle:": "+",
    ":large_orange_circle:": "!",
    ":red_circle:": "-",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
}


@dataclass(frozen=True)
class Message:
    """One post for one channel, as blocks and as plain text."""

    key: str  # the same entries make the same key
    channel: str
    account_ids: tuple[str, ...]  # empty for a data alert
    alerts: tuple[str, ...]  # ids of the entries in it
    notification: str  # the line that a phone shows
    blocks: list[dict[str, Any]]
    text: str


@dataclass(frozen=True)
class Context:
    """What messages need besides the alerts."""

    company: str
    currency: str = ""
    attention: Mapping[str, Attention] = field(default_factory=dict)  # account -> its entry of the attention list


def context_of(settings: Settings, attention: Mapping[str, Attention] | None = None) -> Context:
    """The context of a company's messages."""
    return Context(settings.company, settings.reporting_currency, attention or {})


def messages(pending: Sequence[Entry], context: Context) -> list[Message]:
    """The pending entries in as few messages as possible: data alerts first, channel by channel."""
    found: list[Message] = []
    for channel in sorted({entry.channel for entry in pending}):
        entries = [entry for entry in pending if entry.channel == channel]
        found += [_data_message(entry, entry.body, context) for entry in entries if isinstance(entry.body, DataAlert)]
        found += _digest([(entry, entry.body) for entry in entries if isinstance(entry.body, Transition)], context)
    return found


def _key(entries: Sequence[Entry]) -> str:
    return hashlib.sha256(json.dumps([entry.id for entry in entries]).encode()).hexdigest()[:16]


def _digest(alerts: list[tuple[Entry, Transition]], context: Context) -> list[Message]:
    """All transitions of one channel, one section per account.

    Accounts that got worse come first, in the order of the attention list, then those that are not on it, then those
    that improved; the highest MRR first.
    """
    currency, listed = context.currency, context.attention
    if not alerts:
        return []
    moves = [move for _, move in alerts]
    entries = {move.id: entry for entry, move in alerts}
    by_account: dict[str, list[Transition]] = {}
    for move in moves:
        by_account.setdefault(move.account_id, []).append(move)
    accounts = [by_account[account_id] for account_id in sorted(by_account)]
    accounts.sort(key=lambda of_one: (not _is_worse(of_one), _rank(of_one, listed), -_mrr(of_one)))
    parts = _parts([(of_one, _section(of_one, currency, listed.get(of_one[0].account_id))) for of_one in accounts])
    worse = [of_one for of_one in accounts if _is_worse(of_one)]
    counts = f"{counted(len(worse), 'account')} got worse, {len(accounts) - len(worse)} improved"
    summary = f"As of {max(move.as_of_date for move in moves)}"
    if worse:
        summary += f" · {money(sum(map(_mrr, worse)), clipped(currency, 10))} MRR in accounts that got worse"
    found = []
    for place, part in enumerate(parts, 1):
        of_all = f" ({place}/{len(parts)})" if len(parts) > 1 else ""
        tail = f": {counts}{of_all}"
        title = clipped(context.company, HEADER_CHARACTERS - len(tail)) + tail
        sections = [section for _, section in part]
        shown = [entries[move.id] for of_one, _ in part for move in of_one]
        found.append(
            Message(
                key=_key(shown),
                channel=shown[0].channel,
                account_ids=tuple(of_one[0].account_id for of_one, _ in part),
                alerts=tuple(entry.id for entry in shown),
                notification=f"{title}: {_names([of_one[-1].name for of_one, _ in part])}",
                blocks=[
                    {"type": "header", "text": {"type": "plain_text", "text": title}},
                    {"type": "context", "elements": [_mrkdwn(summary)]},
                    *({"type": "section", "text": _mrkdwn(section)} for section in sections),
                ],
                text=_plain("\n\n".join([f"{title}\n{summary}", *sections])),
            )
        )
    return found


def _data_message(entry: Entry, one: DataAlert, context: Context) -> Message:
    tail = f": {clipped(one.title, 100)}"
    title = clipped(context.company, HEADER_CHARACTERS - len(tail)) + tail
    lines = [f"• {clipped(line, 400)}" for line in one.lines[:LINES]]
    if len(one.lines) > LINES:
        lines.append(f"and {len(one.lines) - LINES} more")
    section = "\n".join([*lines, clipped(one.remedy, 400)])
    summary = f"Data alert, as of {one.as_of_date}"
    return Message(
        key=_key([entry]),
        channel=entry.channel,
        account_ids=(),
        alerts=(entry.id,),
        notification=title,
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": title}},
            {"type": "context", "elements": [_mrkdwn(summary)]},
            {"type": "section", "text": _mrkdwn(section)},
        ],
        text=_plain(f"{title}\n{summary}\n\n{section}"),
    )


def clipped(text: str, limit: int) -> str:
    """The text on one line, with `&`, `<` and `>` escaped, at most `limit` characters long and never cut within an escape."""
    pieces: list[str] = []
    length = 0
    for character in " ".join(text.split()):
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if length + len(piece) > limit - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def _section(moves: list[Transition], currency: str, attention: Attention | None) -> str:
    last = moves[-1]
    amount = None if last.mrr is None else money(last.mrr, clipped(currency, 10))
    mrr = f"{amount} MRR" if amount else "MRR unknown"
    if last.now == CHURNED:
        mrr = f"lost MRR {amount or 'unknown'}"
    account_id = "" if last.account_id == last.name else f" ({clipped(last.account_id, 100)})"
    lines = [f"*{clipped(last.name, 300)}*{account_id} · {mrr}"]
    if len(moves) > CHANGES:
        lines.append(counted(len(moves) - CHANGES, "earlier change"))
    lines += [_change(move) for move in moves[-CHANGES:]]
    if last.health_score is not None:
        trend = "" if last.trend_30d is None else f", {number(last.trend_30d, 1, '+')} in 30 days"
        lines.append(f"Health score {number(last.health_score, 1)}{trend}")
    still = "" if _is_worse(moves) else "still: "  # an improved account keeps the reasons that have not gone away
    lines += [f"• {still}{clipped(reason, 350)}" for reason in last.reasons[:REASONS]]
    if attention and _is_worse(moves):
        step = f"{clipped(attention.next_step, 300)} ({clipped(attention.owner_role, 100)}, within {counted(attention.days, 'day')})"
        lines.append(f"Next step: {step}")
    lines.append(f"Owner: {clipped(last.owner, 100) if last.owner else 'none'}")
    return "\n".join(lines)


def _change(move: Transition) -> str:
    words = [SHOWN.get((move.rule, level), level) if level else "" for level in (move.before, move.now)]
    before, now = (clipped(word.replace("_", " "), 40) for word in words)
    alarm = ":large_orange_circle:" if move.rule in FLAGS else ":red_circle:"
    sign = ":large_green_circle:" if _is_better(move) else alarm
    levels = f"{before} → {now}" if before else f"{now}, no earlier level"
    reason = f": {clipped(move.sentence, 200)}" if move.sentence else ""
    return f"{sign} {move.label}: {levels} ({move.as_of_date}){reason}"


def _parts(sections: list[tuple[list[Transition], str]]) -> list[list[tuple[list[Transition], str]]]:
    parts: list[list[tuple[list[Transition], str]]] = [[]]
    length = 0
    for moves, section in sections:
        if parts[-1] and (len(parts[-1]) >= BLOCKS - 2 or length + len(section) > MESSAGE_CHARACTERS - 500):
            parts.append([])
            length = 0
        parts[-1].append((moves, section))
        length += len(section)
    return parts


def _is_better(move: Transition) -> bool:
    return move.kind == Kind.left and move.now != CHURNED


def _is_worse(moves: list[Transition]) -> bool:
    return not all(map(_is_better, _latest(moves)))


def _rank(moves: list[Transition], attention: Mapping[str, Attention]) -> float:
    entry = attention.get(moves[0].account_id)
    return entry.rank if entry else inf


def _latest(moves: list[Transition]) -> list[Transition]:
    """The last move under each rule."""
    return list({move.rule: move for move in moves}.values())


def _mrr(moves: list[Transition]) -> float:
    return moves[-1].mrr or 0.0


def _names(names: list[str]) -> str:
    shown = ", ".join(clipped(name, 60) for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # so that names do not become links or mentions


def _plain(text: str) -> str:
    for sign, spelled in SPELLINGS.items():
        text = text.replace(sign, spelled)
    return text
