"""The alert state between runs: each account's last known level, and the outbox of alerts to deliver.

It is a SQLite file of its own, so that the warehouse can be rebuilt without alerting about every account again.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.rules import Account, LastLevel, Rule, Transition, advance

SECONDS_TO_WAIT = 120  # for another alert run that is posting

SCHEMA = (
    "create table if not exists rules (rule text primary key, as_of_date text not null, version text)",
    "create table if not exists levels (account_id text, rule text, level text not null, as_of_date text not null, "
    "better_since text, primary key (account_id, rule))",
    "create table if not exists outbox (id text primary key, as_of_date text not null, body text not null, "
    "written_at text not null, delivered_at text)",
)
LATER_COLUMNS = (("rules", "version"), ("levels", "better_since"))  # absent from state files of earlier versions


class AlertError(Exception):
    """The alert state or the webhook cannot be used; the message says why and what to do."""


class Outbox:
    """State and outbox; both change in one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["Outbox"]:
        """Open the file, or create it.

        Raises:
            AlertError: the file is not an alert state, cannot be written, or another alert run keeps it locked.
        """
        with _readable(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path, timeout=SECONDS_TO_WAIT, isolation_level=None)) as connection:
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = full")
                cls(connection)._migrate()
                yield cls(connection)

    @classmethod
    @contextmanager
    def copied(cls, path: Path) -> Iterator["Outbox"]:
        """A copy in memory: whatever is done to it, no file is written or created.

        Raises:
            AlertError: the file is not an alert state.
        """
        with _readable(path), closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            if path.exists():
                # without a log next to it nobody has the file open, and only then does SQLite read without creating one
                unopened = "" if path.with_name(f"{path.name}-wal").exists() else "&immutable=1"
                uri = f"{path.absolute().as_uri()}?mode=ro{unopened}"
                with closing(sqlite3.connect(uri, uri=True, timeout=SECONDS_TO_WAIT)) as file:
                    file.backup(connection)
            cls(connection)._migrate()
            yield cls(connection)

    def _migrate(self) -> None:
        """Create the tables, or bring those of an earlier version up to date."""
        with self.transaction():
            for statement in SCHEMA:
                self.connection.execute(statement)
            for table, column in LATER_COLUMNS:
                if column not in self._columns(table):
                    self.connection.execute(f"alter table {table} add column {column} text")
            if "told_at" in self._columns("outbox"):
                self.connection.execute("alter table outbox rename column told_at to delivered_at")

    def _columns(self, table: str) -> list[str]:
        return [row[1] for row in self.connection.execute(f"pragma table_info({table})")]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """The only writer until it ends; rolled back when something is raised."""
        self.connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    def record(self, rules: Sequence[Rule], accounts: Sequence[Account], as_of_date: date) -> list[Transition]:
        """Compare the accounts with their last levels, save the new ones, put the transitions into the outbox.

        A rule whose first level this is only saves it, and so does one whose levels now come from other settings.
        A day that was recorded before, or an earlier one, changes nothing. To be called within a transaction.
        """
        seen = {
            rule: (date.fromisoformat(day), version)
            for rule, day, version in self.connection.execute("select rule, as_of_date, version from rules")
        }
        found = []
        for rule in rules:
            is_known = any(account.levels[rule.name] in rule.levels for account in accounts)
            day, version = seen.get(rule.name, (None, None))
            is_comparable = day is not None and version in (None, rule.version)
            if not is_known or (day and (as_of_date < day or (as_of_date == day and is_comparable))):
                continue
            if not is_comparable:
                self.connection.execute("delete from levels where rule = ?", [rule.name])
            last = self._last_levels(rule)
            advanced = {
                account.account_id: advance(rule, account, last.get(account.account_id), as_of_date)
                for account in accounts
            }
            self._save(rule, {account_id: level for account_id, (level, _) in advanced.items()}, as_of_date)
            found += [transition for _, transition in advanced.values() if transition and is_comparable]
        self.add(found)
        return found

    def add(self, alerts: Sequence[Transition | DataAlert]) -> None:
        """Put into the outbox what is not in it yet. To be called within a transaction."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.connection.executemany(
            "insert or ignore into outbox values (?, ?, ?, ?, null)",
            [(one.id, one.as_of_date.isoformat(), one.to_json(), now) for one in alerts],
        )

    def known_account_count(self) -> int:
        """Accounts with a last level."""
        return int(self.connection.execute("select count(distinct account_id) from levels").fetchone()[0])

    def pending(self) -> list[Transition]:
        """Transitions to deliver, the oldest first."""
        return [Transition.from_json(body) for body in self._pending(data_alerts=False)]

    def pending_data_alerts(self) -> list[DataAlert]:
        """Data alerts to deliver, the oldest first."""
        return [DataAlert.from_json(body) for body in self._pending(data_alerts=True)]

    def are_pending(self, ids: Sequence[str]) -> bool:
        """Whether no other alert run has delivered them meanwhile."""
        pending = {key for (key,) in self.connection.execute("select id from outbox where delivered_at is null")}
        return set(ids) <= pending

    def mark_delivered(self, ids: Sequence[str]) -> None:
        """To be called within the transaction that delivered them."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.connection.executemany("update outbox set delivered_at = ? where id = ?", [(now, one) for one in ids])

    def _pending(self, *, data_alerts: bool) -> list[str]:
        rows = self.connection.execute(
            "select body from outbox where delivered_at is null "
            "and (json_extract(body, '$.data_alert') is not null) = ? order by as_of_date, id",
            [data_alerts],
        )
        return [body for (body,) in rows]

    def _last_levels(self, rule: Rule) -> dict[str, LastLevel]:
        rows = self.connection.execute("select account_id, level, better_since from levels where rule = ?", [rule.name])
        return {key: LastLevel(level, date.fromisoformat(day) if day else None) for key, level, day in rows}

    def _save(self, rule: Rule, by_account: Mapping[str, LastLevel | None], as_of_date: date) -> None:
        day = as_of_date.isoformat()
        self.connection.execute("insert or replace into rules values (?, ?, ?)", [rule.name, day, rule.version])
        self.connection.executemany(
            "insert or replace into levels values (?, ?, ?, ?, ?)",
            [
                (account_id, rule.name, last.level, day, last.better_since and last.better_since.isoformat())
                for account_id, last in by_account.items()
                if last
            ],
        )
        self.connection.executemany(
            "delete from levels where account_id = ? and rule = ?",
            [(account_id, rule.name) for account_id, last in by_account.items() if not last],
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise AlertError(
            f"{path}: the alert state cannot be used ({error}). Wait for another alert run to end, or free disk space. If "
            "the file is damaged, move it aside: the next alert run saves all current levels without alerting, and alerts "
            "that were pending in it are lost"
        ) from None
