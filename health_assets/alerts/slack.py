"""How a digest is worded and posted: Block Kit within Slack's limits, to an incoming webhook.

The webhook's URL is a secret: it stays in `Webhook`, and what is said of a failure is a status or the kind of an error.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.webhook import WebhookClient

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.rules import CHURNED, Kind, Transition
from health_assets.reporting.formatting import number

BLOCKS = 50  # of a message
HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 3000
MESSAGE_CHARACTERS = 12_000  # of all blocks together: beyond about 13,000 Slack answers msg_blocks_too_long
CHANGES = 6  # shown of one account; more pile up only when Slack was out of reach for long
REASONS = 3
NAMES = 3  # in the notification
LINES = 5  # of a data alert

FLAGS = ("workflow", "shop", "renewal", "nps")  # rules whose alarm is a flag, milder than a level of risk
SHOWN = {("shop", "high_risk"): "flagged"}  # else it reads like a churn risk
SPELLINGS = {
    ":large_green_circle:": "+",
    ":large_orange_circle:": "!",
    ":red_circle:": "-",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
}

ATTEMPTS = 4
LONGEST_PAUSE = 30.0  # seconds; who asks for more is asked again by the next alert run
SECONDS_PER_POST = 15

_silent = logging.Logger("health_assets.alerts.slack", logging.CRITICAL + 1)  # slack_sdk logs the URL on debug


@dataclass(frozen=True)
class Message:
    """One post: the accounts or the data alert in it, as blocks and as plain text."""

    moves: Sequence[Transition | DataAlert]
    notification: str  # what a telephone shows of it
    blocks: list[dict[str, Any]]
    text: str


# -- wording ----------------------------------------------------------------------------------------------------------


def digest(moves: Sequence[Transition], company: str, currency: str) -> list[Message]:
    """All moves as few messages, one section an account.

    Those whose churn risk became critical come first, then the others that got worse, each with the most money first.
    """
    if not moves:
        return []
    by_account: dict[str, list[Transition]] = {}
    for move in moves:
        by_account.setdefault(move.account_id, []).append(move)
    accounts = [by_account[account_id] for account_id in sorted(by_account)]
    accounts.sort(key=lambda of_one: (not _is_worse(of_one), not _is_critical(of_one), -_mrr(of_one)))
    parts = _parts([(of_one, _section(of_one, currency)) for of_one in accounts])
    worse = [of_one for of_one in accounts if _is_worse(of_one)]
    counts = f"{_count(len(worse), 'account')} got worse, {len(accounts) - len(worse)} better"
    context = f"As of {max(move.as_of_date for move in moves)}"
    if worse:
        context += f" · {_money(sum(map(_mrr, worse)), currency)} MRR in the accounts that got worse"
    messages = []
    for place, part in enumerate(parts, 1):
        of_all = f" ({place}/{len(parts)})" if len(parts) > 1 else ""
        tail = f": {counts}{of_all}"
        title = clipped(company, HEADER_CHARACTERS - len(tail)) + tail
        sections = [section for _, section in part]
        messages.append(
            Message(
                moves=[move for of_one, _ in part for move in of_one],
                notification=f"{title}: {_names([of_one[-1].name for of_one, _ in part])}",
                blocks=[
                    {"type": "header", "text": {"type": "plain_text", "text": title}},
                    {"type": "context", "elements": [_mrkdwn(context)]},
                    *({"type": "section", "text": _mrkdwn(section)} for section in sections),
                ],
                text=_plain("\n\n".join([f"{title}\n{context}", *sections])),
            )
        )
    return messages


def data_messages(alerts: Sequence[DataAlert], company: str) -> list[Message]:
    """One message for each data alert."""
    return [_data_message(one, company) for one in alerts]


def _data_message(one: DataAlert, company: str) -> Message:
    tail = f": {clipped(one.title, 100)}"
    title = clipped(company, HEADER_CHARACTERS - len(tail)) + tail
    lines = [f"• {clipped(line, 400)}" for line in one.lines[:LINES]]
    if len(one.lines) > LINES:
        lines.append(f"and {len(one.lines) - LINES} more")
    section = "\n".join([*lines, clipped(one.remedy, 400)])
    context = f"Data alert, as of {one.as_of_date}"
    return Message(
        moves=[one],
        notification=title,
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": title}},
            {"type": "context", "elements": [_mrkdwn(context)]},
            {"type": "section", "text": _mrkdwn(section)},
        ],
        text=_plain(f"{title}\n{context}\n\n{section}"),
    )


def clipped(text: str, limit: int) -> str:
    """One line, `&`, `<` and `>` escaped, no longer than the limit and never cut within an escape."""
    pieces: list[str] = []
    length = 0
    for character in " ".join(text.split()):
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(character, character)
        if length + len(piece) > limit - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces)


def _section(moves: list[Transition], currency: str) -> str:
    last = moves[-1]
    money = "MRR unknown" if last.mrr is None else f"{_money(last.mrr, currency)} MRR"
    account_id = "" if last.account_id == last.name else f" ({clipped(last.account_id, 100)})"
    lines = [f"*{clipped(last.name, 300)}*{account_id} · {money}"]
    if len(moves) > CHANGES:
        lines.append(f"{len(moves) - CHANGES} earlier changes")
    lines += [_change(move) for move in moves[-CHANGES:]]
    if last.health_score is not None:
        trend = "" if last.trend_30d is None else f", {number(last.trend_30d, 1, '+')} in 30 days"
        lines.append(f"Health score {number(last.health_score, 1)}{trend}")
    still = "" if _is_worse(moves) else "still: "  # what raises the risk of an account that got better has remained
    lines += [f"• {still}{clipped(reason, 350)}" for reason in last.reasons[:REASONS]]
    lines.append(f"Owner: {clipped(last.owner, 100) if last.owner else 'nobody'}")
    return "\n".join(lines)


def _change(move: Transition) -> str:
    words = [SHOWN.get((move.rule, level), level) if level else "" for level in (move.before, move.now)]
    before, now = (clipped(word.replace("_", " "), 40) for word in words)
    alarm = ":large_orange_circle:" if move.rule in FLAGS else ":red_circle:"
    sign = ":large_green_circle:" if _is_better(move) else alarm
    moved = "improved" if _is_better(move) and move.is_alarming else move.kind
    came = f"{before} → {now}" if before else f"{now}, not known before"
    because = f": {clipped(move.sentence, 200)}" if move.sentence else ""
    return f"{sign} {move.label} {moved}: {came} ({move.as_of_date}){because}"


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


def _is_critical(moves: list[Transition]) -> bool:
    return any(move.rule == "risk_level" and move.now == "critical" for move in _latest(moves))


def _latest(moves: list[Transition]) -> list[Transition]:
    """The last move under each rule."""
    return list({move.rule: move for move in moves}.values())


def _mrr(moves: list[Transition]) -> float:
    return moves[-1].mrr or 0.0


def _names(names: list[str]) -> str:
    shown = ", ".join(clipped(name, 60) for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"


def _money(amount: float, currency: str) -> str:
    return f"{clipped(currency, 10)} {number(amount)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: names are not turned into links or mentions


def _plain(text: str) -> str:
    for sign, spelled in SPELLINGS.items():
        text = text.replace(sign, spelled)
    return text


# -- posting ----------------------------------------------------------------------------------------------------------


class Webhook:
    """An incoming webhook; its URL can be posted to but not read."""

    def __init__(self, url: str) -> None:
        self.__client = WebhookClient(url.strip(), timeout=SECONDS_PER_POST, logger=_silent, retry_handlers=[])

    def __repr__(self) -> str:
        return "Webhook(***)"

    def post(self, message: Message) -> str | None:
        """Post a message, again after 429 (when Slack says so), 5xx and failed connections.

        Returns why it was not accepted, in words without the URL; None when it was.
        """
        trouble = None
        for attempt in range(ATTEMPTS):
            pause = float(2**attempt)
            try:
                answer = self.__client.send(text=message.notification, blocks=message.blocks)
            except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the URL
                trouble = f"no connection ({type(error).__name__})"
            else:
                if 200 <= answer.status_code < 300:
                    return None
                trouble = f"HTTP {answer.status_code}"
                if answer.status_code == 429:
                    pause = _asked_for(answer.headers, pause)
                elif answer.status_code < 500:
                    return trouble
            if pause > LONGEST_PAUSE:
                return trouble
            if attempt < ATTEMPTS - 1:
                time.sleep(pause)
        return trouble


def _asked_for(headers: dict[str, Any], otherwise: float) -> float:
    values = [value for name, value in headers.items() if name.lower() == "retry-after"]
    value = values[0][0] if values and isinstance(values[0], list) else (values[0] if values else None)
    try:
        return max(0.0, float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return otherwise
