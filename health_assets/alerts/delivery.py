"""Delivery: what is due in the outbox is posted, message by message, and marked with what became of it.

A message is marked as being posted in one transaction and with the result in another, so the alert state is not locked
while it is posted, and a message whose delivery was killed in between is known: it is posted once more, marked as
possibly repeated. Only one delivery runs at a time. How a message reads is decided in message.py.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from health_assets.alerts import threads
from health_assets.alerts.channel_kinds import channel_of, has_addresses, variable_of
from health_assets.alerts.channels import Answer, Channel, Status
from health_assets.alerts.data_alerts import of_undelivered_alerts
from health_assets.alerts.entry import Entry, State, entry_of
from health_assets.alerts.message import Context, Message, messages
from health_assets.alerts.outbox import UNANSWERED, Outbox
from health_assets.alerts.report_attached import with_report
from health_assets.alerts.routing import follow_hours
from health_assets.alerts.slack_bot import SlackBot
from health_assets.alerts.state_file import AlertError, only_delivery
from health_assets.settings import Settings

Clock = Callable[[], datetime]
REJECTED_IN_A_ROW = 3  # messages about one account each, after which a channel's messages are not split any more


@dataclass
class Delivered:
    """What a delivery did."""

    texts: list[str] = field(default_factory=list)  # of the messages, whether they could be delivered or not
    delivered: list[str] = field(default_factory=list)  # ids of entries
    repeated: list[str] = field(default_factory=list)  # of these: may have arrived before
    dead: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # why something was not delivered, each once
    warnings: list[str] = field(default_factory=list)  # what did not work with messages that were delivered


def deliver(
    settings: Settings,
    outbox: Outbox,
    context: Context,
    *,
    only: Callable[[Entry], bool] = lambda _: True,
    clock: Clock = lambda: datetime.now(UTC),
) -> Delivered:
    """Post what is due, and what becomes due meanwhile. To be called outside a transaction.

    Args:
        settings: the company's.
        outbox: opened for writing.
        context: of the messages.
        only: which entries; all of them by default.
        clock: the time.

    Raises:
        AlertError: another delivery does not end, or the alert state cannot be written.
    """
    with only_delivery(outbox.path, settings.alerts.delivery.wait_seconds):
        return Delivery(settings, outbox, context, clock).run(only)


class Delivery:
    """One pass over an outbox; the write-back has one with messages and channels of its own."""

    def __init__(self, settings: Settings, outbox: Outbox, context: Context, clock: Clock) -> None:
        self.settings, self.outbox, self.context, self.clock = settings, outbox, context, clock
        self.limits = settings.alerts.delivery
        self.done = Delivered()
        self.waiting: set[str] = set()  # channels that failed: what else they have waits too
        self.rejected: Counter[str] = Counter()  # messages about one account that a channel rejected in a row

    def run(self, only: Callable[[Entry], bool]) -> Delivered:
        """Post what is due; a channel that may be posted to again soon is waited for."""
        with self.outbox.transaction():
            self.report_dead(self.outbox.recover(), UNANSWERED)
            follow_hours(self.outbox, self.settings, self.clock())
        until = self.clock() + timedelta(seconds=self.limits.patience_seconds)
        while True:
            while due := [
                one for one in self.outbox.due(self.clock()) if only(one) and one.channel not in self.waiting
            ]:
                for is_repeat in (False, True):
                    for message in self.composed([one for one in due if one.possibly_repeated == is_repeat]):
                        if message.channel not in self.waiting:
                            self._post(message, is_repeat=is_repeat)
            self._mark_resolved()
            again = self.outbox.next_attempt_at()
            if again is None or again > until:
                return self.done
            time.sleep(max(0.0, (again - self.clock()).total_seconds()))
            self.waiting.clear()

    def composed(self, entries: Sequence[Entry]) -> Sequence[Message]:
        """The messages that entries make."""
        return messages(entries, self.context)

    def channel_of(self, name: str) -> Channel | None:
        """A channel of the settings; None: there is none at all, so messages are printed and count as delivered.

        Raises:
            AlertError: its address cannot be used, or is not set.
        """
        channel = channel_of(name, self.settings)
        if channel is None and has_addresses(self.settings):
            raise AlertError(f"{variable_of(name, self.settings)} is not set")
        return channel

    def _post(self, message: Message, *, is_repeat: bool) -> None:
        message = with_report(message, self.settings)
        self.done.texts.append(message.text)
        try:
            channel = self.channel_of(message.channel)
        except AlertError as error:
            return self.mark(message, Answer(Status.retry, str(error)), is_repeat=is_repeat)
        self._keep_the_pace()
        if is_repeat and channel and not channel.answers():
            return self.mark(message, Answer(Status.retry, "no answer"), is_repeat=is_repeat)
        thread = self._thread_of(message)
        with self.outbox.transaction():
            if not self.outbox.claim(message.alerts, self.clock()):
                return None
        answer = channel.post(threads.as_reply(message, thread)) if channel else Answer(Status.delivered)
        if answer.status == Status.dead and answer.is_about_thread and thread:
            return self._begin_again(message, thread)
        if answer.status == Status.dead and answer.is_about_message and self._is_split(message, answer):
            return None
        return self.mark(message, answer, is_repeat=is_repeat, thread=thread)

    def _thread_of(self, message: Message) -> threads.Thread | None:
        if message.alert is None:
            return None
        opened = threads.open_threads(self.outbox.connection, self.clock(), self.settings.alerts.thread_days)
        return opened.get((message.channel, message.alert.account_id))

    def _begin_again(self, message: Message, thread: threads.Thread) -> None:
        """The first message of the thread was deleted: this one becomes the first of a new thread."""
        with self.outbox.transaction():
            self.outbox.settle(message.alerts, State.pending, self.clock(), None, repeat=False)
            threads.forget(self.outbox.connection, thread)

    def _is_split(self, message: Message, answer: Answer) -> bool:
        """Post a rejected message again in two halves, so that only the account that is the cause goes without.

        A channel that rejects one account after the other rejects all of them: then its messages stay whole.
        """
        entries = [one for one in self.outbox.pending() if one.id in set(message.alerts)]
        accounts = list(dict.fromkeys(one.account_id for one in entries))
        if len(accounts) < 2:
            self.rejected[message.channel] += 1
            return False
        if self.rejected[message.channel] >= REJECTED_IN_A_ROW:
            return False
        with self.outbox.transaction():
            self.outbox.settle(message.alerts, State.pending, self.clock(), answer.reason, repeat=False)
            self._remember_pace(message.channel, answer, self.clock())
        for half in (set(accounts[: len(accounts) // 2]), set(accounts[len(accounts) // 2 :])):
            for part in self.composed([one for one in entries if one.account_id in half]):
                if part.channel not in self.waiting:
                    self._post(part, is_repeat=any(one.possibly_repeated for one in entries))
        return True

    def _mark_resolved(self) -> None:
        """Mark the first messages of threads that were resolved."""
        for thread in threads.to_mark(self.outbox.connection, self.clock()):
            channel = self._bot_of(thread.channel)
            if thread.channel in self.waiting or channel is None:
                continue
            self._keep_the_pace()
            answer = channel.update(thread.place, *threads.marked(thread))
            if answer.status != Status.delivered:
                said = f"{thread.channel}: a message could not be marked as resolved ({answer.reason})"
                self.done.warnings.append(said)
            with self.outbox.transaction():
                self._remember_pace(thread.channel, answer, self.clock())
                if answer.status in (Status.delivered, Status.dead):
                    threads.forget(self.outbox.connection, thread)

    def _bot_of(self, name: str) -> SlackBot | None:
        try:
            channel = channel_of(name, self.settings)
        except AlertError:
            return None
        return channel if isinstance(channel, SlackBot) else None

    def mark(self, message: Message, answer: Answer, *, is_repeat: bool, thread: threads.Thread | None = None) -> None:
        """Record what became of a message, and report one that is dead."""
        now, reason = self.clock(), answer.reason
        state = {Status.delivered: State.delivered, Status.dead: State.dead}.get(answer.status, State.pending)
        if answer.status == Status.unknown and is_repeat:
            state, reason = State.dead, UNANSWERED
        elif state == State.pending and self._is_too_old(message, now):
            state, reason = State.dead, f"not delivered within {self.limits.give_up_days:g} days ({reason})"
        with self.outbox.transaction():
            self.outbox.settle(message.alerts, state, now, reason, repeat=answer.status == Status.unknown)
            self._remember_pace(message.channel, answer, now)
            if answer.place:
                threads.remember(self.outbox.connection, message, thread, answer.place, now)
            if state == State.dead:
                is_alone = len(message.account_ids) == 1
                self.report_dead(message.alerts, reason or "", is_named=answer.is_about_message and is_alone)
        if state == State.delivered:
            self.rejected[message.channel] = 0
            self.done.delivered += message.alerts
            self.done.repeated += message.alerts if is_repeat else ()
        elif reason and (failure := f"{message.channel}: {reason}") not in self.done.failures:
            self.done.failures.append(failure)

    def report_dead(self, ids: Sequence[str], reason: str, *, is_named: bool = False) -> None:
        """A data alert about messages that will not be delivered; none about a data alert of the default channel."""
        self.done.dead += ids
        default = self.settings.alerts.default_channel
        entries = [one for one in self.outbox.entries(State.dead) if one.id in set(ids)]
        for channel in sorted({one.channel for one in entries if one.account_id or one.channel != default}):
            dead = [one for one in entries if one.channel == channel]
            accounts = sorted({one.account_id for one in dead if one.account_id}) if is_named else []
            fault = of_undelivered_alerts(channel, reason, len(dead), self.clock().date(), accounts)
            self.outbox.add([entry_of(fault, default)])

    def _remember_pace(self, channel: str, answer: Answer, now: datetime) -> None:
        if answer.status in (Status.delivered, Status.dead):
            return self.outbox.pace(channel, now, failures=0, next_attempt_at=None)
        self.waiting.add(channel)
        failures = self.outbox.failures_of(channel)
        doubled = self.limits.first_retry_seconds * 2.0 ** min(failures, 30)
        pause = answer.retry_after or timedelta(seconds=min(doubled, self.limits.longest_retry_seconds))
        again = now + min(pause, timedelta(days=self.limits.give_up_days))  # whatever the other side says
        return self.outbox.pace(channel, now, failures=failures + 1, next_attempt_at=again)

    def _is_too_old(self, message: Message, now: datetime) -> bool:
        age, attempts = self.outbox.age_of(message.alerts, now)
        return age > timedelta(days=self.limits.give_up_days) and attempts >= self.limits.min_attempts

    def _keep_the_pace(self) -> None:
        """Wait a moment after the last post, whichever alert run made it."""
        last, pause = self.outbox.last_post_at(), self.limits.pause_seconds
        if last and (waited := (self.clock() - last).total_seconds()) < pause:
            time.sleep(pause - max(waited, 0.0))
