"""The text of messages: Block Kit within Slack's limits, and the same as plain text.

What an alert says about an account is made in account_alert.py; markup.py makes names harmless; slack.py posts.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import inf
from typing import Any

from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, MarkdownTextObject, PlainTextObject, SectionBlock

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.entry import Entry
from health_assets.alerts.headline import headline, on_the_list
from health_assets.alerts.markup import Mrkdwn, PlainText, Style, account_url, clipped, cut
from health_assets.alerts.rules import CHURNED
from health_assets.alerts.weekly import Digest, Item
from health_assets.reporting.formatting import counted, day_and_month, money
from health_assets.reporting.scope import Scope
from health_assets.settings import Settings
from health_assets.settings.alerts import Person

HEADER_CHARACTERS = 150
SECTION_CHARACTERS = 2_900  # Slack allows 3,000
MESSAGE_CHARACTERS = 9_500  # of all blocks as JSON; Slack rejects a message somewhere above 13,000
NAMES = 3  # in the notification
NAMES_OF_MORE = 10  # of the accounts that are not shown in full
EARLIER = 3  # changes of an account on earlier days; there are some only after nothing could be delivered for long
LINES = 5  # of a data alert
LINES_OF_WEEK = 12
SIGNS = {"critical": ":red_circle:", "warning": ":large_orange_circle:", "info": ":large_green_circle:"}
PLAIN_SIGNS = {"critical": "-", "warning": "!", "info": "+"}
REPEATED = "possibly a repeat of an earlier message"


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
    alert: AccountAlert | None = None  # the last one, of a message about one account that replies can follow
    reply_to: str | None = None  # Slack's timestamp of the message that this one replies to
    is_broadcast: bool = False  # the reply is shown in the channel too
    report_of: Scope | None = None  # of a weekly digest: the accounts of which it is; None of all other messages
    attachment: tuple[str, str] | None = None  # name and HTML of a file, for channels that take files


@dataclass(frozen=True)
class Context:
    """What messages need besides the alerts; all of it from the settings."""

    company: str
    currency: str = ""
    account_link: str | None = None
    list_link: str | None = None
    people: Mapping[str, Person] = field(default_factory=dict)
    accounts_shown: int = 10
    by_account: frozenset[str] = frozenset()  # channels that get a message for each account


def context_of(settings: Settings) -> Context:
    """The context of a company's messages."""
    links, shown = settings.links, settings.alerts.accounts_shown
    bots = frozenset(name for name, channel in settings.alerts.channels.items() if channel.bot)
    return Context(
        settings.company, settings.reporting_currency, links.account, links.list, settings.people, shown, bots
    )


def messages(pending: Sequence[Entry], context: Context) -> list[Message]:
    """The pending entries channel by channel: each data alert by itself, then the accounts.

    All accounts of a channel are in one message, unless the channel gets one for each.
    """
    found: list[Message] = []
    for channel in sorted({entry.channel for entry in pending}):
        entries = [entry for entry in pending if entry.channel == channel]
        found += [_data_message(entry, entry.body, context) for entry in entries if isinstance(entry.body, DataAlert)]
        found += [_weekly_message(entry, entry.body, context) for entry in entries if isinstance(entry.body, Digest)]
        if about_accounts := [entry for entry in entries if isinstance(entry.body, AccountAlert)]:
            by_account = channel in context.by_account
            found += _of_each(about_accounts, context) if by_account else [_digest(about_accounts, context)]
    return found


def _in_order(entries: Sequence[Entry]) -> list[list[AccountAlert]]:
    """The alerts of each account: bad news first, then the order of the attention list, then the highest MRR."""
    by_account: dict[str, list[AccountAlert]] = {}
    for entry in sorted(entries, key=lambda one: (one.as_of_date, one.id)):
        if isinstance(entry.body, AccountAlert):
            by_account.setdefault(entry.body.account_id, []).append(entry.body)
    return sorted(by_account.values(), key=_order)


