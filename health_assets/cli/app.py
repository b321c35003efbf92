"""The command line. Each command but `run` parses its options here and prints in a module of its own.

Modules that take long to import are imported by the command that needs them.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from health_assets import settings
from health_assets.cli import account_notes
from health_assets.cli import alerts as alerts_command
from health_assets.cli import dashboard as dashboard_command
from health_assets.cli import erase as erase_command
from health_assets.cli import export as export_command
from health_assets.cli import report as report_command
from health_assets.cli import run as run_command
from health_assets.cli import ui as ui_command
from health_assets.cli import write_back as write_back_command
from health_assets.cli.terminal import (
    AsOfDay,
    CommandError,
    SettingsFile,
    console,
    copyable,
    day_of,
    expected_errors,
)
from health_assets.orchestration.instance import prepare_home
from health_assets.reporting.formatting import counted
from health_assets.settings.suggestions import did_you_mean

app = typer.Typer(help="Customer health for a company that owns its data.", no_args_is_help=True, add_completion=False)
scorecard = typer.Typer(help="How a score is calculated, and what another scorecard would give.", no_args_is_help=True)
app.add_typer(scorecard, name="scorecard")
app.add_typer(alerts_command.app, name="alerts")
app.add_typer(account_notes.app, name="account")
app.command()(run_command.run)
app.command()(ui_command.ui)
app.command()(export_command.export)
app.command()(report_command.report)
app.command()(dashboard_command.dashboard)
app.command()(write_back_command.write_back)
app.command()(erase_command.erase)

DEMO_FOLDER = Path("data/demo")


class FileFormat(StrEnum):
    """Format of the demo company's files."""

    csv = "csv"
    parquet = "parquet"


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Folder for the files and their settings.yml.")] = DEMO_FOLDER,
    accounts: Annotated[int, typer.Option(min=1, help="Accounts that ever sign up.")] = 150,
    months: Annotated[int, typer.Option(min=1, help="Months of history.")] = 24,
    end: Annotated[str | None, typer.Option(help="Last day, e.g. 2025-01-31; by default yesterday.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed, end and size give the same files.")] = 7,
    profile: Annotated[
        str,
        typer.Option(help="Kind of business, which decides the sources: core, saas, commerce, all ..."),
    ] = "all",
    file_format: Annotated[FileFormat, typer.Option("--format", help="Format of the files.")] = FileFormat.csv,
) -> None:
    """Write the files of a simulated company, and the settings that connect them."""
    with expected_errors():
        from health_assets.demo import PROFILES, write_company

        if profile not in PROFILES:
            raise CommandError(f"--profile: unknown profile {profile!r}{did_you_mean(profile, PROFILES)}")
        last_day = day_of(end, "--end") if end else datetime.now().astimezone().date() - timedelta(days=1)
        with console.status("Simulating the company ...") as status:
            rows = write_company(
                folder,
                accounts=accounts,
                months=months,
                end=last_day,
                seed=seed,
                profile=profile,
                file_format=file_format.value,
                reporter=lambda file, count: status.update(f"{file}: {counted(count, 'row')}"),
            )
        console.print(
            f"[green]Demo company written[/]: {counted(len(rows), 'source')}, {counted(sum(rows.values()), 'row')} up to "
            f"{last_day}, settings in {folder / 'settings.yml'}"
        )
        console.print(
            "Some rows are faulty on purpose: a run warns of them and quarantines what cannot be used.", style="dim"
        )


class StatusProfile(StrEnum):
    """Other pages that `status` can print."""

    security = "security"


@app.command()
def status(
    settings_file: SettingsFile = None,
    profile: Annotated[
        StatusProfile | None, typer.Option(help="security: the executive dashboard of a security provider.")
    ] = None,
) -> None:
    """Accounts to contact and why, health, churn risk, revenue, support, data quality, on one screen."""
    with expected_errors(settings_file):
        from health_assets.cli.status import print_status

        print_status(settings.load(settings_file), console, settings_file, profile)


