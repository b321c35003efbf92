"""What `health-assets scorecard` prints: how a score is calculated, and which bands another scorecard would give."""

from datetime import date
from typing import Any

import polars as pl
from rich.console import Console
from rich.markup import escape

from health_assets.cli.terminal import CommandError, grid
from health_assets.reporting.accounts import AccountNotFoundError, account_id_of
from health_assets.reporting.explanation import explained
from health_assets.reporting.formatting import counted, money, number
from health_assets.reporting.reader import published
from health_assets.reporting.scorecards import compared, reason_unscored, remarks
from health_assets.reporting.signals import published_signals
from health_assets.settings import Settings
from health_assets.settings.suggestions import did_you_mean

SHOWN_ACCOUNTS = 40


def print_explanation(company: Settings, account: str, as_of: date | None, console: Console) -> None:
    """The calculation of one account's score on a published day, the latest unless one is given.

    Args:
        company: the settings.
        account: its id or its name.
        as_of: the day.
        console: where it is printed.

    Raises:
        CommandError: there is no such account, or it has no score on that day.
        SnapshotError: nothing is published, or nothing for that day.
    """
    with published(company) as connection:
        try:
            account_id = account_id_of(connection, account)
        except AccountNotFoundError as error:
            raise CommandError(str(error)) from None
    signals, day = published_signals(company, as_of)
    found = explained(signals, company, account_id)
    if found is None:
        raise CommandError(f"{account_id}: not scored on {day}: {reason_unscored(company, account_id, day)}")
    console.print(f"[bold]{escape(found.title)}[/], as of {day}, scorecard {escape(found.scorecard)}", highlight=False)
    for line in found.lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for remark in remarks(company, account_id, day, found):
        console.print(f"[yellow]{escape(remark)}[/]", highlight=False)


def print_comparison(company: Settings, a: str, b: str, as_of: date | None, console: Console) -> None:
    """The accounts that would be in another band under scorecard B than under A, and their MRR.

    Raises:
        CommandError: there is no such scorecard.
        SnapshotError: nothing is published, or nothing for that day.
    """
    for name in (a, b):
        if name not in company.scorecards:
            raise CommandError(f"{name!r} is not a scorecard of the settings{did_you_mean(name, company.scorecards)}")
    signals, day = published_signals(company, as_of)
    both = compared(signals, company, a, b)
    moved = both.filter(pl.col("band_a").ne_missing(pl.col("band_b")))
    console.print(
        f"As of {day}: [bold]{moved.height} of {counted(both.height, 'account')}[/] would change band from {escape(a)} to "
        f"{escape(b)}, with {money(moved['mrr'].sum())} of {money(both['mrr'].sum(), company.reporting_currency)} MRR",
        highlight=False,
    )
    if moved.height:
        shown = grid("account", "MRR", escape(a), escape(b))
        for row in moved.head(SHOWN_ACCOUNTS).to_dicts():
            shown.add_row(escape(row["name"]), money(row["mrr"]), _score(row, "a"), _score(row, "b"))
        console.print(shown)
    if moved.height > SHOWN_ACCOUNTS:
        console.print(f"and {moved.height - SHOWN_ACCOUNTS} more", style="dim")


def _score(row: dict[str, Any], side: str) -> str:
    band, score = row[f"band_{side}"], row[f"score_{side}"]
    return "not scored" if band is None else band if score is None else f"{band} {number(score, 1)}"
