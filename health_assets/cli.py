"""The command line: make the demo company, run the pipeline, see where we stand.

What `status` prints is in report.py, `scorecard` is scorecard_commands.py, `backtest` backtest_command.py.
"""

import fcntl
import os
import signal
import sys
import time
import uuid
from contextlib import nullcontext
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from health_assets import backtest_command, report, scorecard_commands, settings
from health_assets.judge import judge
from health_assets.outcome import EXPECTED, Outcome
from health_assets.terminal import CommandError, SettingsFile, console, day_of, errors, expected_errors

app = typer.Typer(help="Customer health for a company that owns its data.", no_args_is_help=True, add_completion=False)
app.add_typer(scorecard_commands.app, name="scorecard")
app.command(name="backtest")(backtest_command.backtest)

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
        last_day = day_of(end, "--end") if end else date.today() - timedelta(days=1)
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
def run(
    settings_file: SettingsFile = None,
    as_of: Annotated[str | None, typer.Option(help="The day to report on, e.g. 2025-01-31.")] = None,
    unattended: Annotated[bool, typer.Option("--unattended", help="Tell Slack if it is refused or fails.")] = False,
) -> None:
    """Run the pipeline from the files to the published snapshot."""
    from health_assets.alerts.data_alerts import of_failed_run
    from health_assets.unattended import Watched, telling_slack

    with expected_errors(), telling_slack() if unattended else nullcontext(Watched()) as watched:
        company = watched.settings = settings.load(settings_file)
        day = watched.day = _as_of(as_of, company)
        judge()  # it takes seconds to start, beside what follows
        _prepare_dagster(company)
        console.print(f"[bold]{escape(company.company)}[/], as of {day}")
        started = time.monotonic()
        outcome = _run(company, day)
        seconds = time.monotonic() - started
        _print_checks(outcome)
        _print_quarantine(outcome)
        passed = sum(check.passed for check in outcome.checks)
        warned = sum(not check.passed and check.is_warning for check in outcome.checks)
        failed = len(outcome.checks) - passed - warned
        counted = f"checks {passed} passed, {warned} warned, {failed} failed, in {seconds:.1f} s"
        if outcome.succeeded:
            tables, rows = outcome.published["tables"], outcome.published["rows"]
            console.print(f"[green]Published[/]: {tables} tables, {rows:,} rows, {counted}", soft_wrap=True)
        else:
            console.print(f"[red]Not published[/]: {outcome.tables} tables were made, {counted}", soft_wrap=True)
        if not outcome.succeeded:
            watched.fault = of_failed_run("daily", day, outcome, company)
            raise CommandError(outcome.reason(company.published))
        console.print(f"Snapshot: {_shown(company.published)}", highlight=False)


@app.command()
def status(settings_file: SettingsFile = None) -> None:
    """Where do we stand: health, revenue at risk, whom to call and why."""
    with expected_errors():
        report.print_status(settings.load(settings_file), console)


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
    from health_assets.doctor import Verdict, examine

    marks = {Verdict.good: "[green]good[/]", Verdict.warning: "[yellow]look[/]", Verdict.wrong: "[red]wrong[/]"}
    shown = Table.grid(padding=(0, 2))
    findings = list(examine(settings_file))
    for one in findings:
        remedy = f"\n[dim]→ {escape(one.remedy)}[/]" if one.remedy else ""
        shown.add_row(marks[one.verdict], escape(one.about), escape(one.said) + remedy)
    console.print(shown, highlight=False)
    if any(one.verdict == Verdict.wrong for one in findings):
        raise typer.Exit(1)


@app.command()
def ui(
    settings_file: SettingsFile = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens, on 127.0.0.1.")] = 3000,
) -> None:
    """Dagster for one company: tables, checks, lineage and runs, with the daemon that starts the daily run."""
    with expected_errors():
        company = settings.load(settings_file)
        _prepare_dagster(company)
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

    from health_assets.history import prune as prune_history

    with expected_errors():
        company = settings.load(settings_file)
        _prepare_dagster(company)
        with dg.DagsterInstance.get() as instance:
            console.print(prune_history(instance, company.operations.keep_history_days).summary(), highlight=False)


