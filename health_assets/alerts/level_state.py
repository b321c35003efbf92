"""What alerts remember between runs: each account's last level or event under each rule, in the file of the alert state.

rules.py says what is news; here it is compared with what was remembered, and remembered in turn.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from health_assets.alerts.accounts import Account
from health_assets.alerts.rules import Rule
from health_assets.alerts.transitions import Change, LastLevel, advance, first_event_day, passed_over


@dataclass
class Found:
    """The changes of each account, and which rules were left out."""

    is_first: bool  # nothing was remembered before
    changes: dict[str, list[Change]] = field(default_factory=dict)  # by account
    held: dict[str, list[Change]] = field(default_factory=dict)  # by account: of rules that read a stale source
    compared: set[str] = field(default_factory=set)  # rules, held ones included
    alarming: dict[str, set[str]] = field(default_factory=dict)  # by account: rules at an alarming level


def record(
    connection: sqlite3.Connection,
    rules: Sequence[Rule],
    accounts: Sequence[Account],
    as_of_date: date,
    held_rules: Collection[str] = (),
    passed: Sequence[tuple[date, Sequence[Account]]] = (),
) -> Found:
    """Compare the accounts with what is remembered of them, and remember what they are now.

    A rule whose first levels these are only remembers them, and so does one whose levels now come from other settings. A
    day that was recorded before, or an earlier one, changes nothing. A held rule remembers nothing, so that its changes
    are found again later if they are still true. To be called within a transaction.

    Args:
        connection: to the alert state.
        rules: in use.
        accounts: of the as-of day.
        as_of_date: the day.
        held_rules: names of rules that read a stale source.
        passed: earlier days of data on which no run looked, the earliest first; of each rule those after its last day count.
    """
    seen = _last_days(connection)
    found = Found(is_first=not seen)
    for rule in rules:
        day, version = seen.get(rule.name, (None, None))
        is_comparable = day is not None and version in (None, rule.version)
        is_known = any(rule.name in account.readings or rule.name in account.events for account in accounts)
        is_done = day is not None and (as_of_date < day or (as_of_date == day and is_comparable))
        if is_done or not is_known:
            continue
        if not is_comparable and rule.name in held_rules:
            continue
        if not is_comparable:
            connection.execute("delete from levels where rule = ?", [rule.name])
        found.compared.add(rule.name)
        remembered = _last_levels(connection, rule)
        last: dict[str, LastLevel | None] = {**remembered}
        for passed_day, then in passed:
            if is_comparable and day and day < passed_day < as_of_date:
                last |= {one.account_id: passed_over(rule, one, last.get(one.account_id), passed_day) for one in then}
        compared_on = day if is_comparable else None
        is_held = rule.name in held_rules
        now = _compare(rule, accounts, as_of_date, found, last, compared_on, is_held=is_held)
        if not is_held:
            changed = {key: state for key, state in now.items() if state != remembered.get(key)}
            _save(connection, rule, changed, as_of_date)
    return found


def first_passed_day(connection: sqlite3.Connection, rules: Sequence[Rule], as_of_date: date) -> date:
    """The first day of data on which no run looked and that still matters; the as-of day where there is none.

    A rule needs no more days than a change of its level has to last.
    """
    seen = _last_days(connection)
    days = [
        max(seen[rule.name][0] + timedelta(days=1), as_of_date - timedelta(days=most))
        for rule in rules
        if rule.name in seen and (most := max(rule.policy.enter_days, rule.policy.leave_days))
    ]
    return min([*days, as_of_date])


def first_event(connection: sqlite3.Connection, rules: Sequence[Rule], as_of_date: date) -> date:
    """The first day whose events may be news."""
    seen = _last_days(connection)
    return min(
        first_event_day(rule, seen.get(rule.name, (as_of_date, None))[0], as_of_date)
        for rule in rules
        if rule.event_days
    )


def _last_days(connection: sqlite3.Connection) -> dict[str, tuple[date, str | None]]:
    """Rule -> the as-of day on which it was compared last, and the version of its levels."""
    rows = connection.execute("select rule, as_of_date, version from rules")
    return {rule: (_day(day), version) for rule, day, version in rows}


def _compare(
    rule: Rule,
    accounts: Sequence[Account],
    as_of_date: date,
    found: Found,
    last: Mapping[str, LastLevel | None],
    compared_on: date | None,
    *,
    is_held: bool,
) -> dict[str, LastLevel | None]:
    """Add what changed under a rule to `found`; nothing where it cannot be compared. Returns the new state of each account."""
    now: dict[str, LastLevel | None] = {}
    for account in accounts:
        key = account.account_id
        now[key], changes = advance(rule, account, last.get(key), as_of_date, compared_on)
        if changes and compared_on:
            (found.held if is_held else found.changes).setdefault(key, []).extend(changes)
        if (state := now[key]) and state.level in rule.alarming:
            found.alarming.setdefault(key, set()).add(rule.name)
    return now


def last_reports(connection: sqlite3.Connection) -> dict[str, tuple[date, str]]:
    """Account -> the as-of day and the severity of the last alert about it."""
    rows = connection.execute("select account_id, as_of_date, severity from reported")
    return {account_id: (_day(day), severity) for account_id, day, severity in rows}


def save_reports(connection: sqlite3.Connection, reports: Mapping[str, tuple[date, str]]) -> None:
    """Remember what was reported. To be called within the transaction of `record`."""
    connection.executemany(
        "insert or replace into reported values (?, ?, ?)",
        [(account_id, day.isoformat(), severity) for account_id, (day, severity) in reports.items()],
    )


def _last_levels(connection: sqlite3.Connection, rule: Rule) -> dict[str, LastLevel]:
    rows = connection.execute(
        "select account_id, level, coalesce(since, as_of_date), as_of_date, better_since, is_improving, reported_on "
        "from levels where rule = ?",
        [rule.name],
    )
    return {
        key: LastLevel(
            level, _day(since), _day(seen), moving and _day(moving), bool(improving), reported and _day(reported)
        )
        for key, level, since, seen, moving, improving, reported in rows
    }


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _save(
    connection: sqlite3.Connection, rule: Rule, by_account: Mapping[str, LastLevel | None], as_of_date: date
) -> None:
    connection.execute(
        "insert or replace into rules (rule, as_of_date, version) values (?, ?, ?)",
        [rule.name, as_of_date.isoformat(), rule.version],
    )
    connection.executemany(
        "insert or replace into levels (account_id, rule, level, as_of_date, better_since, since, is_improving, reported_on) "
        "values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                account_id,
                rule.name,
                last.level,
                last.last_seen.isoformat(),
                _text(last.moving_since),
                last.since.isoformat(),
                last.is_improving,
                _text(last.reported_on),
            )
            for account_id, last in by_account.items()
            if last
        ],
    )
    connection.executemany(
        "delete from levels where account_id = ? and rule = ?",
        [(account_id, rule.name) for account_id, last in by_account.items() if not last],
    )
