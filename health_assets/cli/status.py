"""What `health-assets status` prints: one screen for a head of customer success, from the snapshot alone.

Nothing is queried or computed here; see reporting/. A line whose tables the snapshot lacks is left out.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from health_assets.alerts.wording import plain
from health_assets.cli.security_dashboard import security_dashboard
from health_assets.cli.terminal import coloured, copyable, labelled
from health_assets.reporting import data_quality, portfolio, revenue, service, shop, workflow
from health_assets.reporting.formatting import (
    NOT_MEASURED,
    counted,
    minute,
    money,
    month_name,
    next_step,
    number,
    owner_of,
    pct,
    since_in_words,
    spaced,
)
from health_assets.reporting.reader import Row, holds, published
from health_assets.scoring.scorecards import bands_in_use, low_bands
from health_assets.settings import Settings

KEY_SOURCES = ("usage_events", "support_tickets", "subscriptions", "invoices")  # that most risk factors read
SHOWN_ACCOUNTS = 5
SHOWN_DRIVERS = 2
LABEL_WIDTH = 11
Lines = Iterator[tuple[str, str]]  # label, markup


def print_status(
    settings: Settings, console: Console, settings_file: Path | None = None, profile: str | None = None
) -> None:
    """Accounts to contact, then health, churn risk, revenue, support, shop, security, data quality in a line each.

    Args:
        settings: the company's.
        console: where it is printed.
        settings_file: the file as it was given, to be repeated in the commands of the last line.
        profile: `security` for the executive dashboard of a security provider instead.

    Raises:
        SnapshotError: nothing has been published yet, or the snapshot is of another version.
    """
    sections = [
        (("mart.customer_health",), _health),
        (("mart.churn_risk",), _risk),
        (("mart.net_revenue_retention",), _revenue),
        (("mart.sla_adherence",), _support),
        (shop.TABLES, _shop),
        (("mart.operations_summary",), _workflow),
        (service.DASHBOARD_TABLES, _security),
        (("quarantine.loads",), _data_quality),
    ]
    with published(settings) as connection:
        about = portfolio.about(connection)
        console.print(
            f"[bold]{escape(about['company'])}[/], as of {about['as_of_date']} "
            f"[dim](published {minute(about['published_at'])})[/]",
            highlight=False,
        )
        if profile == "security":
            if holds(connection, *service.DASHBOARD_TABLES):
                console.print(*security_dashboard(connection, settings), sep="\n")
            return
        if holds(connection, "mart.attention_list"):
            _to_contact(connection, settings, console)
        lines = [
            line for tables, section in sections if holds(connection, *tables) for line in section(connection, settings)
        ]
    console.print("")
    console.print(labelled(((f"[bold]{label}[/]", text) for label, text in lines), LABEL_WIDTH), highlight=False)
    more = copyable("health-assets account", settings_file)
    console.print(f"More: {more} NAME", style="dim", highlight=False, markup=False)


def _to_contact(connection: duckdb.DuckDBPyConnection, settings: Settings, console: Console) -> None:
    accounts = portfolio.attention_list(connection, SHOWN_ACCOUNTS)
    console.print("")
    if not accounts:
        console.print("[bold]Accounts to contact[/]")
        console.print(portfolio.nobody_to_contact(connection))
        return
    count = accounts[0]["account_count"]
    rest = (
        f"{SHOWN_ACCOUNTS} of {number(count)}; all in mart.attention_list" if count > SHOWN_ACCOUNTS else f"all {count}"
    )
    console.print(f"[bold]Accounts to contact[/] [dim]({rest})[/]", highlight=False)
    for account in accounts:
        for separator, parts in _entry(account, settings.reporting_currency, low_bands(settings)):
            line = _fitted(parts, separator, console.width)
            console.print(Text.from_markup(line), no_wrap=True, overflow="ellipsis", highlight=False)


def _fitted(parts: list[str], separator: str, width: int) -> str:
    """As many of the parts as fit into a line, so that none is cut."""
    for count in range(len(parts), 0, -1):
        line = separator.join(parts[:count]) + ("" if count == len(parts) else f"{separator}...")
        if Text.from_markup(line).cell_len <= width:
            break
    return line


def _entry(account: Row, currency: str, low: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The lines of an account in parts, each with what stands between them."""
    score, trend = account["health_score"], account["trend_30d"]
    change = "" if score is None or trend is None else f" ({number(trend, 1, '+')})"
    word = {"critical_risk": "critical", "high_risk": "high"}.get(
        account["attention_level"], account["health_band"] or ""
    )
    since = since_in_words(account["since_date"], account["held_days"])
    level = coloured(word, low, portfolio.LEVELS[account["attention_level"]])
    yield (
        ", ",
        [
            f"{account['attention_rank']:>2} [bold]{escape(account['name'])}[/] ({escape(account['account_id'])}): {level}",
            f"MRR {money(account['mrr'], currency)}",
            f"health {number(score, 1)}{change}",
            escape(owner_of(account["account_owner"])),
            *([since] if since else []),
        ],
    )
    first, *others = plain(account["reason"]).split("; ")
    if others and account["attention_level"] == "low_health":
        first, *others = others  # the line above has the health
    yield "; ", [f"   [dim]Why:[/] {escape(first)}", *map(escape, others)]
    step = next_step(account["next_step"], account["next_step_owner_role"], account["next_step_days"])
    what, _, who = step.partition(" (")
    yield " ", [f"   [dim]Next:[/] {escape(what)}", f"({escape(who)}"]


