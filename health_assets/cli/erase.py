"""`health-assets erase`: an account or user taken out of everything that is kept, and kept out of later loads."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, expected_errors
from health_assets.reporting.formatting import counted

if TYPE_CHECKING:
    from health_assets.orchestration.erasure import Outcome


class Kind(StrEnum):
    """What a key is of."""

    account = "account"
    user = "user"


def erase(
    subject: Annotated[str, typer.Argument(help="The account_id, the name of an account, or the user_id.")],
    kind: Annotated[Kind | None, typer.Option(help="Where a key could be either.")] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="A further text that says who it is; may be repeated.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show where it is found; change nothing.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Erase an account or user from everything that is kept, keep it out of later loads, and prove it."""
    with expected_errors(settings_file):
        from health_assets.orchestration.erasure import ErasureError
        from health_assets.orchestration.erasure import erase as erase_subject
        from health_assets.orchestration.instance import prepare_home

        company = settings.load(settings_file)
        prepare_home(company)
        try:
            outcome = erase_subject(company, subject, kind and kind.value, tuple(also or ()), dry_run=dry_run)  # type: ignore[arg-type]
        except ErasureError as error:
            raise CommandError(str(error)) from None
        _print(outcome)
        if outcome.left:
            left = "; ".join(f"{one.file}: {one.place}" for one in outcome.left)
            raise CommandError(
                f"it is still named in {left}; close the programs that have these files open, and run it again"
            )


def _print(outcome: "Outcome") -> None:
    subject = outcome.subject
    verb = "Found" if outcome.is_dry_run else "Erased"
    console.print(f"[green]{verb}[/]: {subject.kind} {escape(repr(subject.key))}", highlight=False, soft_wrap=True)
    for place, rows in sorted(outcome.found.items()):
        console.print(f"  {escape(place)}: {counted(rows, 'row')}", highlight=False, soft_wrap=True)
    if not outcome.is_dry_run:
        _print_proof(outcome)
    for file, rows in outcome.in_sources.items():
        console.print(
            f"[yellow]Still in[/] {escape(file)}, {counted(rows, 'row')}: delete it there yourself",
            highlight=False,
            soft_wrap=True,
        )
    for path in outcome.elsewhere:
        console.print(
            f"[yellow]Still in[/] {escape(str(path))}: no file of health-assets; delete it there yourself",
            highlight=False,
        )


def _print_proof(outcome: "Outcome") -> None:
    subject = outcome.subject
    kept = f"its rows stay under {subject.pseudonym}" if subject.is_kept else "its rows are gone"
    console.print(
        f"Later loads leave it out; {kept}. The next run brings the totals up to date", highlight=False, soft_wrap=True
    )
    if not outcome.left:
        console.print("Searched afterwards: no file of health-assets names it", highlight=False, soft_wrap=True)
    for term in subject.terms:
        if not term.is_searched:
            said = f"{term.text!r} {term.why_not}: searched for as a whole value of its columns only"
            console.print(f"[yellow]note[/] {escape(said)}", highlight=False, soft_wrap=True)
