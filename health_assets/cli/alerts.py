"""`health-assets alerts`: find and deliver alerts, list them, deliver dead ones again, test the channels."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, console, day_of, expected_errors
from health_assets.reporting.formatting import counted

app = typer.Typer(help="Notify people of accounts that changed.", invoke_without_command=True)

LISTED = 50


@app.callback()
def alerts(
    context: typer.Context,
    settings_file: SettingsFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the messages; deliver and save nothing.")] = False,
) -> None:
    """Notify people of accounts that changed since the last as-of day; without a channel's address, print the messages."""
    if context.invoked_subcommand:
        context.obj = settings_file
        return
    from health_assets.alerts import alert

    with expected_errors(settings_file):
        outcome = alert(settings.load(settings_file), dry_run=dry_run)
        if dry_run or not outcome.has_webhook:
            console.print(outcome.text, markup=False, highlight=False)
        console.print(outcome.summary(), markup=False, highlight=False)
        if outcome.failure:
            raise typer.Exit(1)


@app.command("list")
def list_alerts(
    context: typer.Context,
    settings_file: SettingsFile = None,
    state: Annotated[str | None, typer.Option(help="pending, sending, delivered, dead, held or silenced.")] = None,
) -> None:
    """The newest alerts with their states, and why those that were not delivered were not."""
    from health_assets.alerts import store_of
    from health_assets.alerts.account_alert import AccountAlert
    from health_assets.alerts.entry import State
    from health_assets.alerts.outbox import Outbox
    from health_assets.alerts.routing import waits_until
    from health_assets.alerts.threads import open_threads
    from health_assets.settings.suggestions import did_you_mean

    file = settings_file or context.obj
    with expected_errors(file):
        if state and state not in list(State):
            raise CommandError(f"--state: {state!r} is not a state{did_you_mean(state, [str(one) for one in State])}")
        company, now = settings.load(file), datetime.now(UTC)
        with Outbox.copied(store_of(company)) as outbox:
            entries = outbox.entries(State(state) if state else None)
            threads = open_threads(outbox.connection, now, company.alerts.thread_days)
        listed = Table(
            "as of", "account", "rule", "what", "channel", "state", "", box=None, pad_edge=False, header_style="dim"
        )
        for one in entries[-LISTED:]:
            why = waits_until(one, company) or one.failure or ""
            if one.state == State.pending and one.next_attempt_at and one.next_attempt_at > now:
                why += f"; next attempt {one.next_attempt_at:%Y-%m-%d %H:%M} UTC"
            if one.state == State.delivered and (one.channel, one.account_id) in threads:
                why = "its thread is open"
            about = one.body.news if isinstance(one.body, AccountAlert) else one.body.title
            cells = (str(one.as_of_date), one.account_id or "", one.rule, about, one.channel, str(one.state), why)
            listed.add_row(*(escape(cell) for cell in cells))
        console.print(listed, highlight=False)
        left_out = f", the newest {LISTED} shown" if len(entries) > LISTED else ""
        console.print(f"{counted(len(entries), 'alert')}{left_out}", highlight=False)


@app.command()
def retry(context: typer.Context, settings_file: SettingsFile = None) -> None:
    """Deliver dead alerts again, and what waits for its next attempt at once."""
    from health_assets.alerts.by_hand import retry_dead

    file = settings_file or context.obj
    with expected_errors(file):
        done = retry_dead(settings.load(file))
        console.print(f"{counted(len(done.delivered), 'alert')} delivered", highlight=False)
        if done.failures:
            raise CommandError("; ".join(done.failures))


@app.command("test")
def post_samples(context: typer.Context, settings_file: SettingsFile = None) -> None:
    """Post a sample message to each channel."""
    from health_assets.alerts.by_hand import post_samples as post

    file = settings_file or context.obj
    with expected_errors(file):
        answers = post(settings.load(file))
        for channel, reason in answers.items():
            outcome = "[green]ok[/]" if reason is None else f"[red]error[/] {escape(reason)}"
            console.print(f"{escape(channel)}: {outcome}", highlight=False)
        if any(answers.values()):
            raise typer.Exit(1)


@app.command()
def replay(
    context: typer.Context,
    first: Annotated[str, typer.Option("--from", help="First day, e.g. 2025-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day.")],
    is_listed: Annotated[bool, typer.Option("--list", help="Show each alert.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """What a past period would have reported under today's settings, and how many of those accounts churned or recovered."""
    from health_assets.cli.replay import print_replay

    file = settings_file or context.obj
    with expected_errors(file):
        days = day_of(first, "--from"), day_of(last, "--to")
        print_replay(settings.load(file), *days, console, is_listed=is_listed)
