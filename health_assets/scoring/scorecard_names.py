"""Whether every name in the scorecards, the risk factors and the rule sets exists, before anything runs."""

import difflib
from collections.abc import Iterator

import polars as pl

from health_assets.scoring.measures import sql_of
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings, SettingsError


def check_scorecards(settings: Settings, known: set[str]) -> None:
    """Refuse scorecards in use that name what no table brings: in silence it would count as not measured, for ever.

    Args:
        settings: of the company.
        known: columns that a scorecard may name: signals of accounts by day, and attributes of accounts.

    Raises:
        SettingsError: one message with every wrong place and a near name.
    """
    faults = [f"  {place}: {fault}" for place, sql in _written_in(settings) for fault in _faults(sql, known)]
    if faults:
        raise SettingsError("the scorecards cannot be used\n" + "\n".join(faults))


def _written_in(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every place where the scorecards in use name columns, with the SQL that stands there."""
    for number, choice in enumerate(settings.scorecards_for):
        yield f"scorecards_for.{number}.accounts", choice.accounts
    for name, scorecard in scorecards_in_use(settings).items():
        yield f"scorecards.{name}.accounts", scorecard.accounts
        yield from ((f"scorecards.{name}.{place}", sql) for place, sql in sql_of(scorecard))


def _faults(sql: str, known: set[str]) -> list[str]:
    try:
        names = set(pl.sql_expr(sql).meta.root_names())
    except pl.exceptions.PolarsError as error:
        return [f"{sql!r} cannot be read as SQL ({error})"]
    return [f"no table has a signal {name!r}{_near(name, known)}" for name in sorted(names - known)]


def _near(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else "; docs/tables.md lists them (fact.account_*_daily)"
