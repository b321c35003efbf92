"""`health-assets run`: from the files to the published snapshot, with progress, failed checks and the outcome."""

import getpass
import time
import uuid
from contextlib import nullcontext
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, day_of, expected_errors
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets.quality.great_expectations import warm_up
from health_assets.quality.run_outcome import Outcome
from health_assets.reporting.formatting import counted
from health_assets.warehouse.disk import check_links, check_writable, trouble
from health_assets.warehouse.snapshot import published_run
from health_assets.worker import shared_worker, without_garbage_collection

LAYERS = {  # of tables -> what a log says when its first table begins
    "raw": "Reading the files",
    "staged": "Cleaning the rows",
    "fact": "Computing dimensions and facts; a first run computes all months and takes longest here",
    "mart": "Computing marts and scores",
}


def run(
    settings_file: SettingsFile = None,
    as_of: Annotated[str | None, typer.Option(help="As-of day, e.g. 2025-01-31; by default yesterday.")] = None,
    unattended: Annotated[
        bool, typer.Option("--unattended", help="Notify Slack if the run cannot start or fails.")
    ] = False,
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Publish a load that differs implausibly from the last; who did so is recorded."),
    ] = False,
) -> None:
    """Run the pipeline from the files to the published snapshot."""
    shared_worker().prepare(warm_up)  # takes seconds, in the worker while this process goes on
    from health_assets.alerts.data_alerts import of_failed_run
    from health_assets.cli.pull import pull_first_time
    from health_assets.orchestration.unattended import Watched, notifying_slack

    with expected_errors(settings_file), notifying_slack() if unattended else nullcontext(Watched()) as watched:
        company = watched.settings = _checked(settings_file)
        day = watched.day = _as_of(as_of, company)
        check_writable(company.warehouse, company.published, company.dagster_home / "dagster.yaml")
        check_links(company.published)
        prepare_home(company)
        console.print(f"[bold]{escape(company.company)}[/], as of {day}")
        pull_first_time(company, console)
        started = time.monotonic()
        outcome = _run(company, day, accepted_by=getpass.getuser() if accept else None)
        seconds = time.monotonic() - started
        _print_checks(outcome)
        _print_quarantine(outcome)
        passed = sum(check.passed for check in outcome.checks)
        warned = sum(not check.passed and check.is_warning for check in outcome.checks)
        failed = len(outcome.checks) - passed - warned
        checks = f"checks: {passed} passed, {warned} warned, {failed} failed; {seconds:.1f} s"
        if outcome.succeeded:
            tables, rows = outcome.published["tables"], outcome.published["rows"]
            size = f"{counted(tables, 'table')}, {counted(rows, 'row')}"
            console.print(f"[green]Published[/]: {size}; {checks}", soft_wrap=True)
        else:
            console.print(
                f"[red]Not published[/]: {counted(outcome.tables, 'table')} computed; {checks}", soft_wrap=True
            )
        if not outcome.succeeded:
            watched.fault = of_failed_run("daily", day, outcome, company)
            raise CommandError(outcome.reason(company.published))
        console.print(f"Snapshot: {_shown(company.published)}", highlight=False)


def _run(company: settings.Settings, day: date, accepted_by: str | None) -> Outcome:
    """The outcome of a run: it succeeded if readers have what it made, whatever failed after that."""
    job, run_id, outcome = _daily_job(company), str(uuid.uuid4()), Outcome()
    try:
        _execute(job, run_id, outcome, company, day, accepted_by)
    except Exception as error:
        if published_run(company.published) != run_id:
            raise
        outcome.failures.append(trouble(error, [company.dagster_home / "dagster.yaml"]) or str(error).splitlines()[0])
    if not outcome.succeeded and published_run(company.published) == run_id:
        outcome.succeeded = True
        said = "; ".join(outcome.failures) or "an unknown error"
        outcome.warnings.append(f"the snapshot was published, but the run history is not complete: {said}")
    return outcome


