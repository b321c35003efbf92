"""Which sources each rule reads: while one of them is stale, what the rule finds may come from the gap alone."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache

from health_assets.alerts.rules import CHURNED, HEALTH_RULE, RISK_RULE, Rule
from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes
from health_assets.scoring.measures import signal_names
from health_assets.scoring.risk_factors import risk_factors
from health_assets.scoring.risk_score import risk_signals
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings

OF_EVENTS = {  # rule -> its sources
    "incident": {"security_incidents"},
    "sla_breach": {"support_tickets"},
    "detractor": {"feedback"},
    "workflow": {"workflow_items", "outcomes"},
    "shop": {"payments", "support_tickets"},
}
OF_HEALTH = {"health_score", "computed_health_score", "trend_30d"}  # signals that are made from all others


def stale_sources(sources: Sequence[tuple[str, date | None, int | None]], as_of_date: date) -> dict[str, int]:
    """The sources without a row for longer than their limit, with the days.

    Args:
        sources: name, last day with a row (None: never had one), days after which it counts as stale (None: never).
        as_of_date: the day of the snapshot.
    """
    return {
        name: (as_of_date - last_day).days
        for name, last_day, limit in sources
        if last_day and limit and (as_of_date - last_day).days > limit
    }


def sources_of(rule: Rule, settings: Settings) -> set[str]:
    """The connected sources that a rule reads."""
    if rule.name in OF_EVENTS:
        found = OF_EVENTS[rule.name]
    elif rule.name == CHURNED:
        by_contract = "subscriptions" in settings.sources
        found = {"subscriptions"} if by_contract else {"invoices", "accounts"}
    else:
        found = _sources_of_signals(_signals_of(rule, settings))
    return {name for name in found if name in settings.sources}


def _signals_of(rule: Rule, settings: Settings) -> set[str]:
    of_health = {name for card in scorecards_in_use(settings).values() for name in signal_names(card)}
    if rule.name.split(" ")[0] == HEALTH_RULE:
        return of_health
    if rule.name == RISK_RULE:
        return risk_signals(settings.churn_risk) | of_health
    factors = risk_factors(settings.churn_risk.factors)
    signals = set(factors[rule.policy.factor].is_raised.meta.root_names()) if rule.policy.factor in factors else set()
    return signals | of_health if signals & OF_HEALTH else signals


def _sources_of_signals(signals: Iterable[str]) -> set[str]:
    by_signal = _tables_by_signal()
    tables = {by_signal[name] for name in signals if name in by_signal}
    return {name for table in tables for name in _sources_of_table(table)}


@cache
def _tables_by_signal() -> dict[str, str]:
    """Signal -> the fact that has it."""
    return {
        column: name
        for name, table in load_all().items()
        if name.startswith("fact_account_") and table.contract.primary_key() == SIGNAL_KEY
        for column in dtypes(table.contract)
        if column not in SIGNAL_KEY
    }


@cache
def _sources_of_table(name: str) -> frozenset[str]:
    """The sources that a fact is made from, accounts apart, which every one reads."""
    tables = load_all()
    if tables[name].is_staged:
        return frozenset({name.removeprefix("staged_")} - {"accounts"})
    return frozenset(source for one in tables[name].inputs for source in _sources_of_table(one))
