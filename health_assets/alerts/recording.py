"""The alerts of one as-of day: what is remembered compared with what is now, and remembered in turn.

The alert run and the replay of past days both go through here.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

from health_assets.alerts.account_alert import AccountAlert, account_alerts, not_repeated
from health_assets.alerts.level_state import last_reports, record, save_reports
from health_assets.alerts.levels import Published
from health_assets.alerts.rule_sources import sources_of, stale_sources
from health_assets.alerts.rules import Rule
from health_assets.settings import Settings


@dataclass(frozen=True)
class Recorded:
    """What a run found."""

    is_first: bool  # nothing was remembered before
    alerts: list[AccountAlert] = field(default_factory=list)
    held: list[AccountAlert] = field(default_factory=list)  # of rules that read a stale source
    waiting: dict[str, list[str]] = field(default_factory=dict)  # stale source -> the rules that read it
    compared: set[str] = field(default_factory=set)  # names of rules, as alerts have them


def recorded(
    connection: sqlite3.Connection,
    published: Published,
    rules: Sequence[Rule],
    settings: Settings,
    passed: Sequence[Published] = (),
) -> Recorded:
    """Compare a day with what is remembered. To be called within a transaction.

    Args:
        connection: to the alert state.
        published: the day.
        rules: in use.
        settings: the company's.
        passed: earlier days of data on which no run looked, the earliest first.
    """
    stale = stale_sources(published.sources, published.as_of_date)
    read = {rule.name: sources_of(rule, settings) & stale.keys() for rule in rules} if stale else {}
    held_rules = {name for name, sources in read.items() if sources}
    day, accounts = published.as_of_date, published.accounts
    found = record(connection, rules, accounts, day, held_rules, [(one.as_of_date, one.accounts) for one in passed])
    last = last_reports(connection)
    waits = settings.alerts.account_cool_down_days
    made = account_alerts(found.changes, found, accounts, rules, settings, day)
    alerts = not_repeated(made, last, waits)
    held = not_repeated(account_alerts(found.held, found, accounts, rules, settings, day), last, waits)
    bad = [alert for alert in alerts if not alert.is_good_news]
    save_reports(connection, {alert.account_id: (day, alert.severity) for alert in bad})
    waiting = {source: sorted(rule for rule in read if source in read[rule]) for source in stale}
    compared = {name.split(" ")[0] for name in found.compared}
    return Recorded(found.is_first, alerts, held, waiting, compared)