@app.command()
def backtest(settings_file: SettingsFile = None) -> None:
    """Test the score: did low scores in the past precede churn, and better than simple baselines would have?"""
    with expected_errors(settings_file):
        from health_assets.cli.backtest import print_backtest

        print_backtest(settings.load(settings_file), console)


@scorecard.command()
def explain(
    account: Annotated[str, typer.Argument(help="The account_id or the name.")],
    as_of: AsOfDay = None,
    settings_file: SettingsFile = None,
) -> None:
    """The calculation of one account's score, step by step."""
    with expected_errors(settings_file):
        from health_assets.cli.scorecard import print_explanation

        day = day_of(as_of, "--as-of") if as_of else None
        print_explanation(settings.load(settings_file), account, day, console)


@scorecard.command()
def compare(
    a: Annotated[str, typer.Argument(help="A scorecard of the settings, e.g. the one in use.")],
    b: Annotated[str, typer.Argument(help="Another one, e.g. a candidate to replace it.")],
    as_of: AsOfDay = None,
    settings_file: SettingsFile = None,
) -> None:
    """Accounts that would be in another band under scorecard B than under A, with their MRR."""
    with expected_errors(settings_file):
        from health_assets.cli.scorecard import print_comparison

        print_comparison(settings.load(settings_file), a, b, day_of(as_of, "--as-of") if as_of else None, console)


@app.command()
def doctor(settings_file: SettingsFile = None) -> None:
    """Find problems with this set-up and say how to fix them; exit code 1 if one of them prevents a run."""
    from health_assets.cli.doctor import Status, examine

    marks = {Status.good: "[green]ok[/]", Status.warning: "[yellow]warning[/]", Status.wrong: "[red]error[/]"}
    shown = Table.grid(padding=(0, 2))
    findings = list(examine(settings_file))
    for one in findings:
        message, remedy = (escape(copyable(said, settings_file)) for said in (one.message, one.remedy))
        shown.add_row(marks[one.status], escape(one.subject), message + (f"\n[dim]→ {remedy}[/]" if remedy else ""))
    console.print(shown, highlight=False)
    if any(one.status == Status.wrong for one in findings):
        raise typer.Exit(1)


@app.command()
def init(
    place: Annotated[str, typer.Argument(help="A folder with files, or env:NAME with the URL of a database.")],
    output: Annotated[
        Path | None, typer.Option(help="The settings file; by default settings.yml in the folder.")
    ] = None,
    schema: Annotated[
        list[str] | None, typer.Option(help="A schema of a database to look at; may be repeated, default all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing settings file.")] = False,
) -> None:
    """Look at files or a database, guess which source is which, try it, and write a commented settings file."""
    with expected_errors():
        from health_assets.cli.init import initialise

        if not initialise(place, output, schema or [], force, console):
            raise typer.Exit(1)


@app.command()
def check(settings_file: SettingsFile = None) -> None:
    """Read every source as a run would and show what would be kept, per source; exit code 1 if one cannot be published."""
    with expected_errors(settings_file):
        from health_assets.cli.check import print_check

        if not print_check(settings.load(settings_file), console):
            raise typer.Exit(1)


@app.command()
def pull(
    vendors: Annotated[
        list[str] | None, typer.Argument(help="stripe, hubspot, zendesk, salesforce; by default all in the settings.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Read all records again, not only what has changed.")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Fetch what is new in Stripe, HubSpot, Zendesk and Salesforce; a run does so too before it reads its sources."""
    with expected_errors(settings_file):
        from health_assets.cli.pull import print_pulls

        if not print_pulls(settings.load(settings_file), vendors or [], everything, console):
            raise typer.Exit(1)


@app.command()
def prune(settings_file: SettingsFile = None) -> None:
    """Delete old runs from Dagster's history; the daemon does this every week."""
    import dagster as dg

    from health_assets.orchestration.run_history import prune as prune_history

    with expected_errors(settings_file):
        company = settings.load(settings_file)
        prepare_home(company)
        with dg.DagsterInstance.get() as instance:
            console.print(prune_history(instance, company.maintenance.keep_history_days).summary(), highlight=False)


if __name__ == "__main__":
    app()
