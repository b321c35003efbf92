"""What `health-assets account` prints: one account's story, for the person who is about to call it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, coloured, console, expected_errors
from health_assets.reporting import accounts
from health_assets.reporting.formatting import money, number
from health_assets.reporting.reader import published
from health_assets.settings import Settings


class ShowByDefault(TyperGroup):
    """A group in which `account NAME` is short for `account show NAME`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put the default command in front of arguments that name none."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=ShowByDefault, help="One account: its score, what changed, and what to do.", no_args_is_help=True)


@app.command()
def show(
    account: Annotated[str, typer.Argument(help="The account_id or the name.")],
    settings_file: SettingsFile = None,
) -> None:
    """The account's story: its score and how it is made up, what changed, the reasons, the next step."""
    with expected_errors(settings_file):
        print_account(settings.load(settings_file), account, console)


def print_account(company: Settings, account: str, shown_on: Console, settings_file: Path | None = None) -> None:
    """One account.

    Raises:
        CommandError: there is no such account.
        SnapshotError: nothing is published.
    """
    with published(company) as connection:
        try:
            found = accounts.summary(connection, accounts.account_id_of(connection, account))
        except accounts.AccountNotFoundError as error:
            raise CommandError(str(error)) from None
    shown_on.print(
        f"[bold]{escape(found['name'])}[/] ({escape(found['account_id'])}), as of {found['as_of_date']}: health "
        f"{number(found['health_score'], 1)} {coloured(found['health_band'] or 'unknown')}, "
        f"MRR {money(found['mrr'], company.reporting_currency)}",
        highlight=False,
    )
