"""Whether every name in the scorecards, the risk factors and the rule sets exists, before anything runs."""

from collections.abc import Iterable, Iterator

import polars as pl

from health_assets.scoring.measures import sql_of
from health_assets.scoring.risk_factors import FACTORS
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings, SettingsError
from health_assets.settings.suggestions import did_you_mean, is_misspelt, nearest

OWN_METRICS = "account_metrics"  # the source that brings signals under names of the company's own


def check_scorecards(settings: Settings, known: set[str]) -> None:
    """Refuse scorecards in use that name a signal that no table has: it would silently count as not measured for ever.

    Args:
        settings: of the company.
        known: columns that a scorecard may name: signals of accounts by day, and attributes of accounts.

    Raises:
        SettingsError: one message with every wrong place and a near name.
    """
    if faults := _faults_of(_written_in(settings), known, settings):
        raise SettingsError("the scorecards cannot be used\n" + "\n".join(faults))


def check_factors(settings: Settings, known: set[str]) -> None:
    """Refuse risk factors that do not exist, and own factors and rules that name a signal that no table has.

    Args:
        settings: of the company.
        known: signals of accounts by day.

    Raises:
        SettingsError: one message with every wrong place and a near name.
    """
    risk = settings.churn_risk
    own = {name: factor for name, factor in risk.factors.items() if factor.metric}
    written = [(f"factors.{name}.metric", f'"{factor.metric}"') for name, factor in own.items()]
    written += [
        (f"rule_sets.{name}.{level}.when", rule.when)
        for name, rules in risk.rule_sets.items()
        for level, rule in rules.items()
        if rule.when
    ]
    faults = [
        f"  factors: {name!r} is not a factor{did_you_mean(name, FACTORS)}; a factor of your own needs `metric`"
        for name in risk.factors
        if name not in FACTORS and name not in own
    ]
    if faults := faults + _faults_of(written, known | {"health_score"}, settings):
        raise SettingsError("churn_risk cannot be used\n" + "\n".join(faults))


def _written_in(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every place where the scorecards in use name columns, with its SQL."""
    for number, choice in enumerate(settings.scorecards_for):
        yield f"scorecards_for.{number}.accounts", choice.accounts
    for name, scorecard in scorecards_in_use(settings).items():
        yield f"scorecards.{name}.accounts", scorecard.accounts
        yield from ((f"scorecards.{name}.{place}", sql) for place, sql in sql_of(scorecard))


def _faults_of(written: Iterable[tuple[str, str]], known: set[str], settings: Settings) -> list[str]:
    has_own = OWN_METRICS in settings.sources
    return [f"  {place}: {fault}" for place, sql in written for fault in _faults(sql, known, has_own=has_own)]


def _faults(sql: str, known: set[str], *, has_own: bool) -> list[str]:
    try:
        names = set(pl.sql_expr(sql).meta.root_names())
    except pl.exceptions.PolarsError as error:
        return [f"{sql!r} cannot be read as SQL ({error})"]
    unknown = sorted(names - known)
    if has_own:  # any other name may be a metric of the company's own
        unknown = [name for name in unknown if is_misspelt(name, known)]
    return [f"no table has a signal {name!r}{_near(name, known)}" for name in unknown]


def _near(name: str, known: set[str]) -> str:
    close = nearest(name, sorted(known))
    return (
        f"; did you mean {close!r}?"
        if close
        else "; docs/tables.md lists them (fact.account_*_daily); metrics of your own come from the source account_metrics"
    )
