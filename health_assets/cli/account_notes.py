"""`health-assets account note`, `silence` and `override`: what people know about an account, added to the files of notes."""

import getpass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from health_assets import settings
from health_assets.cli.account import app as app
from health_assets.cli.terminal import CommandError, SettingsFile, console, day_of, expected_errors
from health_assets.reporting.accounts import AccountNotFoundError, account_id_of
from health_assets.reporting.formatting import counted
from health_assets.reporting.reader import published
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.account_notes import append, touchpoint
from health_assets.sources.account_notes import silence as silence_row

AccountArgument = Annotated[str, typer.Argument(help="The account_id or the name.")]
Author = Annotated[str | None, typer.Option("--by", help="Your name; by default that of the user of this machine.")]


@app.command()
def note(
    account: AccountArgument,
    kind: Annotated[str, typer.Option(help="What it was: call, email, meeting, business_review, training ...")],
    result: Annotated[str | None, typer.Option(help="How it went: positive, neutral or negative.")] = None,
    text: Annotated[str | None, typer.Option(help="What was said.")] = None,
    on: Annotated[str | None, typer.Option(help="Day on which it took place, e.g. 2025-01-31; by default now.")] = None,
    by: Author = None,
    settings_file: SettingsFile = None,
) -> None:
    """Write down that somebody was in touch with an account; the next run counts it as a touchpoint."""
    with expected_errors(settings_file):
        company = settings.load(settings_file)
        row = touchpoint(
            _account_id(company, account), _moment(on, company), kind, by or getpass.getuser(), result, text
        )
        day = datetime.fromisoformat(str(row["occurred_at"])).astimezone(ZoneInfo(company.timezone)).date()
        counts = "the next run counts it"
        if company.as_of and day > company.as_of:
            counts = f"it counts from the as-of day {day} on; the settings have as_of: {company.as_of}"
        _added(append(company.notes, "touchpoints", row), f"{kind} with {row['account_id']}", counts)


@app.command()
def silence(
    account: AccountArgument,
    days: Annotated[int, typer.Option(min=0, help="For how many days, from today on; 0 ends a silence.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    by: Author = None,
    settings_file: SettingsFile = None,
) -> None:
    """Keep alerts about an account from being posted for some days; they are still listed."""
    with expected_errors(settings_file):
        company = settings.load(settings_file)
        row = silence_row(_account_id(company, account), _today(company), days, reason, by or getpass.getuser())
        what = f"no alerts about {row['account_id']} until {row['expiry_date']}" if days else "the silence has ended"
        _added(append(company.notes, "silences", row), what, "the next alert run follows it")


@app.command()
def override(
    account: AccountArgument,
    reason: Annotated[str, typer.Option(help="Why.")],
    days: Annotated[int, typer.Option(min=1, help="For how many days, from today on.")] = 30,
    band: Annotated[str | None, typer.Option(help="The band, by its name in the scorecard.")] = None,
    score: Annotated[float | None, typer.Option(min=0, max=100, help="The score, 0-100.")] = None,
    by: Author = None,
    settings_file: SettingsFile = None,
) -> None:
    """Set the health of an account by hand for some days, from the next run on."""
    with expected_errors(settings_file):
        company = settings.load(settings_file)
        if band is None and score is None:
            raise CommandError("give --band or --score")
        bands = {name for card in scorecards_in_use(company).values() for name in card.bands}
        if band is not None and band not in bands:
            raise CommandError(
                f"--band: {band!r} is no band of the scorecards in use{did_you_mean(band, sorted(bands))}"
            )
        first = company.load_day
        row = {
            "account_id": _account_id(company, account),
            "score": score,
            "band": band,
            "reason": reason,
            "author": by or getpass.getuser(),
            "valid_from": first,
            "expiry_date": first + timedelta(days=days - 1),
        }
        what = f"{row['account_id']} is {band or score} for {counted(days, 'day')}"
        _added(append(company.notes, "health_overrides", row), what, "the next run shows it")


def _account_id(company: Settings, account: str) -> str:
    """The id of an account of the snapshot.

    Raises:
        CommandError: there is no such account.
        SnapshotError: nothing is published.
    """
    with published(company) as connection:
        try:
            return account_id_of(connection, account, is_exact=True)
        except AccountNotFoundError as error:
            raise CommandError(str(error)) from None


def _today(company: Settings) -> date:
    return datetime.now(ZoneInfo(company.timezone)).date()


def _moment(day: str | None, company: Settings) -> str:
    """Noon of a day, or now, in UTC."""
    if day is None:
        return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    noon = datetime.combine(day_of(day, "--on"), datetime.min.time(), ZoneInfo(company.timezone)) + timedelta(hours=12)
    return f"{noon.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _added(file: Path, what: str, when: str) -> None:
    console.print(f"[green]Added[/] to {escape(str(file))}: {escape(what)}; {when}", highlight=False)
