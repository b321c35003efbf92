"""The outbox of the write-back, and what each target was last known to hold.

It is a file like the alerts' with a table of its own: `written` has the values that a target confirmed. Every write may be
repeated, since it says what a value is and not how it changes; so what a killed delivery was writing is written again.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from health_assets.alerts import state_file
from health_assets.alerts.entry import Entry, State
from health_assets.alerts.outbox import Outbox
from health_assets.settings import Settings
from health_assets.write_back.values import Value, Values, is_empty

WRITTEN = "create table if not exists written (target text, account_id text, content text not null, primary key (target, account_id))"


@dataclass(frozen=True)
class Change:
    """New values of an account for a target, and those that it holds."""

    target: str
    values: Values
    before: dict[str, Value]  # empty: nothing was written yet

    def differences(self) -> dict[str, tuple[Value, Value]]:
        """Name -> value before and now, where they differ."""
        now = self.values.by_name
        return {name: (self.before.get(name), now[name]) for name in now if self.before.get(name) != now[name]}


class WriteBackOutbox(Outbox):
    """Entries are the values of one account for one target."""

    read_body = staticmethod(Values.from_json)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["WriteBackOutbox"]:
        """Open the file, or create it; see state_file.opened for what is raised."""
        with state_file.opened(path) as connection:
            connection.execute(WRITTEN)
            yield cls(connection, path)

    @classmethod
    @contextmanager
    def copied(cls, path: Path) -> Iterator["WriteBackOutbox"]:
        """A copy in memory, without writing anything; see state_file.copied for what is raised."""
        with state_file.copied(path) as connection:
            connection.execute(WRITTEN)
            yield cls(connection, path)

    def changes(self, target: str, wanted: Sequence[Values]) -> list[Change]:
        """What a target does not hold yet and is not about to be given."""
        held = self._held(target)
        on_their_way = {one.account_id: values_in(one).by_name for one in self._undelivered(target)}
        found = []
        for values in wanted:
            before = held.get(values.account_id, {})
            is_known = on_their_way.get(values.account_id, before) == values.by_name
            if not is_known and (before or not is_empty(values.by_name)):
                found.append(Change(target, values, before))
        return found

    def record(self, target: str, wanted: Sequence[Values]) -> list[Change]:
        """Put what changed into the outbox, in the place of what was pending. To be called within a transaction."""
        found = self.changes(target, wanted)
        outdated = {change.values.account_id for change in found}
        sending = set()
        for one in self._undelivered(target):
            if one.account_id in outdated and one.state == State.sending:
                sending.add(one.account_id)
            elif one.account_id in outdated:
                self.connection.execute("delete from outbox where id = ?", [one.id])
        self.add(
            [
                _entry(change)
                for change in found
                if change.differences() or change.values.account_id in sending  # else it holds them again
            ]
        )
        return found

    def forget_other_targets(self, targets: Collection[str]) -> None:
        """Delete what is not delivered to targets that the settings no longer have. To be called within a transaction."""
        gone = {one.channel for one in self.entries() if one.state != State.delivered} - set(targets)
        self.connection.executemany(
            "delete from outbox where channel = ? and state != 'delivered'", [(name,) for name in gone]
        )

    def recover(self) -> list[str]:
        """What a killed delivery was writing is written again, unless there are newer values. Returns nothing: none is dead.

        To be called within a transaction, by the only delivery.
        """
        self.connection.execute("update outbox set state = 'pending' where state = 'sending'")
        self.connection.execute(
            "delete from outbox where state != 'delivered' and rowid not in (select max(rowid) from outbox "
            "where state != 'delivered' group by channel, account_id)"
        )
        return []

    def settle(self, ids: Collection[str], state: State, now: datetime, failure: str | None, *, repeat: bool) -> None:
        """What became of entries; what was delivered is what the target holds. To be called within a transaction."""
        super().settle(ids, state, now, failure, repeat=False)
        if state == State.delivered:
            self.connection.executemany(
                "insert or replace into written select channel, account_id, json_extract(body, '$.values') from outbox "
                "where id = ? and state = 'delivered'",
                [(key,) for key in ids],
            )

    def erase(self, account_ids: Collection[str]) -> int:
        """Delete all that is kept of accounts. Returns the rows. To be called within a transaction."""
        rows = [(account_id,) for account_id in account_ids]
        self.connection.executemany("delete from written where account_id = ?", rows)
        return super().erase(account_ids)

    def _undelivered(self, target: str) -> list[Entry]:
        waiting = self._read(
            "where outbox.channel = :target and state in ('pending', 'sending', 'dead')", {"target": target}
        )
        return sorted(waiting, key=lambda one: values_in(one).as_of_date)

    def _held(self, target: str) -> dict[str, dict[str, Value]]:
        rows = self.connection.execute("select account_id, content from written where target = ?", [target])
        return {account_id: json.loads(content) for account_id, content in rows}


def store_of(settings: Settings) -> Path:
    """The SQLite file of a company's write-back."""
    return settings.warehouse.with_name("write_back.sqlite")


def values_in(entry: Entry) -> Values:
    """What an entry writes."""
    return cast(Values, entry.body)


def _entry(change: Change) -> Entry:
    return Entry(
        id=uuid4().hex,  # values may come back to what they were on the same day
        as_of_date=change.values.as_of_date,
        account_id=change.values.account_id,
        rule="write_back",
        severity="info",
        channel=change.target,
        body=cast(Any, change.values),
    )
