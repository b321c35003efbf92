"""The outbox: which alerts are pending, being posted, delivered, dead, held or silenced, and how posts went by channel."""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from health_assets.alerts import state_file
from health_assets.alerts.entry import Entry, State, body_from_json
from health_assets.alerts.state_file import AlertError as AlertError
from health_assets.alerts.state_file import stamp
from health_assets.settings import Settings

READ = (
    "select id, outbox.as_of_date, account_id, rule, severity, channel, body, state, held_reason, held_until, attempts, "
    "next_attempt_at, delivered_at, possibly_repeated, failure from outbox left join channels using (channel) "
)
UNANSWERED = "posted twice without an answer; it may have arrived"
IN_ORDER = " order by outbox.as_of_date, id"


class Outbox:
    """State and outbox; both change in one transaction."""

    read_body: Callable[[str], Any] = staticmethod(body_from_json)

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["Outbox"]:
        """Open the file, or create it; see state_file.opened for what is raised."""
        with state_file.opened(path) as connection:
            yield cls(connection, path)

    @classmethod
    @contextmanager
    def of(cls, settings: Settings) -> Iterator["Outbox"]:
        """That of a company.

        Raises:
            AlertError: it belongs to another company, or cannot be used; see state_file.
        """
        state_file.refuse_another(store_of(settings), settings.warehouse.name)
        with cls.opened(store_of(settings)) as outbox:
            yield outbox

    @classmethod
    @contextmanager
    def copied(cls, path: Path) -> Iterator["Outbox"]:
        """A copy in memory, without writing anything; see state_file.copied for what is raised."""
        with state_file.copied(path) as connection:
            yield cls(connection, path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The only writer until it ends; rolled back when something is raised."""
        with state_file.transaction(self.connection):
            yield

    # -- entries ------------------------------------------------------------------------------------------------------

    def add(self, entries: Sequence[Entry], now: datetime | None = None) -> None:
        """Put into the outbox what is not in it yet. To be called within a transaction."""
        written = stamp(now or datetime.now(UTC))
        self.connection.executemany(
            "insert or ignore into outbox (id, as_of_date, account_id, rule, severity, channel, body, state, held_reason, "
            "held_until, written_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    *(one.id, one.as_of_date.isoformat(), one.account_id, one.rule, one.severity, one.channel),
                    *(
                        one.body.to_json(),
                        one.state,
                        one.held_reason,
                        one.held_until and stamp(one.held_until),
                        written,
                    ),
                )
                for one in entries
            ],
        )

    def entries(self, state: State | None = None) -> list[Entry]:
        """All entries, or those in a state; the oldest first."""
        return self._read("where state = coalesce(?, state)", state)

    def pending(self) -> list[Entry]:
        """What is to be delivered, whether it is due now or not; the oldest first."""
        return self._read("where state in ('pending', 'sending')")

    def due(self, now: datetime) -> list[Entry]:
        """What is to be posted now. A channel that failed at a moment still to come shows a clock that was set back."""
        return self._read(
            "where state = 'pending' and (next_attempt_at is null or next_attempt_at <= :now or attempted_at > :now)",
            {"now": stamp(now)},
        )

    def held(self) -> list[Entry]:
        """What waits for the end of a reason to hold it."""
        return self.entries(State.held)

    def release(self, ids: Collection[str]) -> None:
        """Held entries become pending. To be called within a transaction."""
        self._set(ids, State.held, state=State.pending, held_reason=None, held_until=None)

    def hold_until(self, ids: Collection[str], until: datetime, reason: str) -> None:
        """Held entries wait until another moment. To be called within a transaction."""
        self._set(ids, State.held, held_until=stamp(until), held_reason=reason)

    def drop(self, ids: Collection[str], reason: str = "no longer true") -> None:
        """Held entries are not delivered after all. To be called within a transaction."""
        self._set(ids, State.held, state=State.silenced, held_reason=reason, held_until=None)

    # -- delivery -----------------------------------------------------------------------------------------------------

    def claim(self, ids: Collection[str], now: datetime) -> bool:
        """Mark pending entries as being posted; false when another delivery has them. To be called within a transaction."""
        pending = {key for (key,) in self.connection.execute("select id from outbox where state = 'pending'")}
        if not set(ids) <= pending:
            return False
        self.connection.executemany(
            "update outbox set state = 'sending', attempts = attempts + 1, first_attempt_at = coalesce(first_attempt_at, ?) "
            "where id = ?",
            [(stamp(now), key) for key in ids],
        )
        return True

    def recover(self) -> list[str]:
        """What a killed delivery was posting is posted once more; after a second time it is dead. Returns what is dead.

        To be called within a transaction, by the only delivery.
        """
        rows = self.connection.execute(
            "update outbox set state = iif(possibly_repeated, 'dead', 'pending'), possibly_repeated = 1, "
            "failure = iif(possibly_repeated, ?, 'the alert run was killed while it posted') where state = 'sending' "
            "returning id, state",
            [UNANSWERED],
        ).fetchall()
        return [key for key, state in rows if state == State.dead]

    def settle(self, ids: Collection[str], state: State, now: datetime, failure: str | None, *, repeat: bool) -> None:
        """What became of entries that were posted, or could not be. To be called within a transaction.

        Args:
            ids: the entries of one message.
            state: delivered, dead, or pending for another attempt.
            now: the moment.
            failure: why they were not delivered.
            repeat: whether they may have arrived all the same.
        """
        changes: dict[str, Any] = {"state": state, "failure": failure}
        if state == State.delivered:
            changes["delivered_at"] = stamp(now)
        if repeat:
            changes["possibly_repeated"] = 1
        for current in (State.sending, State.pending):
            self._set(ids, current, **changes)

    def age_of(self, ids: Collection[str], now: datetime) -> tuple[timedelta, int]:
        """Time since the first attempt at entries, and the number of attempts."""
        rows = [
            (datetime.fromisoformat(first) if first else now, attempts)
            for key, first, attempts in self.connection.execute("select id, first_attempt_at, attempts from outbox")
            if key in set(ids)
        ]
        return now - min(first for first, _ in rows), max(attempts for _, attempts in rows)

    def failures_of(self, channel: str) -> int:
        """Failed posts to a channel since the last one that was answered."""
        row = self.connection.execute("select failures from channels where channel = ?", [channel]).fetchone()
        return int(row[0]) if row else 0

    def next_attempt_at(self) -> datetime | None:
        """When the first channel that failed may be posted to again; None when nothing waits for that."""
        (moment,) = self.connection.execute(
            "select min(next_attempt_at) from outbox join channels using (channel) where state = 'pending'"
        ).fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def last_post_at(self) -> datetime | None:
        """When something was posted last, to any channel."""
        (moment,) = self.connection.execute("select max(posted_at) from channels").fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def pace(self, channel: str, now: datetime, *, failures: int, next_attempt_at: datetime | None) -> None:
        """Remember how posting to a channel went. To be called within a transaction."""
        moment = stamp(now)
        self.connection.execute(
            "insert or replace into channels (channel, posted_at, attempted_at, failures, next_attempt_at) "
            "values (?, ?, ?, ?, ?)",
            [channel, moment, moment, failures, next_attempt_at and stamp(next_attempt_at)],
        )

    # -- by hand, and after long --------------------------------------------------------------------------------------

    def retry(self, ids: Collection[str] | None = None) -> int:
        """Dead entries, or some of them, are posted again, and no channel waits. Returns how many.

        To be called within a transaction.
        """
        dead = [one.id for one in self.entries(State.dead) if ids is None or one.id in ids]
        self._set(dead, State.dead, state=State.pending, attempts=0, first_attempt_at=None, failure=None)
        self.connection.execute("update channels set failures = 0, next_attempt_at = null")
        return len(dead)

    def prune(self, before: datetime) -> int:
        """Delete what was finished before a moment. Returns how many alerts. To be called within a transaction."""
        self.connection.execute("delete from threads where last_at < ?", [stamp(before)])
        return self.connection.execute(
            "delete from outbox where state in ('delivered', 'silenced', 'dead') and coalesce(delivered_at, written_at) < ?",
            [stamp(before)],
        ).rowcount

    def erase(self, account_ids: Collection[str]) -> int:
        """Delete all that is kept of accounts, alerts and levels. Returns the rows. To be called within a transaction."""
        return sum(
            self.connection.execute(f"delete from {table} where account_id = ?", [account_id]).rowcount
            for table in ("outbox", "levels", "reported", "threads")
            for account_id in account_ids
        )

    def _read(self, where: str, values: Any = None) -> list[Entry]:
        given = values if isinstance(values, dict) else [values] if "?" in where else []
        return [_entry(row, self.read_body) for row in self.connection.execute(READ + where + IN_ORDER, given)]

    def _set(self, ids: Collection[str], current: State, **values: Any) -> None:
        columns = ", ".join(f"{column} = ?" for column in values)
        self.connection.executemany(
            f"update outbox set {columns} where id = ? and state = ?", [(*values.values(), key, current) for key in ids]
        )


def store_of(settings: Settings) -> Path:
    """The SQLite file of a company's alert state and outbox."""
    return settings.warehouse.with_name("alerts.sqlite")


def _entry(row: Sequence[Any], read_body: Callable[[str], Any]) -> Entry:
    key, day, account_id, rule, severity, channel, body, state, reason, until, attempts, again, delivered, *rest = row
    repeated, failure = rest
    until, again, delivered = (moment and datetime.fromisoformat(moment) for moment in (until, again, delivered))
    return Entry(
        id=key,
        as_of_date=date.fromisoformat(day),
        account_id=account_id,
        rule=rule,
        severity=severity,
        channel=channel,
        body=read_body(body),
        state=State(state),
        held_reason=reason,
        held_until=until,
        attempts=attempts,
        next_attempt_at=again if state == State.pending else None,
        delivered_at=delivered,
        possibly_repeated=bool(repeated),
        failure=failure,
    )
