"""What is remembered between alert runs: each account's last known level, and what is still to be told.

One SQLite file. It is not the warehouse: that may be rebuilt without alerting everybody again.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.rules import Account, Remembered, Rule, Transition, follow

SECONDS_TO_WAIT = 120  # for another alert run that is posting just now

SCHEMA = (
    "create table if not exists rules (rule text primary key, as_of_date text not null, version text)",
    "create table if not exists levels (account_id text, rule text, level text not null, as_of_date text not null, "
    "better_since text, primary key (account_id, rule))",
    "create table if not exists outbox (id text primary key, as_of_date text not null, body text not null, "
    "written_at text not null, told_at text)",
)
LATER_COLUMNS = (("rules", "version"), ("levels", "better_since"))  # that a state file made before lacks


class AlertError(Exception):
    """Alerts cannot be worked out or remembered; the message says why and what to do."""


class Outbox:
    """State and outbox; every change of both is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def opened(cls, path: Path, *, dry_run: bool = False) -> Iterator["Outbox"]:
        """Open or make the file; a dry run changes nothing, not even makes it.

        Raises:
            AlertError: the file is no SQLite file of ours, or another alert run does not let go of it.
        """
        connection = None
        try:
            if not dry_run:
                path.parent.mkdir(parents=True, exist_ok=True)
            place = ":memory:" if dry_run and not path.exists() else str(path)
            connection = sqlite3.connect(place, timeout=SECONDS_TO_WAIT, isolation_level=None)
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = full")
            with cls(connection).transaction():
                for statement in SCHEMA:
                    connection.execute(statement)
                for table, column in LATER_COLUMNS:
                    if column not in [row[1] for row in connection.execute(f"pragma table_info({table})")]:
                        connection.execute(f"alter table {table} add column {column} text")
            yield cls(connection)
        except (sqlite3.Error, OSError) as error:
            raise AlertError(
                f"{path}: the alert state cannot be used ({error}); let another alert run end, or make room on the "
                "disk; move a damaged file aside: the next run remembers everybody's level anew and tells nobody"
            ) from None
        finally:
            if connection is not None:
                connection.close()

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """The only writer until it ends; rolled back when something is raised, or when nothing is to be kept."""
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            raise
        self.connection.execute("commit" if keep else "rollback")

    def notice(self, rules: Sequence[Rule], accounts: Sequence[Account], as_of_date: date) -> list[Transition]:
        """Compare the accounts with what is remembered, remember them, put what changed into the outbox.

        A rule that has never seen a level only remembers, and so does one whose levels are of another version now.
        A day that was seen before, or an older one, changes nothing. To be called within a transaction.
        """
        seen = {
            rule: (date.fromisoformat(day), version)
            for rule, day, version in self.connection.execute("select rule, as_of_date, version from rules")
        }
        found = []
        for rule in rules:
            is_known = any(account.levels[rule.name] in rule.levels for account in accounts)
            day, version = seen.get(rule.name, (None, None))
            comparable = day is not None and version in (None, rule.version)
            if not is_known or (day and (as_of_date < day or (as_of_date == day and comparable))):
                continue
            if not comparable:
                self.connection.execute("delete from levels where rule = ?", [rule.name])
            last = self._remembered(rule)
            followed = {
                account.account_id: follow(rule, account, last.get(account.account_id), as_of_date)
                for account in accounts
            }
            self._remember(rule, {account_id: kept for account_id, (kept, _) in followed.items()}, as_of_date)
            found += [move for _, move in followed.values() if move and comparable]
        self.add(found)
        return found

    def add(self, news: Sequence[Transition | DataAlert]) -> None:
        """Put into the outbox what is not there yet. To be called within a transaction."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.connection.executemany(
            "insert or ignore into outbox values (?, ?, ?, ?, null)",
            [(one.id, one.as_of_date.isoformat(), one.to_json(), now) for one in news],
        )

    def remembered(self) -> int:
        """Accounts with a remembered level."""
        return int(self.connection.execute("select count(distinct account_id) from levels").fetchone()[0])

    def pending(self) -> list[Transition]:
        """Changes of accounts that are still to be told, the oldest first."""
        return [Transition.from_json(body) for body in self._waiting(data_alerts=False)]

    def pending_data_alerts(self) -> list[DataAlert]:
        """Data alerts that are still to be told, the oldest first."""
        return [DataAlert.from_json(body) for body in self._waiting(data_alerts=True)]

    def are_pending(self, news: Sequence[Transition | DataAlert]) -> bool:
        """Whether nobody else has told them meanwhile."""
        waiting = {key for (key,) in self.connection.execute("select id from outbox where told_at is null")}
        return {one.id for one in news} <= waiting

    def told(self, news: Sequence[Transition | DataAlert]) -> None:
        """Mark as told. To be called within the transaction that told them."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.connection.executemany("update outbox set told_at = ? where id = ?", [(now, one.id) for one in news])

    def _waiting(self, *, data_alerts: bool) -> list[str]:
        rows = self.connection.execute(
            "select body from outbox where told_at is null and (json_extract(body, '$.data_alert') is not null) = ? "
            "order by as_of_date, id",
            [data_alerts],
        )
        return [body for (body,) in rows]

    def _remembered(self, rule: Rule) -> dict[str, Remembered]:
        rows = self.connection.execute("select account_id, level, better_since from levels where rule = ?", [rule.name])
        return {key: Remembered(level, date.fromisoformat(day) if day else None) for key, level, day in rows}

    def _remember(self, rule: Rule, by_account: Mapping[str, Remembered | None], as_of_date: date) -> None:
        day = as_of_date.isoformat()
        self.connection.execute("insert or replace into rules values (?, ?, ?)", [rule.name, day, rule.version])
        self.connection.executemany(
            "insert or replace into levels values (?, ?, ?, ?, ?)",
            [
                (account_id, rule.name, kept.level, day, kept.better_since and kept.better_since.isoformat())
                for account_id, kept in by_account.items()
                if kept
            ],
        )
        self.connection.executemany(
            "delete from levels where account_id = ? and rule = ?",
            [(account_id, rule.name) for account_id, kept in by_account.items() if not kept],
        )