def _run(company: settings.Settings, day: date) -> Outcome:
    from health_assets.automation import DAILY_JOB
    from health_assets.definitions import definitions
    from health_assets.history import close_killed, this_process
    from health_assets.sources import check_sources
    from health_assets.tables import load_all, reached

    tables = load_all()
    check_sources(
        company, {name.removeprefix("raw_"): table.rows for name, table in tables.items() if table.rows is not None}
    )
    job = definitions(company).resolve_job_def(DAILY_JOB)
    outcome, run_id = Outcome(), str(uuid.uuid4())
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with _history() as instance, progress:
        task = progress.add_task("starting", total=len(reached(company.sources)), told="")

        def listen(entry: Any) -> None:
            doing = outcome.told(entry)
            told = f"{outcome.tables} tables, {outcome.rows:,} rows, {len(outcome.checks)} checks"
            shown = {"description": doing.removesuffix("_checks")} if doing else {}
            progress.update(task, completed=outcome.tables, told=told, **shown)  # type: ignore[arg-type]

        close_killed(instance)
        instance.add_event_listener(run_id, listen)
        finished = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            tags=this_process(),
            partition_key=day.replace(day=1).isoformat(),
            run_config={
                "resources": {"as_of": {"config": {"day": day.isoformat()}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )
    outcome.succeeded = finished.success
    return outcome


def _print_checks(outcome: Outcome) -> None:
    for warning in outcome.warnings:
        console.print(f"[yellow]warning[/] {escape(warning)}", highlight=False)
    broken = sorted((check for check in outcome.checks if not check.passed), key=lambda check: check.is_warning)
    if not broken:
        return
    shown = Table("", "check", "evidence", box=None, pad_edge=False, header_style="dim")
    for check in broken:
        counted = {name: value for name, value in check.evidence.items() if name != EXPECTED}
        evidence = ", ".join(f"{name} {value}" for name, value in counted.items())[:100]
        if check.is_warning:
            shown.add_row("[yellow]warned[/]", escape(check.name), escape(evidence))
        else:
            expected = f"; expected: {check.evidence[EXPECTED]}" if EXPECTED in check.evidence else ""
            shown.add_row("[red]failed[/]", escape(check.name), escape(evidence + expected))
    console.print(shown)


def _print_quarantine(outcome: Outcome) -> None:
    if outcome.quarantined:
        console.print("[yellow]Quarantined rows[/] (each with its file, row and reasons)")
        for table, rows in sorted(outcome.quarantined.items()):
            console.print(f"  {escape(f'{table} {rows}')}", highlight=False)


def _as_of(given: str | None, company: settings.Settings) -> date:
    day = day_of(given, "--as-of") if given else company.load_day
    today = datetime.now(ZoneInfo(company.timezone)).date()
    if not company.history_start <= day <= today:
        raise CommandError(
            f"as-of day {day}: must lie between history_start ({company.history_start}) and today ({today})"
        )
    return day


def _prepare_dagster(company: settings.Settings) -> None:
    """Dagster's home exists and has our dagster.yaml; one that DAGSTER_HOME names and that has its own keeps it."""
    home = company.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    ours, theirs = Path(__file__).parent.parent / "dagster.yaml", home / "dagster.yaml"
    if ours.exists() and not ("DAGSTER_HOME" in os.environ and theirs.exists()):
        theirs.write_text(ours.read_text(encoding="utf-8"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(home)


def _history() -> Any:
    """Dagster's history; made by one process at a time, since two that begin together would both create its tables."""
    import dagster as dg

    with (Path(os.environ["DAGSTER_HOME"]) / ".creating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.get()
        instance.has_asset_key(dg.AssetKey("published"))  # the log creates its tables when it is first read
    return instance


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


if __name__ == "__main__":
    app()