def _of_each(entries: Sequence[Entry], context: Context) -> list[Message]:
    """One message about each account, which later ones can reply to."""
    found = []
    for alerts in _in_order(entries):
        last = alerts[-1]
        own = [entry for entry in entries if entry.account_id == last.account_id]
        footer = _footer(context, last.as_of_date, own, [last])
        section = _account(alerts, Mrkdwn(), SIGNS, context)
        name = cut(last.name, 100)
        title = f"{name} {last.rule}" if last.is_good_news or last.rule == CHURNED else f"News about {name}"
        found.append(
            Message(
                key=_key(own),
                channel=own[0].channel,
                account_ids=(last.account_id,),
                alerts=tuple(entry.id for entry in own),
                notification=f"{clipped(last.name, 60)}: {clipped(last.news, HEADER_CHARACTERS)}",
                blocks=_blocks(title, [section], footer(Mrkdwn())),
                text=f"{_account(alerts, PlainText(), PLAIN_SIGNS, context)}\n\n{footer(PlainText())}",
                alert=last,
            )
        )
    return found


def _digest(entries: Sequence[Entry], context: Context) -> Message:
    """One message about all accounts."""
    accounts = _in_order(entries)
    title = headline([alerts[-1] for alerts in accounts], context.currency)
    footer = _footer(context, max(entry.as_of_date for entry in entries), entries, [alerts[-1] for alerts in accounts])
    sections = [_account(alerts, Mrkdwn(), SIGNS, context) for alerts in accounts[: context.accounts_shown]]
    names = [alerts[-1].name for alerts in accounts]
    shown, blocks = _within_limits(sections, names, title, footer(Mrkdwn()), context)
    plain = [_account(alerts, PlainText(), PLAIN_SIGNS, context) for alerts in accounts[:shown]]
    plain += _more(names[shown:], PlainText(), context)
    return Message(
        key=_key(entries),
        channel=entries[0].channel,
        account_ids=tuple(alerts[0].account_id for alerts in accounts),
        alerts=tuple(entry.id for entry in entries),
        notification=f"{clipped(title, HEADER_CHARACTERS)}: {_names(names)}",
        blocks=blocks,
        text="\n\n".join([title, *plain, footer(PlainText())]),
    )


def _within_limits(
    sections: Sequence[str], names: Sequence[str], title: str, footer: str, context: Context
) -> tuple[int, list[dict[str, Any]]]:
    """As many sections as Slack allows, the other accounts by name. Returns how many, and the blocks."""
    shown = len(sections)
    while True:
        blocks = _blocks(title, [*sections[:shown], *_more(names[shown:], Mrkdwn(), context)], footer)
        if shown <= 1 or len(json.dumps(blocks, ensure_ascii=False)) <= MESSAGE_CHARACTERS:
            return shown, blocks
        shown -= 1


def _order(alerts: Sequence[AccountAlert]) -> tuple[bool, bool, float, float, str]:
    last = alerts[-1]
    is_listed = last.rank is not None or last.rule == CHURNED
    return last.is_good_news, not is_listed, last.rank or -inf, -(last.mrr or 0.0), last.account_id


def _account(alerts: Sequence[AccountAlert], style: Style, signs: Mapping[str, str], context: Context) -> str:
    """One account: its name, its money, what changed, why, what to do, who."""
    *earlier, last = alerts
    name = style.link(style.words(last.name, 200), account_url(context.account_link, last.account_id))
    lines = [f"{signs[last.severity]} {style.bold(name)} · {_money(last, context)}", style.words(last.news, 300)]
    lines += [f"• {style.words(reason, 250)}" for reason in last.reasons]
    before = [f"{day_and_month(one.as_of_date)}: {style.words(one.news, 200)}" for one in earlier[-EARLIER:][::-1]]
    ends = [f"{style.bold('Next step:')} {style.words(last.next_step, 300)}"] if last.next_step else []
    ends.append(f"Owner: {style.person(last.owner, context.people) if last.owner else 'none'}")
    while len("\n".join([*lines, *before, *ends])) > SECTION_CHARACTERS and before:
        before.pop()  # so that nothing is cut in the middle of a link or a mention
    return "\n".join([*lines, *before, *ends])


def _money(alert: AccountAlert, context: Context) -> str:
    if alert.mrr is None:
        return "MRR unknown"
    amount = money(alert.mrr, clipped(context.currency, 10))
    return f"paid {amount} MRR" if alert.rule == CHURNED else f"{amount} MRR"


