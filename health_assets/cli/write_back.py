"""`health-assets write-back`: write scores and next steps to other systems, show what would be written, list, retry."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, expected_errors
from health_assets.reporting.formatting import counted

if TYPE_CHECKING:
    from health_assets.alerts.entry import Entry
    from health_assets.write_back.store import Change

LISTED = 50


def write_back(
    settings_file: SettingsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be written; write nothing.")] = False,
    is_listed: Annotated[bool, typer.Option("--list", help="Show what was rejected or is pending.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Write what was rejected once more, too.")] = False,
) -> None:
    """Write scores, bands, risk levels, reasons and next steps that changed to HubSpot, Salesforce, a database or a webhook."""
    from health_assets.write_back import writing

    with expected_errors(settings_file):
        company = settings.load(settings_file)
        if not company.write_back.targets:
            raise CommandError("write_back.targets: there are none in the settings; see docs/write-back.md")
        if dry_run:
            _print_changes(writing.to_be_written(company))
        elif is_listed:
            _print_undelivered(writing.entries(company))
        else:
            outcome = writing.write_due(company, is_retry=True) if retry else writing.write_back(company)
            done = f"{counted(outcome.written, 'row')} written, {outcome.pending} pending"
            console.print(f"{done}, {len(outcome.dead)} rejected", highlight=False)
            for one in outcome.dead[:LISTED]:
                console.print(f"  {one.channel}, {one.account_id}: {one.failure}", markup=False, highlight=False)
            if outcome.failures:
                raise CommandError("; ".join(outcome.failures))


def _print_changes(changes: "list[Change]") -> None:
    shown = Table("target", "account", "name", "is now", "becomes", box=None, pad_edge=False, header_style="dim")
    for change in changes[:LISTED]:
        for name, (before, now) in change.differences().items():
            cells = (change.target, change.values.account_id, name, _shown(before), _shown(now))
            shown.add_row(*(escape(cell) for cell in cells))
    console.print(shown, highlight=False)
    left_out = f", the first {LISTED} shown" if len(changes) > LISTED else ""
    console.print(f"{counted(len(changes), 'row')} would be written{left_out}", highlight=False)


def _print_undelivered(entries: "list[Entry]") -> None:
    waiting = [one for one in entries if one.state != "delivered"]
    shown = Table("as of", "target", "account", "state", "", box=None, pad_edge=False, header_style="dim")
    for one in waiting[-LISTED:]:
        cells = (str(one.as_of_date), one.channel, str(one.account_id), str(one.state), one.failure or "")
        shown.add_row(*(escape(cell) for cell in cells))
    console.print(shown, highlight=False)
    console.print(f"{counted(len(waiting), 'row')} not written", highlight=False)


def _shown(value: object) -> str:
    return "empty" if value is None else str(value)
