"""Alerts: the published snapshot -> changes since the last alert run -> outbox -> Slack.

Every change is delivered at least once, and twice only when Slack's answer was lost. Only the snapshot is read; a data
alert about a failed run needs not even that.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from health_assets.alerts.channel_kinds import channel_of, has_addresses
from health_assets.alerts.data_alerts import DataAlert, of_stale_sources
from health_assets.alerts.delivery import Delivered, deliver
from health_assets.alerts.entry import State, entries_of
from health_assets.alerts.levels import read_published
from health_assets.alerts.message import Context, context_of, messages
from health_assets.alerts.outbox import AlertError, Outbox
from health_assets.alerts.rules import CHURNED, Kind, rules_of
from health_assets.alerts.state_file import is_delivering
from health_assets.reporting.formatting import counted
from health_assets.settings import DEFAULTS, Settings, load

__all__ = [
    "WEBHOOK_VARIABLE",
    "AlertError",
    "AlertOutcome",
    "alert",
    "deliver_due",
    "notify_failure",
    "notify_without_settings",
    "store_of",
    "undelivered",
    "work_left",
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
    published = read_published(settings)
    file = store or store_of(settings)
    attention = {account.account_id: account.attention for account in published.accounts if account.attention}
    context = context_of(settings, attention)
    with Outbox.copied(file) if dry_run else Outbox.opened(file) as outbox:
        with outbox.transaction():
            is_first = outbox.known_account_count() == 0
            rules = rules_of(settings, published.rule_versions)
            found = outbox.record(rules, published.accounts, published.as_of_date)
            outbox.add(entries_of([*found, *of_stale_sources(published.sources, published.as_of_date)]))
        before = {one.id for one in outbox.pending() if one.account_id}
        if dry_run:
            done = Delivered(texts=[message.text for message in messages(outbox.pending(), context)])
        else:
            done = deliver(settings, outbox, context)
            prune(settings, outbox)
        pending = {one.id for one in outbox.pending() if one.account_id}
    transitions = len(before & set(done.delivered))
    kinds = [transition.kind for transition in found]
    return AlertOutcome(
        as_of_date=published.as_of_date,
        is_first=is_first,
        entered=kinds.count(Kind.entered),
        worsened=kinds.count(Kind.worsened),
        cleared=sum(move.kind == Kind.left and move.now != CHURNED for move in found),
        churned=len({move.account_id for move in found if move.now == CHURNED}),
        delivered=transitions,
        pending=len(pending),
        text="\n\n".join(done.texts),
        data_alerts=len(done.delivered) - transitions,
        failure="; ".join(done.failures) or None,
        has_webhook=not dry_run and has_addresses(settings),
    )


def notify_failure(settings: Settings, fault: DataAlert) -> tuple[str, str | None]:
    """Deliver a data alert, and those that are still pending. It needs no snapshot.

    Returns the text, empty when it was delivered before, and why it could not be delivered.
    """
    with Outbox.opened(store_of(settings)) as outbox:
        with outbox.transaction():
            outbox.add(entries_of([fault], settings.alerts.default_channel))
        done = deliver(settings, outbox, context_of(settings), only=lambda one: one.account_id is None)
    return "\n\n".join(done.texts), "; ".join(done.failures) or None


def deliver_due(settings: Settings) -> Delivered:
    """Deliver what is due, without looking for anything new: no snapshot is needed.

    Raises:
        AlertError: the alert state cannot be used, or another delivery does not end.
    """
    with Outbox.opened(store_of(settings)) as outbox:
        return deliver(settings, outbox, context_of(settings))


def work_left(settings: Settings, now: datetime) -> int:
    """Alerts that a delivery would post now; 0 while one is running.

    Raises:
        AlertError: the alert state cannot be read.
    """
    store = store_of(settings)
    if not store.exists() or is_delivering(store):
        return 0
    with Outbox.copied(store) as outbox:
        outbox.recover()
        outbox.release_due(now)
        return len(outbox.due(now))


def undelivered(settings: Settings) -> list[str]:
    """Of each dead alert, its channel and why it was not delivered; the oldest first.

    Raises:
        AlertError: the alert state cannot be read.
    """
    store = store_of(settings)
    if not store.exists():
        return []
    with Outbox.copied(store) as outbox:
        return [f"channel {one.channel}: {one.failure}" for one in outbox.entries(State.dead)]


def notify_without_settings(fault: DataAlert) -> str | None:
    """Deliver a data alert when the settings, and so the outbox, cannot be read. Returns why it could not be delivered."""
    shipped = load(DEFAULTS)
    channel = channel_of(shipped.alerts.default_channel, shipped)
    (message,) = messages(entries_of([fault]), Context("health-assets"))
    return channel.post(message).reason if channel else None


def prune(settings: Settings, outbox: Outbox) -> None:
    """Forget alerts that were finished long ago."""
    with outbox.transaction():
        outbox.prune(datetime.now(UTC) - timedelta(days=settings.maintenance.keep_alerts_days))


def store_of(settings: Settings) -> Path:
    """The SQLite file of the alert state and the outbox."""
    return settings.warehouse.with_name("alerts.sqlite")
