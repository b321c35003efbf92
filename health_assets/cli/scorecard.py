"""What `health-assets scorecard` prints: how a score came about, and what another scorecard would say. From the snapshot alone."""

import difflib
from datetime import date
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from health_assets import settings
from health_assets.cli.terminal import CommandError
from health_assets.reporting.explanation import Explained, explained
from health_assets.reporting.formatting import figure, money
from health_assets.reporting.signals import published_signals
from health_assets.scoring.scorecards import scored
from health_assets.warehouse.snapshot import snapshot
from health_assets.warehouse.sql import literal

SHOWN = 40  # accounts of a comparison


def print_explanation(company: settings.Settings, account: str, as_of: date | None, console: Console) -> None:
    """The arithmetic of one account's score on a published day, the last one where none is asked for.

    Args:
        company: the settings.
        account: its id, or its name.
        as_of: the day.
        console: where it is printed.

    Raises:
        CommandError: there is no such account, or it has no score on that day.
        SnapshotError: nothing is published, or nothing of that day.
    """
    account = _meant(company, account)
    signals, day = published_signals(company, as_of)
    found = explained(signals, company, account)
    if found is None:
        raise CommandError(_unscored(company, account, day))
    console.print(f"[bold]{escape(found.title)}[/], as of {day}, scorecard {found.scorecard}", highlight=False)
    for line in found.lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for line in _remarks(company, account, day, found):
        console.print(f"[yellow]{escape(line)}[/]", highlight=False)


def _meant(company: settings.Settings, given: str) -> str:
    """The id of the account that is called so, by its id or name in any case.

    Raises:
        CommandError: none is, or several are.
    """
    with snapshot(company.published) as connection:
        accounts = connection.sql("select account_id, coalesce(company_name, account_id) from dim.account").fetchall()
    called = [account for account, name in accounts if given.lower() in (account.lower(), name.lower())]
    found = [given] if given in called else called
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"{given}: several accounts are called so, give the account_id: {', '.join(sorted(found))}")
    spellings = {spelling.lower(): f"{account} ({name})" for account, name in accounts for spelling in (account, name)}
    close = dict.fromkeys(spellings[one] for one in difflib.get_close_matches(given.lower(), spellings))
    raise CommandError(f"{given}: there is no such account" + (f"; did you mean {', '.join(close)}?" if close else ""))


def _unscored(company: settings.Settings, account: str, day: date) -> str:
    on_the_day = f"account_id = {literal(account)} and as_of_date = {literal(day)}"
    with snapshot(company.published) as connection:
        ((signed_up, status),) = connection.sql(
            f"select signup_date, (select account_status from fact.account_revenue_daily where {on_the_day}) "
            f"from dim.account where account_id = {literal(account)}"
        ).fetchall()
    if signed_up > day:
        why = f"it signed up on {signed_up}"
    elif status == "churned":
        why = "it had churned"
    elif status is None:
        why = "its status on that day is not known"
    else:
        why = "no scorecard's `accounts` names it"
    return f"{account}: not scored on {day}: {why}"


def print_comparison(company: settings.Settings, a: str, b: str, as_of: date | None, console: Console) -> None:
    """The accounts that would be in another band under scorecard B than under A, and what they pay.

    Raises:
        CommandError: there is no such scorecard.
        SnapshotError: nothing is published, or nothing of that day.
    """
    for name in (a, b):
        if name not in company.scorecards:
            raise CommandError(f"{name!r} is no scorecard of the settings; there are {', '.join(company.scorecards)}")
    signals, day = published_signals(company, as_of)
    both = compared(signals, company, a, b)
    moved = both.filter(pl.col("band_a").ne_missing(pl.col("band_b")))
    shown = Table("account", "MRR", a, b, box=None, pad_edge=False, header_style="dim")
    for row in moved.head(SHOWN).to_dicts():
        shown.add_row(escape(row["name"]), money(row["mrr"]), _score(row, "a"), _score(row, "b"))
    console.print(
        f"As of {day}: [bold]{moved.height} of {both.height}[/] accounts with {money(moved['mrr'].sum())} of "
        f"{money(both['mrr'].sum())} MRR would change band from {escape(a)} to {escape(b)}",
        highlight=False,
    )
    if moved.height:
        console.print(shown)
    if moved.height > SHOWN:
        console.print(f"and {moved.height - SHOWN} more", style="dim")


def compared(signals: pl.LazyFrame, company: settings.Settings, a: str, b: str) -> pl.DataFrame:
    """Score and band of every account under two scorecards, most MRR first; null where one does not score it."""
    scores = [
        scored(signals, company.scorecards[name]).select(
            "account_id", pl.col("health_score").alias(f"score_{side}"), pl.col("health_band").alias(f"band_{side}")
        )
        for side, name in (("a", a), ("b", b))
    ]
    accounts = signals.select("account_id", "mrr", name=pl.coalesce("company_name", "account_id"))
    return (
        scores[0]
        .join(scores[1], on="account_id", how="full", coalesce=True, validate="1:1")
        .join(accounts, on="account_id", how="left", validate="1:1")
        .sort("mrr", "account_id", descending=[True, False], nulls_last=True)
        .collect()
    )


def _remarks(company: settings.Settings, account: str, day: date, found: Explained) -> list[str]:
    """Where what is published of the day says something else than the settings of now."""
    with snapshot(company.published) as connection:
        published = connection.execute(
            "select scorecard, scorecard_version, health_score from mart.customer_health_daily "
            "where account_id = ? and as_of_date = ?",
            [account, day],
        ).fetchone()
        by_hand = connection.execute(
            "select health_band, override_expiry_date, override_author, override_reason from mart.customer_health "
            "where account_id = ? and as_of_date = ? and is_overridden",
            [account, day],
        ).fetchone()
    if by_hand is not None:
        return ["Set by hand: {} until {}, by {}: {}".format(*by_hand)]
    if published is None:
        return ["Nothing is published of this account and day: the scorecards were others then"]
    scorecard, version, score = published
    if version != found.version:
        shown = "no score" if score is None else figure(score, 2)
        return [f"Published was {shown}, by {scorecard} version {version}: the settings have changed since"]
    return []


def _score(row: dict[str, Any], side: str) -> str:
    band, score = row[f"band_{side}"], row[f"score_{side}"]
    return "not scored" if band is None else band if score is None else f"{band} {figure(score, 1)}"
