"""`health-assets pull`: what each API gave, with progress; and the first pull of a run."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from health_assets.cli.terminal import CommandError
from health_assets.connectors.api import PullError
from health_assets.connectors.pulling import Outcome, is_pulled, outcome_of, pull_vendor, sources_pulled
from health_assets.reporting.formatting import counted
from health_assets.settings import Settings
from health_assets.settings.suggestions import did_you_mean


def print_pulls(company: Settings, vendors: Iterable[str], is_new: bool, console: Console) -> bool:
    """Pull from the vendors, all of the settings by default; whether each could be pulled.

    Raises:
        CommandError: a vendor is not in the settings, or none is.
    """
    known = company.pull.vendors
    if not known:
        raise CommandError("no API is in the settings; add for example\npull:\n  stripe: {token: env:STRIPE_KEY}")
    for vendor in vendors:
        if vendor not in known:
            raise CommandError(f"{vendor}: is not under `pull` in the settings{did_you_mean(vendor, known)}")
    is_complete = True
    for vendor in list(vendors) or known:
        try:
            _print(vendor, _pulled(vendor, company, is_new, console), company, console)
        except PullError as error:
            is_complete = False
            last = outcome_of(vendor, company).pulled_at
            kept = f"; what was pulled on {last:%Y-%m-%d %H:%M} UTC stays in use" if last else ""
            console.print(f"[red]error[/] {escape(str(error))}{kept}", highlight=False, soft_wrap=True)
    return is_complete


def pull_first_time(company: Settings, console: Console) -> None:
    """Pull from the vendors of which a source reads a table that was never pulled, so that its rows can be checked.

    Raises:
        PullError: one of them cannot be pulled.
    """
    for vendor in company.pull.vendors:
        if sources_pulled(vendor, company) and not is_pulled(vendor, company):
            _print(vendor, _pulled(vendor, company, False, console), company, console)


def _pulled(vendor: str, company: Settings, is_new: bool, console: Console) -> Outcome:
    with console.status(f"{vendor} ...") as status:
        return pull_vendor(
            vendor,
            company,
            is_new=is_new,
            report=lambda table, records: status.update(f"{vendor} {table}: {counted(records, 'record')}"),
        )


def _print(vendor: str, outcome: Outcome, company: Settings, console: Console) -> None:
    tables = ", ".join(f"{table} {outcome.rows[table]:,} ({count:,} read)" for table, count in outcome.changed.items())
    console.print(f"[green]{vendor}[/] {tables}", highlight=False, soft_wrap=True)
    for note in outcome.notes:
        console.print(f"[yellow]note[/] {escape(note)}", highlight=False, soft_wrap=True)
    if not sources_pulled(vendor, company):
        said = f"no source reads it; add for example sources: accounts: {{preset: {vendor}}}"
        console.print(f"[yellow]note[/] {said}", highlight=False, soft_wrap=True)
