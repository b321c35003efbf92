"""The write-back of a company: what changed in the snapshot goes to its targets, or is only shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from health_assets.alerts.channels import Answer, Channel, Status
from health_assets.alerts.delivery import Delivered, Delivery
from health_assets.alerts.entry import Entry, State
from health_assets.alerts.levels import read_published
from health_assets.alerts.message import Context, Message
from health_assets.alerts.state_file import is_delivering, only_delivery, refuse_another
from health_assets.settings import Settings
from health_assets.write_back.batch import Batch, BatchAnswer
from health_assets.write_back.store import Change, WriteBackOutbox, store_of, values_in
from health_assets.write_back.targets import Writer, rows_at_once, target_of
from health_assets.write_back.values import values_of
from health_assets.write_back.web_targets import key_of


@dataclass(frozen=True)
class Outcome:
    """What a write-back did."""

    changes: list[Change]  # found in this snapshot
    written: int  # accounts and targets, with those of earlier runs
    pending: int
    dead: list[Entry] = field(default_factory=list)  # rejected for good in this run
    failures: list[str] = field(default_factory=list)  # why something was not written, each once


def write_back(settings: Settings) -> Outcome:
    """Write what changed since the last confirmed write, together with what is still pending.

    Raises:
        SnapshotError: nothing has been published yet, or by another version.
        AlertError: the outbox cannot be used, or another write-back does not end.
    """
    refuse_another(store_of(settings), settings.warehouse.name)
    with WriteBackOutbox.opened(store_of(settings)) as outbox:
        with outbox.transaction():
            found = _found(settings, outbox, is_recorded=True)
            outbox.prune(datetime.now(UTC) - timedelta(days=settings.maintenance.keep_alerts_days))
        return _written(settings, outbox, found)


def to_be_written(settings: Settings) -> list[Change]:
    """What a write-back would write, without writing or saving anything; see write_back for what is raised."""
    with WriteBackOutbox.copied(store_of(settings)) as outbox:
        return _found(settings, outbox, is_recorded=False)


def write_due(settings: Settings, *, is_retry: bool = False) -> Outcome:
    """Write what is due, without looking for anything new; on demand what was rejected, too."""
    with WriteBackOutbox.opened(store_of(settings)) as outbox:
        if is_retry:
            with outbox.transaction():
                outbox.forget_other_targets(settings.write_back.targets)
                outbox.retry()
        return _written(settings, outbox, [])


def work_left(settings: Settings, now: datetime) -> int:
    """Rows that are due now; 0 while they are being written.

    Raises:
        AlertError: the outbox cannot be read.
    """
    store = store_of(settings)
    if not store.exists() or is_delivering(store):
        return 0
    with WriteBackOutbox.copied(store) as outbox:
        outbox.recover()
        return len(outbox.due(now))


def entries(settings: Settings) -> list[Entry]:
    """Everything in the outbox, the oldest first."""
    with WriteBackOutbox.copied(store_of(settings)) as outbox:
        return outbox.entries()


def _found(settings: Settings, outbox: WriteBackOutbox, *, is_recorded: bool) -> list[Change]:
    published = read_published(settings)
    found = []
    for name, target in settings.write_back.targets.items():
        wanted = values_of(published.accounts, target, published.as_of_date)
        found += outbox.record(name, wanted) if is_recorded else outbox.changes(name, wanted)
    return found


def _written(settings: Settings, outbox: WriteBackOutbox, found: list[Change]) -> Outcome:
    with only_delivery(outbox.path, settings.alerts.delivery.wait_seconds):
        done = _Writing(settings, outbox, Context(settings.company), lambda: datetime.now(UTC)).run(lambda _: True)
    return _outcome(outbox, done, found)


def _outcome(outbox: WriteBackOutbox, done: Delivered, found: list[Change]) -> Outcome:
    dead = [one for one in outbox.entries(State.dead) if one.id in set(done.dead)]
    return Outcome(found, len(done.delivered), len(outbox.pending()), dead, done.failures)


class _Writing(Delivery):
    """One pass over the outbox of the write-back."""

    def composed(self, entries: Sequence[Entry]) -> Sequence[Message]:
        """The rows of each target in batches of the size that it takes."""
        batches = []
        for name in sorted({entry.channel for entry in entries}):
            of_target = sorted((one for one in entries if one.channel == name), key=lambda one: one.account_id or "")
            size = rows_at_once(name, self.settings)
            batches += [_batch(of_target[first : first + size]) for first in range(0, len(of_target), size)]
        return batches

    def channel_of(self, name: str) -> Channel | None:
        """A target of the settings; see target_of for what is raised."""
        return Writer(target_of(name, self.settings))

    def mark(self, message: Message, answer: Answer, *, is_repeat: bool, thread: None = None) -> None:  # type: ignore[override]
        """Record what became of a batch, row by row where the target says so."""
        if not isinstance(answer, BatchAnswer) or not isinstance(message, Batch):
            return super().mark(message, answer, is_repeat=is_repeat)
        apart = {**answer.rejected, **answer.retried}
        parts: list[tuple[str | None, Answer]] = [(None, Answer(Status.delivered))]
        parts += [(why, Answer(Status.dead, why)) for why in sorted(set(answer.rejected.values()))]
        parts += [(why, Answer(Status.retry, why)) for why in sorted(set(answer.retried.values()))]
        for reason, of_part in parts:
            ids = [
                key
                for key, row in zip(message.alerts, message.rows, strict=True)
                if apart.get(row.account_id) == reason
            ]
            if ids:
                super().mark(replace(message, alerts=tuple(ids)), of_part, is_repeat=False)
        return None

    def report_dead(self, ids: Sequence[str], reason: str, *, is_named: bool = False) -> None:
        """What was rejected for good is reported by the caller, to whom alerts go."""
        self.done.dead += ids


def _batch(entries: Sequence[Entry]) -> Batch:
    ids = tuple(one.id for one in entries)
    accounts = tuple(str(one.account_id) for one in entries)
    rows = tuple(values_in(one) for one in entries)
    return Batch(key_of(ids), entries[0].channel, accounts, ids, "", [], "", rows=rows)
