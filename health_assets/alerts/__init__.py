"""Alerts: the published snapshot -> changes since the last alert run -> outbox -> channels.

Every change is delivered at least once, and twice only when a channel's answer was lost. Only the snapshot is read; a data
alert about a failed run needs not even that.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from health_assets.alerts.channel_kinds import channel_of, has_addresses
from health_assets.alerts.data_alerts import DataAlert, of_stale_sources
from health_assets.alerts.delivery import Delivered, deliver
from health_assets.alerts.entry import DATA, Entry, State, entry_of
from health_assets.alerts.history_file import write_history
from health_assets.alerts.level_state import first_event, first_passed_day
from health_assets.alerts.levels import read_published
from health_assets.alerts.message import Context, context_of, messages
from health_assets.alerts.outbox import AlertError, Outbox, store_of
from health_assets.alerts.past_days import passed_days
from health_assets.alerts.recording import Recorded, recorded
from health_assets.alerts.routing import SILENCED, digest_entries, entries_of, follow_hours, superseded, waits_until
from health_assets.alerts.rules import CHURNED, rules_of
from health_assets.alerts.state_file import is_delivering
from health_assets.alerts.threads import to_mark
from health_assets.reporting.formatting import counted
from health_assets.settings import DEFAULTS, Settings, load
from health_assets.settings.notes import alert_history
from health_assets.sources.account_notes import silenced

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
    """What an alert run found and delivered; counts are accounts where nothing else is said."""

    as_of_date: date
    is_first: bool  # there were no levels to compare with
    changed: int  # those counted that churned, recovered or renewed
    churned: int
    better: int  # recovered or renewed
    listed: int  # on the attention list, changed or not
    silenced: int  # of these: not to be posted
    delivered: int  # alerts, with those of earlier runs
    pending: int  # alerts that stay in the outbox for the next run
    held: dict[str, int]  # until when and why -> alerts that wait, with those of earlier runs
    text: str  # the messages as plain text; empty when there are none
    data_alerts: int = 0  # delivered, with those of earlier runs
    failure: str | None = None  # why something could not be delivered
    warnings: str | None = None  # what did not work with messages that were delivered
    has_webhook: bool = False  # without one the text is to be printed instead

    def summary(self) -> str:
        """One sentence for a log."""
        if self.is_first:
            summary = f"As of {self.as_of_date}: the first alert run has nothing to compare with; alerts start with the next change"
        elif not self.changed:
            summary = (
                f"As of {self.as_of_date}: no account has changed since the last alerts, {self.listed} on the attention list; "
                f"{self.delivered} delivered, {self.pending} pending"
            )
        else:
            summary = (
                f"As of {self.as_of_date}: {counted(self.changed, 'account')} changed ({self.churned} churned, {self.better} recovered or "
                f"renewed), {self.listed} on the attention list; {self.delivered} delivered, {self.pending} pending"
            )
        if not self.is_first:
            summary += "".join(f", {count} held {why}" for why, count in self.held.items())
            summary += f", {self.silenced} silenced" if self.silenced else ""
        if self.data_alerts:
            summary += f"; {counted(self.data_alerts, 'data alert')} delivered"
        said = "; ".join(one for one in (self.failure, self.warnings) if one)
        return f"{summary} ({said})" if said else summary


def alert(settings: Settings, *, dry_run: bool = False) -> AlertOutcome:
    """Find what changed since the last as-of day, and deliver it together with what is still pending.

    Args:
        settings: the company's; the snapshot is the one it publishes.
        dry_run: give the messages only; nothing is delivered, saved or written.

    Raises:
        SnapshotError: nothing has been published yet, or by another version.
        AlertError: the alert state cannot be used, or another delivery does not end.
    """
    with Outbox.copied(store_of(settings)) if dry_run else Outbox.of(settings) as outbox:
        as_of_date, listed, found = _find(settings, outbox)
        before = {one.id for one in (*outbox.pending(), *outbox.held()) if one.account_id}
        if dry_run:
            done = Delivered(texts=_shown(outbox, settings))
        else:
            done = deliver(settings, outbox, context_of(settings))
            _prune(settings, outbox)
            _write_history(settings, outbox)
        pending = {one.id for one in outbox.pending() if one.account_id}
        faults = {one.id for one in outbox.entries() if one.rule == DATA}
        about = {one.body.id: one.state for one in outbox.entries() if one.account_id}
        held = {one.body.id: waits_until(one, settings) for one in outbox.held() if one.account_id}
    new = [*found.alerts, *found.held]
    transitions = len(before & set(done.delivered))
    return AlertOutcome(
        as_of_date=as_of_date,
        is_first=found.is_first,
        changed=len(new),
        churned=sum(one.rule == CHURNED for one in new),
        better=sum(one.is_good_news for one in new),
        listed=listed,
        held=dict(Counter(held.values())),
        silenced=sum(about.get(one.id) == State.silenced for one in new),
        delivered=transitions,
        pending=len(pending),
        text="\n\n".join(done.texts),
        data_alerts=len(faults & set(done.delivered)),
        failure="; ".join(done.failures) or None,
        warnings="; ".join(done.warnings) or None,
        has_webhook=not dry_run and has_addresses(settings),
    )


def _shown(outbox: Outbox, settings: Settings) -> list[str]:
    """The messages that a delivery would post now, and later those that wait, as plain text."""
    with outbox.transaction():
        follow_hours(outbox, settings, datetime.now(UTC))
    context, waiting = context_of(settings), dict[str, list[Entry]]()
    for one in outbox.held():
        waiting.setdefault(waits_until(one, settings), []).append(one)
    later = [f"Held {why}:\n{message.text}" for why, held in waiting.items() for message in messages(held, context)]
    return [*(message.text for message in messages(outbox.pending(), context)), *later]


def _find(settings: Settings, outbox: Outbox) -> tuple[date, int, Recorded]:
    """Compare the snapshot with what is remembered, and put what changed into the outbox.

    Returns the as-of day, how many accounts are on the attention list, and what changed.
    """
    in_use, connection = rules_of(settings), outbox.connection
    published = read_published(settings, lambda day: first_event(connection, in_use, day))
    passed = passed_days(settings, first_passed_day(connection, in_use, published.as_of_date), published.as_of_date)
    now = datetime.now(UTC)
    silences = silenced(settings.notes, now.astimezone(ZoneInfo(settings.timezone)).date())
    with outbox.transaction():
        found = recorded(connection, published, rules_of(settings, published.rule_versions), settings, passed)
        faults = of_stale_sources(published.sources, published.as_of_date, found.waiting)
        held_before = outbox.held()
        gone, known = superseded(held_before, found)
        outbox.drop(gone)
        waiting = [one for one in found.held if (one.account_id, one.rule) not in known]
        reason = ", ".join(source for source, rules in sorted(found.waiting.items()) if rules)
        _silence_held(outbox, silences)
        outbox.add(entries_of([*found.alerts, *faults], settings, now, silences))
        outbox.add(digest_entries(published.digests, settings, now))
        outbox.add(entries_of(waiting, settings, now, silences, held_reason=reason))
    listed = sum(account.attention is not None for account in published.accounts)
    return published.as_of_date, listed, found


def _silence_held(outbox: Outbox, silences: Mapping[str, str]) -> None:
    """Alerts that wait are not posted when their account was silenced meanwhile. To be called within a transaction."""
    for one in outbox.held():
        if one.account_id and one.account_id in silences:
            outbox.drop([one.id], SILENCED + silences[one.account_id])


def notify_failure(settings: Settings, fault: DataAlert) -> tuple[str, str | None]:
    """Deliver a data alert, and those that are still pending. It needs no snapshot.

    Returns the text, empty when it was delivered before, and why it could not be delivered.
    """
    with Outbox.of(settings) as outbox:
        with outbox.transaction():
            outbox.add(entries_of([fault], settings, datetime.now(UTC)))
        done = deliver(settings, outbox, context_of(settings), only=lambda one: one.account_id is None)
    return "\n\n".join(done.texts), "; ".join(done.failures) or None


def deliver_due(settings: Settings) -> Delivered:
    """Deliver what is due, without looking for anything new: no snapshot is needed.

    Raises:
        AlertError: the alert state cannot be used, or another delivery does not end.
    """
    with Outbox.of(settings) as outbox:
        with outbox.transaction():
            _silence_held(outbox, silenced(settings.notes, datetime.now(ZoneInfo(settings.timezone)).date()))
        done = deliver(settings, outbox, context_of(settings))
        _write_history(settings, outbox)
    return done


def work_left(settings: Settings, now: datetime) -> int:
    """Alerts that a delivery would post now, and threads to mark as resolved; 0 while a delivery is running.

    Raises:
        AlertError: the alert state cannot be read.
    """
    store = store_of(settings)
    if not store.exists() or is_delivering(store):
        return 0
    with Outbox.copied(store) as outbox:
        outbox.recover()
        follow_hours(outbox, settings, now)
        return len(outbox.due(now)) + len(to_mark(outbox.connection, now))


def undelivered(settings: Settings) -> list[str]:
    """Of each dead alert, its account and channel, and why it was not delivered; the oldest first.

    Raises:
        AlertError: the alert state cannot be read.
    """
    store = store_of(settings)
    if not store.exists():
        return []
    with Outbox.copied(store) as outbox:
        return [
            f"{f'account {one.account_id}, ' if one.account_id else ''}channel {one.channel}: {one.failure}"
            for one in outbox.entries(State.dead)
        ]


def notify_without_settings(fault: DataAlert) -> str | None:
    """Deliver a data alert when the settings, and so the outbox, cannot be read. Returns why it could not be delivered."""
    shipped = load(DEFAULTS)
    default = shipped.alerts.default_channel
    channel = channel_of(default, shipped)
    (message,) = messages([entry_of(fault, default)], Context("health-assets"))
    return channel.post(message).reason if channel else None


def _write_history(settings: Settings, outbox: Outbox) -> None:
    days = settings.maintenance.keep_alert_history_days
    since = None if days is None else (datetime.now(UTC) - timedelta(days=days)).date()
    write_history(outbox.entries(), alert_history(settings.warehouse), since)


def _prune(settings: Settings, outbox: Outbox) -> None:
    """Forget alerts that were finished long ago."""
    with outbox.transaction():
        outbox.prune(datetime.now(UTC) - timedelta(days=settings.maintenance.keep_alerts_days))