def _health(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lines:
    found = {row["health_band"]: row for row in portfolio.health_by_band(connection)}
    bands, low = [*bands_in_use(settings), "unknown"], low_bands(settings)
    counts = [
        f"{coloured(band, low)} {number(found[band]['account_count'])}"
        for band in [*bands, *sorted(set(found) - set(bands))]
        if band in found
    ]
    breadth = portfolio.typical_breadth(connection)
    based_on = "" if breadth is None else f"; {pct(100 * breadth, 0)} of the scorecard's weight is connected"
    yield "Health", f"{', '.join(counts)} accounts{based_on}" if counts else "no account is scored"
    moved = portfolio.band_movements(connection) if holds(connection, "mart.health_movements") else {}
    if movements := [
        f"{number(moved[name]['account_count'])} {name} ({money(moved[name]['mrr'])} MRR)"
        for name in ("worsened", "improved")
        if name in moved
    ]:
        yield "Moved", f"{', '.join(movements)} since last month's end"
    for row in portfolio.overrides(connection):
        yield (
            "Set by hand",
            f"{escape(row['name'])}: {coloured(row['health_band'])} until {row['override_expiry_date']}, "
            f"by {escape(row['override_author'])}: {escape(row['override_reason'])}",
        )


def _risk(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lines:
    found = portfolio.mrr_at_risk(connection)
    currency = settings.reporting_currency
    share = "" if found["at_risk_mrr_pct"] is None else f", {pct(found['at_risk_mrr_pct'])} of {money(found['mrr'])}"
    at_risk, _ = portfolio.known_mrr_at_risk(found)
    line = f"MRR at churn risk (high or critical) {money(at_risk, currency)}"
    if at_risk is not None:
        line += f" in {counted(found['at_risk_account_count'], 'account')}{share}"
    if holds(connection, "mart.executive_summary_monthly") and (low := portfolio.low_health(connection)):
        bands = " or ".join(spaced(band) for band in low_bands(settings))
        line += (
            f"; in a low health band ({bands}): {money(low['mrr_in_low_health'], currency)} in "
            f"{counted(low['low_health_account_count'], 'account')}"
        )
    yield "Churn risk", line
    if holds(connection, "mart.risk_drivers") and (drivers := portfolio.risk_drivers(connection, SHOWN_DRIVERS)):
        yield (
            "Drivers",
            ", ".join(
                f"{spaced(row['factor'])} {money(row['mrr_at_risk'])} ({pct(row['mrr_at_risk_pct'], 0)})"
                for row in drivers
            ),
        )
    if found["unknown_account_count"]:
        missing = ", ".join(name for name in KEY_SOURCES if name not in settings.sources)
        remedy = f"; not connected: {missing}" if missing else ""
        yield (
            "Unknown",
            f"churn risk of {counted(found['unknown_account_count'], 'account')} with {money(found['unknown_mrr'])} MRR: too "
            f"few signals are measured{remedy}",
        )


def _revenue(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lines:
    if found := revenue.latest_retention(connection):
        yield (
            "Retention",
            f"{month_name(found['month'])}: NRR {pct(found['nrr_pct'])}, GRR {pct(found['grr_pct'])}, "
            f"logo churn {pct(found['logo_churn_pct'])}; 12 months: NRR {pct(found['trailing_12m_nrr_pct'])}, "
            f"GRR {pct(found['trailing_12m_grr_pct'])}",
        )
    if found := revenue.month_to_date(connection):
        moves = {name: found[f"{name}_mrr"] for name in ("new", "reactivation", "expansion", "contraction", "churned")}
        parts = ", ".join(f"{name} {number(move, 0, '+')}" for name, move in moves.items() if move)
        yield (
            "MRR",
            f"{money(found['ending_mrr'], settings.reporting_currency)}, {number(found['mrr_change'], 0, '+')} in "
            f"{found['month']:%B}" + (f": {parts}" if parts else ""),
        )
    if holds(connection, "mart.renewal_pipeline") and (
        windows := revenue.renewals(connection, settings.renewal_windows_days, low_bands(settings))
    ):
        yield "Renewals", revenue.renewals_in_words(windows)


def _support(connection: duckdb.DuckDBPyConnection, _: Settings) -> Lines:
    if found := service.sla_adherence(connection):
        last = "" if found["is_of_as_of_month"] else ", the last month with a ticket resolved or due"
        yield (
            "Support",
            f"{pct(found['month_adherence_pct'])} within SLA in {month_name(found['month'])}{last}; {pct(found['adherence_pct'])} over "
            f"{counted(found['month_count'], 'month')}",
        )


def _shop(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lines:
    found = shop.concentration(connection)
    if not found:
        return
    line = (
        f"spend {money(found['total_spend'], settings.reporting_currency)}, {pct(found['top_share_pct'])} from the top "
        f"{number(found['top_account_count'])} of {counted(found['buyer_count'], 'buyer')}"
    )
    if month := shop.latest_buyers(connection):
        line += f"; {pct(month['retained_pct'])} of buyers returned in {month['month']:%B}"
    if "subscriptions" not in settings.sources:
        line += f"; {counted(shop.flagged_count(connection), 'account')} flagged (mart.commerce_flags)"
    yield "Shop", line


def _workflow(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Lines:
    if found := workflow.latest_closed_month(connection):
        at_risk = found["at_risk_account_count"]
        flags = f"{counted(settings.workflow.at_risk_from, 'flag')} or more"
        declining = NOT_MEASURED if at_risk is None else f"{counted(at_risk, 'account')} with {flags}"
        yield (
            "Operations",
            f"{month_name(found['month'])}: {counted(found['tickets_processed'], 'item')} processed, "
            f"{pct(found['data_error_pct'])} with data errors, {pct(found['denial_pct'])} denied; {declining}",
        )


def _security(connection: duckdb.DuckDBPyConnection, _: Settings) -> Lines:
    if found := service.incidents(connection):
        yield (
            "Security",
            f"{counted(found['incident_count'], 'incident')}, {number(found['critical_count'])} critical; more: status --profile "
            "security",
        )
    if found := service.satisfaction(connection):
        yield (
            "NPS",
            f"{number(found['nps'], 1, '+')} over 365 days, mean rating {number(found['mean_nps_rating_365d'], 1)}",
        )


def _data_quality(connection: duckdb.DuckDBPyConnection, _: Settings) -> Lines:
    found = data_quality.quarantined(connection)
    total = sum(row["quarantined_count"] for row in found)
    yield "Data", f"{counted(total, 'row')} in quarantine" + (f", of {counted(len(found), 'source')}" if found else "")
    for stale in data_quality.stale_sources(connection) if holds(connection, "main.sources") else ():
        yield "Stale", f"[yellow]{escape(stale['source'])}[/] {escape(stale['meaning'])}"
