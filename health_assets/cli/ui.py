"""`health-assets ui`: Dagster's web server, behind a guard, and the daemon that starts the runs."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from health_assets import settings
from health_assets.cli.terminal import SettingsFile, errors, expected_errors
from health_assets.orchestration.instance import open_instance, prepare_home
from health_assets.reporting.formatting import counted
from health_assets.warehouse.disk import check_writable


def ui(
    settings_file: SettingsFile = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 3000,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Host name of a reverse proxy in front of it; may be repeated.")
    ] = None,
) -> None:
    """Start Dagster for one company: tables, checks, lineage and runs, with the daemon that starts the daily run."""
    with expected_errors(settings_file):
        from health_assets.orchestration.run_history import close_killed
        from health_assets.orchestration.web_guard import HOSTS_VARIABLE

        company = settings.load(settings_file)
        check_writable(company.warehouse, company.published, company.dagster_home / "dagster.yaml")
        prepare_home(company)
        with open_instance() as instance:
            if closed := close_killed(instance, by_daemon=True):
                errors.print(f"{counted(closed, 'killed run')} ended, so that the queue moves on", highlight=False)
        if file := settings_file or os.environ.get(settings.SETTINGS_VARIABLE):
            os.environ[settings.SETTINGS_VARIABLE] = str(Path(file).resolve())
        if allow_host:
            os.environ[HOSTS_VARIABLE] = ",".join(allow_host)
        stop = "stop it with Ctrl-C, from a script with kill -TERM"
        errors.print(f"Dagster for {company.company} on http://127.0.0.1:{port}; {stop}", highlight=False)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell makes background processes ignore Ctrl-C
        os.chdir(company.dagster_home)  # Dagster warns about a dagster.yaml elsewhere
        quiet = ["-W", "ignore:Function `dev_command` is superseded"]
        served = [
            "health_assets.orchestration.dev",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-m",
            "health_assets.definitions",
        ]
        os.execv(sys.executable, [sys.executable, *quiet, "-m", *served])
