"""What `health-assets account` prints: one account's story, for the person who is about to call it."""

from collections.abc import Iterator
from typing import Annotated

import duckdb
import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from typer.core import TyperGroup

from health_assets import settings
from health_assets.cli.terminal import CommandError, SettingsFile, coloured, console, expected_errors, grid, labelled
from health_assets.reporting import accounts, churn_model, timeline
from health_assets.reporting.formatting import (
    NOT_MEASURED,
    counted,
    measured_share,
    money,
    next_step,
    number,
    owner_of,
    pct,
    since_in_words,
)
from health_assets.reporting.labels import worded
from health_assets.reporting.reader import Row, published
from health_assets.scoring.scorecards import low_bands
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
    for_customer: Annotated[
        bool,
        typer.Option("--for-customer", help="Leave out what is not for the customer's eyes: score, risk, next step."),
    ] = False,
    events: Annotated[int, typer.Option(min=0, help="Events of the timeline.")] = 15,
) -> None:
    """The account's story: its score and how it is made up, what changed, the reasons, the next step."""
    with expected_errors(settings_file):
        print_account(settings.load(settings_file), account, console, for_customer=for_customer, events=events)


def print_account(
    company: Settings, account: str, shown_on: Console, *, for_customer: bool = False, events: int = 15
) -> None:
    """One account.

    Args:
        company: the settings.
        account: its id or its name.
        shown_on: where it is printed.
        for_customer: whether internals are left out.
        events: so many events of the timeline.

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
            f"[bold]{escape(found['name'])}[/] ({escape(found['account_id'])}), as of {found['as_of_date']}",
            highlight=False,
        )
        sections = [_service] if for_customer else [_profile, _score, _moved, _why]
        for section in sections:
            for renderable in section(connection, found, company):
                shown_on.print(renderable, highlight=False)
        happened = timeline.timeline(connection, found["account_id"], events, internal=not for_customer)
    if happened.height:
        shown_on.print("\n[bold]Timeline[/]")
        shown_on.print(labelled(((f"{day} [dim]{kind}[/]", escape(what)) for day, kind, what in happened.rows()), 0))


def _profile(connection: duckdb.DuckDBPyConnection, found: Row, company: Settings) -> Iterator[RenderableType]:
    words = (worded(found[name], name) for name in ("segment", "region", "lifecycle_stage") if found[name])
    facts = [accounts.status_of(found), *words]
    renewal = f", renews in {counted(found['days_to_renewal'], 'day')}" if found["days_to_renewal"] is not None else ""
    yield (
        f"{escape(', '.join(fact for fact in facts if fact))}; {escape(owner_of(found['account_owner']))}; "
        f"MRR {money(found['mrr'], company.reporting_currency)}{renewal}"
    )
    for end in accounts.scheduled_ends(connection, found["account_id"]):
        yield f"[yellow]Scheduled to end[/]: {end}"


def _score(connection: duckdb.DuckDBPyConnection, found: Row, company: Settings) -> Iterator[RenderableType]:
    yield "\n[bold]Health[/]"
    if found["health_score"] is None:
        yield f"no score: {escape(found['unscored_reason'] or 'the account is not scored')}"
        return
    yield (
        f"{number(found['health_score'], 1)}, band {coloured(found['health_band'], low_bands(company))} for "
        f"{counted(found['days_in_band'], 'day')}; {measured_share(found['coverage'], found['breadth'])}"
    )
    if found["is_overridden"]:
        yield (
            f"Set by hand until {found['override_expiry_date']} by {escape(found['override_author'])}: "
            f"{escape(found['override_reason'])}; computed: {number(found['computed_health_score'], 1)}"
        )
    shown = grid("part", "points", "of", "")
    shown.columns[-1].justify = "left"
    for dimension, points, _, _, most in accounts.score_parts(connection, found["account_id"]).rows():
        bar = (
            "[dim]not measured[/]"
            if points is None
            else "█" * round(points) + f"[dim]{'░' * round((most or 0) - points)}[/]"
        )
        shown.add_row(escape(dimension), *("" if value is None else number(value, 1) for value in (points, most)), bar)
    shown.add_row("[bold]score[/]", f"[bold]{number(found['computed_health_score'], 1)}[/]", number(100, 1), "")
    yield shown


def _moved(connection: duckdb.DuckDBPyConnection, found: Row, _: Settings) -> Iterator[RenderableType]:
    lines = {}
    for days in accounts.MOVED_SINCE:
        if since := accounts.moved(connection, found["account_id"], days):
            parts = ", ".join(f"{escape(name)} {number(change, 1, '+')}" for name, change in since.parts)
            lines[f"Since {since.day}"] = f"{number(since.change, 1, '+')} points" + (f": {parts}" if parts else "")
            lines[f"Since {since.day}"] += f"; {since.note}" if since.note else ""
    if lines:
        yield "\n[bold]What moved[/]"
        yield labelled(lines, 0)


def _why(connection: duckdb.DuckDBPyConnection, found: Row, company: Settings) -> Iterator[RenderableType]:
    factors = accounts.risk_factors(connection, found["account_id"])
    if found["risk_level"]:
        since = since_in_words(found["risk_level_since"], found["risk_level_days"])
        points = accounts.risk_points(found, factors)
        yield f"\n[bold]Churn risk[/]: {' '.join([coloured(found['risk_level']), since]).strip()}{f', {points}' if points else ''}"
        if found["churn_probability"] is not None:
            skill, enough = churn_model.brier_skill(connection), company.churn_model.shown_from_skill
            likely = churn_model.probability_in_words(found["churn_probability"], skill, enough)
            yield f"Probability of churn, by the model: {likely}"
    if factors:
        yield labelled(((f"{number(one['points']):>3}", escape(one["sentence"])) for one in factors), 0)
    entry = accounts.attention(connection, found["account_id"])
    yield "\n[bold]Next step[/]"
    if entry is None:
        yield "none: the account is not on the attention list"
        return
    lines = {} if factors else {"Why": escape(entry["reason"])}
    lines["Next"] = escape(next_step(entry["next_step"], entry["next_step_owner_role"], entry["next_step_days"]))
    since = since_in_words(entry["since_date"], entry["held_days"])
    lines["List"] = f"number {entry['attention_rank']} of the attention list{f', on it {since}' if since else ''}"
    yield labelled(lines, 0)


def _service(connection: duckdb.DuckDBPyConnection, found: Row, company: Settings) -> Iterator[RenderableType]:
    seen = accounts.service_to_customer(connection, found["account_id"])
    lines = {
        "Events, 30 days": number(seen["event_count_30d"]),
        "Active users, 30 days": f"{number(seen['active_user_count_30d'])} of {number(seen['total_user_count'])}",
        "Features in use": _share(seen["feature_adoption_rate"]),
        "Licenses in use": _share(seen["license_utilization"]),
        "Tickets, 90 days": f"{number(seen['ticket_count_90d'])}; open now: {number(seen['open_ticket_count'])}",
        "Within SLA, 90 days": pct(seen["sla_adherence_pct_90d"]),
        "Mean rating, 90 days": number(seen["mean_csat_90d"], 1),
        "Incidents, 90 days": number(seen["incident_count_90d"]),
        "Overdue invoices": number(seen["overdue_invoice_count"]),
        "Overdue amount": money(seen["overdue_amount"], company.reporting_currency),
        "Renewal": NOT_MEASURED
        if found["days_to_renewal"] is None
        else f"in {counted(found['days_to_renewal'], 'day')}",
    }
    yield "\n[bold]Your use of the product and our service[/]"
    yield labelled({label: text for label, text in lines.items() if not text.startswith(NOT_MEASURED)})


def _share(rate: float | None) -> str:
    return NOT_MEASURED if rate is None else pct(100 * rate, 0)
