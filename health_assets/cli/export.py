"""What `health-assets export` does: the marts of the snapshot as files for Excel and other programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.markup import escape

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, expected_errors
from health_assets.reporting.definitions import marts
from health_assets.reporting.export import MOST_ROWS, csv_bytes, write_workbook
from health_assets.reporting.formatting import counted, minute
from health_assets.reporting.marts import published_marts, rows_of
from health_assets.reporting.portfolio import about
from health_assets.reporting.reader import published, row
from health_assets.reporting.scope import Scope
from health_assets.settings import Settings
from health_assets.settings.suggestions import did_you_mean

LARGE = 50_000  # rows, above which a workbook has a mart only where it is named


class ExportFormat(StrEnum):
    """Format of the exported files."""

    xlsx = "xlsx"
    csv = "csv"
    parquet = "parquet"


def export(
    to: Annotated[ExportFormat, typer.Option("--to", help="One workbook, or a folder of files.")] = ExportFormat.xlsx,
    marts: Annotated[
        str | None, typer.Option("--marts", help="Names with commas, e.g. customer_health,attention_list; default all.")
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Only the accounts of this owner.")] = None,
    segment: Annotated[str | None, typer.Option("--segment", help="Only the accounts of this segment.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="File or folder; default export-<as-of day>.")] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Write the marts of the snapshot to a workbook, CSV or Parquet files."""
    with expected_errors(settings_file):
        written, left_out = export_to(settings.load(settings_file), to, _named(marts), Scope(owner, segment), output)
        console.print(f"[green]Exported[/]: {escape(str(written))}", highlight=False)
        for line in left_out:
            console.print(escape(line), highlight=False)


def export_to(
    company: Settings, to: ExportFormat, named: list[str], scope: Scope, output: Path | None = None
) -> tuple[Path, list[str]]:
    """Write the marts, and return the file or folder with what was left out and why.

    Args:
        company: the settings.
        to: the format.
        named: the marts, by full name; all when empty.
        scope: whose accounts; marts without an account hold figures of the whole company and are left out.
        output: file or folder.

    Raises:
        CommandError: nothing is left to export.
        SnapshotError: nothing is published.
    """
    left_out = []
    with published(company, scope) as connection:
        of = about(connection)
        chosen = published_marts(connection, named or marts())
        absent = [name for name in named or marts() if name not in chosen]
        if absent:
            reason = "not published" if scope.is_all else "not published, or figures of the whole company"
            left_out.append(f"Left out ({reason}): {', '.join(absent)}")
        frames = {}
        for name in chosen:
            count = row(connection, f"select count(*) as row_count from {name}")["row_count"]
            if to == ExportFormat.xlsx and (count > MOST_ROWS or (count > LARGE and not named)):
                remedy = "use --to parquet" if count > MOST_ROWS else "name it with --marts"
                left_out.append(f"Left out (too large for a workbook, {remedy}): {name}, {counted(count, 'row')}")
            else:
                frames[name] = rows_of(connection, name)
    if not frames:
        raise CommandError("nothing to export: " + "; ".join(left_out))
    notes = {
        "company": of["company"],
        "as-of day": f"{of['as_of_date']}",
        "published": minute(of["published_at"]),
        "accounts": scope.in_words(),
        "currency": company.reporting_currency,
    }
    target = output or Path(f"export-{of['as_of_date']}{'.xlsx' if to == ExportFormat.xlsx else ''}")
    _write(target, to, frames, notes)
    return target, left_out


def _write(target: Path, to: ExportFormat, frames: dict[str, pl.DataFrame], notes: dict[str, str]) -> None:
    (target.parent if to == ExportFormat.xlsx else target).mkdir(parents=True, exist_ok=True)
    if to == ExportFormat.xlsx:
        write_workbook(target, frames, notes)
        return
    for name, frame in frames.items():
        file = target / f"{name.split('.')[1]}.{to.value}"
        if to == ExportFormat.csv:
            file.write_bytes(csv_bytes(frame))
        else:
            frame.write_parquet(file)


def _named(given: str | None) -> list[str]:
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    full = [name if "." in name else f"mart.{name}" for name in names]
    known = marts()
    for name in full:
        if name not in known:
            raise CommandError(f"--marts: there is no {name}{did_you_mean(name, known)}")
    return full
