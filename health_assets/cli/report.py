"""What `health-assets report` does: the portfolio as one HTML file, and as PDF where Chromium is installed."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, expected_errors
from health_assets.reporting.portfolio import about
from health_assets.reporting.reader import published, row
from health_assets.reporting.report import report_html
from health_assets.reporting.scope import Scope
from health_assets.settings import Settings
from health_assets.settings.suggestions import did_you_mean

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT = 120  # seconds, for a PDF


def report(
    owner: Annotated[str | None, typer.Option("--owner", help="Only the accounts of this owner.")] = None,
    segment: Annotated[str | None, typer.Option("--segment", help="Only the accounts of this segment.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="The HTML file; default report-<as-of day>.html.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write a PDF next to it; needs Chromium.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Write the portfolio as one HTML file that needs no network: movement, renewals, accounts to contact, data quality."""
    with expected_errors(settings_file):
        file = write_report(settings.load(settings_file), Scope(owner, segment), output)
        console.print(f"[green]Report[/]: {escape(str(file))}", highlight=False)
        if pdf:
            console.print(f"[green]PDF[/]: {escape(str(as_pdf(file)))}", highlight=False)


def write_report(company: Settings, scope: Scope, output: Path | None = None) -> Path:
    """The report of the newest snapshot.

    Raises:
        CommandError: no account is in the scope.
        SnapshotError: nothing is published.
    """
    with published(company, scope) as connection:
        if (
            not scope.is_all
            and not row(connection, "select count(*) as account_count from dim.account")["account_count"]
        ):
            raise CommandError(f"there are no {scope.in_words()}{_meant(company, scope)}")
        target = output or Path(f"report-{about(connection)['as_of_date']}.html")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(report_html(connection, company, scope), encoding="utf-8")
    return target


def _meant(company: Settings, scope: Scope) -> str:
    """The owner or segment that was probably meant, else those that there are."""
    given, column = (scope.owner, "account_owner") if scope.owner is not None else (scope.segment, "segment")
    with published(company) as connection:
        known = connection.sql(
            f"select distinct {column} from dim.account where {column} is not null order by 1"
        ).fetchall()
    return did_you_mean(str(given), [str(name) for (name,) in known], "there are those of")


def as_pdf(file: Path) -> Path:
    """The report as PDF, printed by Chromium without a network.

    Raises:
        CommandError: Chromium is not installed, or could not print.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise CommandError(f"--pdf needs one of {', '.join(BROWSERS)}; or print {file} from any browser")
    target = file.with_suffix(".pdf")
    options = ["--headless", "--disable-gpu", "--no-pdf-header-footer", "--disable-background-networking"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium refuses to run as root otherwise
    command = [browser, *options, f"--print-to-pdf={target.resolve()}", file.resolve().as_uri()]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    if printed.returncode or not target.exists():
        raise CommandError(f"{browser} could not print {file}: {printed.stderr.strip()[-500:]}")
    return target