def _progress() -> Progress:
    """The bar of a run on a terminal, which leaves nothing behind."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[progress]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _execute(
    job: Any, run_id: str, outcome: Outcome, company: settings.Settings, day: date, accepted_by: str | None
) -> None:
    from health_assets.orchestration.run_history import close_killed, execute_here
    from health_assets.tables import reached

    tables = reached(company.sources)
    layers = {table.name: table.layer for table in tables if table.inputs or table.layer == "raw"}  # not the calendar
    shown_layers: set[str] = set()

    def log_layer(step: str) -> None:
        """Where nothing moves on a terminal, a line when the first table of a layer begins."""
        layer = layers.get(step)
        if layer is None or layer in shown_layers or console.is_terminal:
            return
        shown_layers.add(layer)
        console.print(
            f"{datetime.now(ZoneInfo(company.timezone)):%H:%M:%S} {LAYERS[layer]}", highlight=False, soft_wrap=True
        )

    with open_instance() as instance, _progress() as progress:
        task = progress.add_task("starting", total=len(tables), progress="")

        def listen(entry: Any) -> None:
            if step := outcome.record(entry):
                log_layer(step.removesuffix("_checks"))
            done = f"{counted(outcome.tables, 'table')}, {counted(outcome.rows, 'row')}, {counted(len(outcome.checks), 'check')}"
            shown = {"description": step.removesuffix("_checks")} if step else {}
            progress.update(task, completed=outcome.tables, progress=done, **shown)  # type: ignore[arg-type]

        close_killed(instance)
        instance.add_event_listener(run_id, listen)
        outcome.succeeded = execute_here(
            job,
            instance,
            run_id=run_id,
            partition_key=day.replace(day=1).isoformat(),
            run_config={
                "resources": {
                    "as_of": {"config": {"day": day.isoformat()}},
                    "accepted_by": {"config": {"user": accepted_by} if accepted_by else {}},
                },
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )


def _checked(settings_file: Path | None) -> settings.Settings:
    """The settings; where they cannot be used, with all that is wrong with their sources as well.

    Raises:
        SettingsError: one message with every wrong place, and what to do about it.
    """
    try:
        return settings.load(settings_file)
    except settings.SettingsError as error:
        from health_assets.assets import load_all
        from health_assets.sources.check import with_source_faults
        from health_assets.tables import source_contracts

        load_all()
        raise with_source_faults(error, source_contracts()) from None


def _daily_job(company: settings.Settings) -> Any:
    with without_garbage_collection():
        from health_assets.assets import load_all
        from health_assets.definitions import definitions
        from health_assets.orchestration.jobs import DAILY_JOB
        from health_assets.sources.check import check_sources
        from health_assets.tables import source_contracts

        load_all()
        check_sources(company, source_contracts())
        return definitions(company, of_reached=True).resolve_job_def(DAILY_JOB)


def _print_checks(outcome: Outcome) -> None:
    for warning in outcome.warnings:
        console.print(f"[yellow]warning[/] {escape(warning)}", highlight=False)
    broken = sorted((check for check in outcome.checks if not check.passed), key=lambda check: check.is_warning)
    if not broken:
        return
    shown = Table("", "check", "evidence", box=None, pad_edge=False, header_style="dim")
    for check in broken:
        outcome_word = "[yellow]warned[/]" if check.is_warning else "[red]failed[/]"
        shown.add_row(outcome_word, escape(check.name), escape(check.in_words()))
    console.print(shown)


def _print_quarantine(outcome: Outcome) -> None:
    if outcome.quarantined:
        console.print(
            "[yellow]Quarantined rows[/], by reason; the tables hold each with its file and row number (from 1 after the header)"
        )
        for table, rows in sorted(outcome.quarantined.items()):
            console.print(f"  {escape(f'{table} {rows}')}", highlight=False)


def _as_of(given: str | None, company: settings.Settings) -> date:
    day = day_of(given, "--as-of") if given else company.load_day
    today = datetime.now(ZoneInfo(company.timezone)).date()
    if not company.history_start <= day <= today:
        raise CommandError(
            f"as-of day {day}: must be between history_start ({company.history_start}) and today ({today})"
        )
    return day


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
