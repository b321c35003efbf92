"""The command line: make the demo company, run the pipeline, see where we stand.

`run` is run_command.py; what `status`, `backtest` and `scorecard` print is report.py, backtest_report.py and
scorecard_report.py. What takes long to import is imported by the command that needs it.
"""

import os
import signal
import sys
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from health_assets import settings
from health_assets.cli import run as run_command
from health_assets.cli.terminal import AsOfDay, CommandError, SettingsFile, console, day_of, errors, expected_errors
from health_assets.orchestration.instance import prepare_home

app = typer.Typer(help="Customer health for a company that owns its data.", no_args_is_help=True, add_completion=False)
scorecard = typer.Typer(help="How a score comes about, and what another scorecard would say.", no_args_is_help=True)
app.add_typer(scorecard, name="scorecard")
app.command()(run_command.run)

DEMO_FOLDER = Path("data/demo")


class FileFormat(StrEnum):
    """How the demo company exports its files."""

    csv = "csv"
    parquet = "parquet"


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the files and their settings.yml go.")] = DEMO_FOLDER,
    accounts: Annotated[int, typer.Option(min=1, help="How many accounts ever sign up.")] = 150,
    months: Annotated[int, typer.Option(min=1, help="Months of history.")] = 24,
    end: Annotated[str | None, typer.Option(help="The last day, e.g. 2025-01-31; yesterday by default.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed, end and size give the same bytes.")] = 7,
    profile: Annotated[str, typer.Option(help="Which sources it has: core, saas, commerce, all ...")] = "all",
    file_format: Annotated[FileFormat, typer.Option("--format", help="How it exports them.")] = FileFormat.csv,
) -> None:
    """Write a simulated company: its exports and the settings that connect them."""
    with expected_errors():
        from health_assets.demo import PROFILES, write_company

        if profile not in PROFILES:
            raise CommandError(f"--profile: {profile!r} is none of {', '.join(PROFILES)}")
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
                reporter=lambda file, count: status.update(f"{file}: {count:,} rows"),
            )
        console.print(
            f"[green]Demo company written[/]: {len(rows)} sources, {sum(rows.values()):,} rows up to {last_day}, "
            f"settings in {folder / 'settings.yml'}"
        )


@app.command()
def status(settings_file: SettingsFile = None) -> None:
    """Where do we stand: health, revenue at risk, whom to call and why."""
    with expected_errors():
        from health_assets.cli.status import print_status

        print_status(settings.load(settings_file), console)


@app.command()
def backtest(settings_file: SettingsFile = None) -> None:
    """Does the score work? Past scores against who churned later, beside baselines, with intervals and a verdict."""
    with expected_errors():
        from health_assets.cli.backtest import print_backtest

        print_backtest(settings.load(settings_file), console)


@scorecard.command()
def explain(
    account: Annotated[str, typer.Argument(help="The account_id, or the name.")],
    as_of: AsOfDay = None,
    settings_file: SettingsFile = None,
) -> None:
    """The arithmetic of one account's score, to be followed with a pocket calculator."""
    with expected_errors():
        from health_assets.cli.scorecard import print_explanation

        day = day_of(as_of, "--as-of") if as_of else None
        print_explanation(settings.load(settings_file), account, day, console)


@scorecard.command()
def compare(
    a: Annotated[str, typer.Argument(help="A scorecard of the settings, e.g. the one in use.")],
    b: Annotated[str, typer.Argument(help="Another one, e.g. the one that may follow.")],
    as_of: AsOfDay = None,
    settings_file: SettingsFile = None,
) -> None:
    """Which accounts would be in another band under scorecard B than under A, and what they pay."""
    with expected_errors():
        from health_assets.cli.scorecard import print_comparison

        print_comparison(settings.load(settings_file), a, b, day_of(as_of, "--as-of") if as_of else None, console)


@app.command()
def alerts(
    settings_file: SettingsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the message; tell and remember nothing.")] = False,
) -> None:
    """Tell Slack what changed since the last as-of day; without SLACK_WEBHOOK_URL the message is printed."""
    from health_assets.alerts import alert

    with expected_errors():
        outcome = alert(settings.load(settings_file), dry_run=dry_run)
        if dry_run or not outcome.has_webhook:
            console.print(outcome.text, markup=False, highlight=False)
        console.print(outcome.summary(), markup=False, highlight=False)
        if outcome.trouble:
            raise typer.Exit(1)


@app.command()
def doctor(settings_file: SettingsFile = None) -> None:
    """What is wrong with this set-up, and how to mend it; exit code 1 if something keeps it from running."""
    from health_assets.cli.doctor import Status, examine

    marks = {Status.good: "[green]good[/]", Status.warning: "[yellow]look[/]", Status.wrong: "[red]wrong[/]"}
    shown = Table.grid(padding=(0, 2))
    findings = list(examine(settings_file))
    for one in findings:
        remedy = f"\n[dim]→ {escape(one.remedy)}[/]" if one.remedy else ""
        shown.add_row(marks[one.status], escape(one.about), escape(one.said) + remedy)
    console.print(shown, highlight=False)
    if any(one.status == Status.wrong for one in findings):
        raise typer.Exit(1)


@app.command()
def ui(
    settings_file: SettingsFile = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens, on 127.0.0.1.")] = 3000,
) -> None:
    """Dagster for one company: tables, checks, lineage and runs, with the daemon that starts the daily run."""
    with expected_errors():
        company = settings.load(settings_file)
        prepare_home(company)
        if file := settings_file or os.environ.get(settings.SETTINGS_VARIABLE):
            os.environ[settings.SETTINGS_VARIABLE] = str(Path(file).resolve())
        errors.print(f"Dagster of {company.company} on http://127.0.0.1:{port}; Ctrl-C stops it", highlight=False)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell leaves what it starts in the background deaf to Ctrl-C
        os.chdir(company.dagster_home)  # Dagster warns of a dagster.yaml that lies elsewhere
        quiet = ["-W", "ignore:Function `dev_command` is superseded"]
        served = ["dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-m", "health_assets.definitions"]
        os.execv(sys.executable, [sys.executable, *quiet, "-m", *served])


@app.command()
def prune(settings_file: SettingsFile = None) -> None:
    """Delete old runs from Dagster's history; the daemon does so every week."""
    import dagster as dg

    from health_assets.orchestration.run_history import prune as prune_history

    with expected_errors():
        company = settings.load(settings_file)
        prepare_home(company)
        with dg.DagsterInstance.get() as instance:
            console.print(prune_history(instance, company.maintenance.keep_history_days).summary(), highlight=False)


if __name__ == "__main__":
    app()