def _more(rest: Sequence[str], style: Style, context: Context) -> list[str]:
    """A line about the accounts that are not shown in full."""
    if not rest:
        return []
    names = [style.words(name, 60) for name in rest[:NAMES_OF_MORE]]
    others = len(rest) - len(names)
    listed = ", ".join(names) + (f" and {counted(others, 'other')}" if others else "")
    where = style.link("see the list", context.list_link) if context.list_link else "health-assets alerts list"
    return [f"{style.bold(f'and {len(rest)} more')}: {listed} · {where}"]


def _footer(
    context: Context, day: date, entries: Sequence[Entry], latest: Sequence[AccountAlert] = ()
) -> Callable[[Style], str]:
    note = on_the_list([one for one in latest if one.as_of_date == day])
    note += f" · {REPEATED}" if any(entry.possibly_repeated for entry in entries) else ""
    return lambda style: f"{style.words(context.company, 100)} · as of {day_and_month(day)}{note}"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(clipped(name, 60) for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"


def _weekly_message(entry: Entry, digest: Digest, context: Context) -> Message:
    """Where things stand, then the accounts to contact."""
    footer = _footer(context, digest.as_of_date, [entry])
    names = [item.name for item in digest.items]

    def sections(style: Style) -> list[str]:
        lines = "\n".join(style.words(line, 200) for line in digest.lines[:LINES_OF_WEEK])
        items = [_item(item, style, context, shows_owner=digest.owner is None) for item in digest.items]
        return [lines, *items] if lines else items

    has_lines = bool(digest.lines)
    marked = sections(Mrkdwn())[: context.accounts_shown + has_lines]
    shown, blocks = _within_limits(marked, [""] * has_lines + names, digest.title, footer(Mrkdwn()), context)
    plain = [*sections(PlainText())[:shown], *_more(names[shown - has_lines :], PlainText(), context)]
    return Message(
        key=_key([entry]),
        channel=entry.channel,
        account_ids=tuple(item.account_id for item in digest.items),
        alerts=(entry.id,),
        notification=clipped(digest.title, HEADER_CHARACTERS),
        blocks=blocks,
        text="\n\n".join([digest.title, *plain, footer(PlainText())]),
        report_of=Scope(owner=digest.owner),
    )


def _item(item: Item, style: Style, context: Context, *, shows_owner: bool) -> str:
    name = style.link(style.words(item.name, 200), account_url(context.account_link, item.account_id))
    amount = "MRR unknown" if item.mrr is None else f"{money(item.mrr, clipped(context.currency, 10))} MRR"
    lines = [f"{style.bold(name)} · {amount}", style.words(item.news, 400)]
    lines.append(f"{style.bold('Next step:')} {style.words(item.next_step, 300)}")
    if shows_owner:
        lines.append(f"Owner: {style.person(item.owner, context.people) if item.owner else 'none'}")
    return "\n".join(lines)


def _data_message(entry: Entry, alert: DataAlert, context: Context) -> Message:
    title = alert.title
    footer = _footer(context, alert.as_of_date, [entry])

    def section(style: Style) -> str:
        lines = [f"• {style.words(line, 400)}" for line in alert.lines[:LINES]]
        if len(alert.lines) > LINES:
            lines.append(f"and {len(alert.lines) - LINES} more")
        return "\n".join([*lines, style.words(alert.remedy, 400)])

    return Message(
        key=_key([entry]),
        channel=entry.channel,
        account_ids=(),
        alerts=(entry.id,),
        notification=f"{clipped(context.company, 60)}: {clipped(title, 100)}",
        blocks=_blocks(title, [section(Mrkdwn())], f"Data alert · {footer(Mrkdwn())}"),
        text="\n\n".join([title, section(PlainText()), f"Data alert · {footer(PlainText())}"]),
    )


def _blocks(title: str, sections: Sequence[str], footer: str) -> list[dict[str, Any]]:
    """Validated by slack_sdk; verbatim, so that names do not become links or mentions."""
    blocks: list[Block] = [HeaderBlock(text=PlainTextObject(text=clipped(title, HEADER_CHARACTERS), emoji=False))]
    blocks += [
        SectionBlock(text=MarkdownTextObject(text=text[:SECTION_CHARACTERS], verbatim=True)) for text in sections
    ]
    blocks.append(ContextBlock(elements=[MarkdownTextObject(text=footer, verbatim=True)]))
    return [block.to_dict() for block in blocks]


def _key(entries: Sequence[Entry]) -> str:
    return hashlib.sha256(json.dumps([entry.id for entry in entries]).encode()).hexdigest()[:16]
