"""Alerts: the published snapshot -> changes since the last alert run -> outbox -> Slack.

Every change is delivered at least once, and twice only when Slack's answer was lost. Only the snapshot is read; a data
alert about a failed run needs not even that.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from health_assets.alerts.data_alerts import DataAlert, of_stale_sources
from health_assets.alerts.entry import entries_of
from health_assets.alerts.levels import read_published
from health_assets.alerts.message import Context, Message, context_of, messages
from health_assets.alerts.outbox import AlertError, Outbox
from health_assets.alerts.rules import CHURNED, Kind, rules_of
from health_assets.alerts.slack import Webhook
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings

__all__ = [
    "WEBHOOK_VARIABLE",
    "AlertError",
    "AlertOutcome",
    "alert",
    "notify_failure",
    "notify_without_settings",
    "store_of",
]

WEBHOOK_VARIABLE = "SLACK_WEBHOOK_URL"


@dataclass(frozen=True)
class AlertOutcome:
    """What an alert run found and delivered."""

    as_of_date: date
    is_first: bool  # there were no levels to compare with
    entered: int
    worsened: int
    cleared: int  # moves from an alarming level to a better one
    churned: int  # accounts
    delivered: int  # transitions, with those of earlier runs
    pending: int  # transitions that stay in the outbox for the next run
    text: str  # the messages as plain text; empty when there are none
    data_alerts: int = 0  # delivered, with those of earlier runs
    failure: str | None = None  # why something could not be delivered
    has_webhook: bool = False  # without one the text is to be printed instead

    def summary(self) -> str:
        """One sentence for a log."""
        if self.is_first:
            summary = f"As of {self.as_of_date}: the first alert run has nothing to compare with; alerts start with the next change"
        else:
            summary = (
                f"As of {self.as_of_date}: {self.entered} entered, {self.worsened} worsened, "
                f"{self.cleared} cleared, {self.churned} churned; "
                f"{self.delivered} delivered, {self.pending} pending"
            )
        if self.data_alerts:
            summary += f"; {counted(self.data_alerts, 'data alert')} delivered"
        return f"{summary} ({self.failure})" if self.failure else summary


def alert(settings: Settings, *, dry_run: bool = False, store: Path | None = None) -> AlertOutcome:
    """Find what changed since the last as-of day, and deliver it together with what is still pending.

    Args:
        settings: the company's; the snapshot is the one it publishes.
        dry_run: give the messages only; nothing is delivered, saved or written.
        store: the SQLite file of the alert state; see `store_of` when not given.

    Raises:
        SnapshotError: nothing has been published yet, or by another version.
        AlertError: the alert state or the webhook's address cannot be used.
    """
    webhook = None if dry_run else _webhook()
    published = read_published(settings)
    file = store or store_of(settings)
    with Outbox.copied(file) if dry_run else Outbox.opened(file) as outbox:
        with outbox.transaction():
            is_first = outbox.known_account_count() == 0
            rules = rules_of(settings, published.rule_versions)
            found = outbox.record(rules, published.accounts, published.as_of_date)
            outbox.add(of_stale_sources(published.sources, published.as_of_date))
            pending, faults = outbox.pending(), outbox.pending_data_alerts()
        attention = {account.account_id: account.attention for account in published.accounts if account.attention}
        posts = messages(entries_of([*faults, *pending]), context_of(settings, attention))
        delivered, failure = ([], None) if dry_run else _deliver(outbox, posts, webhook)
    transitions = len({move.id for move in pending}.intersection(delivered))
    kinds = [transition.kind for transition in found]
    return AlertOutcome(
        as_of_date=published.as_of_date,
        is_first=is_first,
        entered=kinds.count(Kind.entered),
        worsened=kinds.count(Kind.worsened),
        cleared=sum(move.kind == Kind.left and move.now != CHURNED for move in found),
        churned=len({move.account_id for move in found if move.now == CHURNED}),
        delivered=transitions,
        pending=len(pending) - transitions,
        text="\n\n".join(message.text for message in posts),
        data_alerts=len(delivered) - transitions,
        failure=failure,
        has_webhook=webhook is not None,
    )


def notify_failure(settings: Settings, fault: DataAlert) -> tuple[str, str | None]:
    """Deliver a data alert, and those that are still pending. It needs no snapshot.

    Returns the text, empty when it was delivered before, and why it could not be delivered.
    """
    webhook = _webhook()
    with Outbox.opened(store_of(settings)) as outbox:
        with outbox.transaction():
            outbox.add([fault])
            pending = outbox.pending_data_alerts()
        posts = messages(entries_of(pending), context_of(settings))
        _, failure = _deliver(outbox, posts, webhook)
    return "\n\n".join(message.text for message in posts), failure


def notify_without_settings(fault: DataAlert) -> str | None:
    """Deliver a data alert when the settings, and so the outbox, cannot be read. Returns why it could not be delivered."""
    webhook = _webhook()
    (message,) = messages(entries_of([fault]), Context("health-assets"))
    return webhook.post(message) if webhook else None


def store_of(settings: Settings) -> Path:
    """The SQLite file of the alert state and the outbox."""
    return settings.warehouse.with_name("alerts.sqlite")


def _deliver(outbox: Outbox, posts: list[Message], webhook: Webhook | None) -> tuple[list[str], str | None]:
    """Post message by message, each in the transaction that marks it, so that two alert runs never post the same.

    Returns the ids that were delivered, by this run or another, and why something could not be delivered.
    """
    delivered: list[str] = []
    failure = None
    for message in posts:
        with outbox.transaction():
            if outbox.are_pending(message.alerts):
                refusal = webhook.post(message) if webhook else None
                failure = failure or refusal
                if refusal == "HTTP 400":
                    continue  # Slack does not accept this message, but may accept the next
                if refusal:
                    break
                outbox.mark_delivered(message.alerts)
            delivered += message.alerts
    return delivered, failure


def _webhook() -> Webhook | None:
    url = os.environ.get(WEBHOOK_VARIABLE, "").strip()
    if not url:
        return None
    if not url.startswith(("https://", "http://")):
        raise AlertError(f"{WEBHOOK_VARIABLE}: is not a URL; give that of the incoming webhook, https://...")
    return Webhook(url)
