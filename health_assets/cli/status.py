"""What `health-assets status` prints: the page a head of customer success wants to read first, from the snapshot alone.

Nothing is queried or computed here; see reporting/. A section whose tables the snapshot lacks is left out.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.text import Text

from health_assets.cli.security_dashboard import security_dashboard
from health_assets.cli.terminal import coloured, copyable, grid, labelled
from health_assets.reporting import data_quality, portfolio, revenue, service, shop, workflow
from health_assets.reporting.formatting import NOT_MEASURED, counted, minute, money, month_name, number, pct
from health_assets.reporting.reader import Row, holds, published
from health_assets.scoring.scorecards import bands_in_use, low_bands, scorecards_in_use
from health_assets.settings import Settings

KEY_SOURCES = ("usage_events", "support_tickets", "subscriptions", "invoices")  # that most risk factors read
SHOWN_ACCOUNTS = 10
SHOWN_DRIVERS = 3


def print_status(settings: Settings, console: Console, settings_file: Path | None = None) -> None:
    """Accounts to contact, health, churn risk, revenue, support, shop, security, data quality.

    Args:
        settings: the company's.
        console: where it is printed.
        settings_file: the file as it was given, to be repeated in the command of the last line.

    Raises:
        SnapshotError: nothing has been published yet, or the snapshot is of another version.
    """
    sections = [
        (("mart.attention_list",), _to_contact),
        (("mart.customer_health",), _health),
        (("mart.churn_risk",), _risk),
        (("mart.net_revenue_retention",), _revenue),
        (("mart.sla_adherence",), _support),
        (shop.TABLES, _shop),
        (("mart.operations_summary",), _workflow),
        (service.DASHBOARD_TABLES, security_dashboard),
        (("quarantine.loads",), _data_quality),
    ]
    with published(settings) as connection:
        about = portfolio.about(connection)
        console.print(
            f"[bold]{escape(about['company'])}[/], as of {about['as_of_date']} "
            f"[dim](published {minute(about['published_at'])})[/]",
            highlight=False,
        )
        for tables, section in sections:
            if holds(connection, *tables):
                for renderable in section(connection, settings):
                    console.print(renderable)
    snapshot, browser = escape(str(settings.published)), escape(copyable("health-assets ui", settings_file))
    console.print(
        f"\nTables, checks and lineage: [bold]{browser}[/]. SQL: {snapshot} (schemas dim, fact, mart, quarantine)",
        style="dim",
        highlight=False,
    )


def _heading(text: str, remark: str = "") -> Text:
    return Text.from_markup(f"\n[bold]{text}[/]" + (f" [dim]({remark})[/]" if remark else ""))


def _to_contact(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    accounts = portfolio.attention_list(connection, SHOWN_ACCOUNTS)
    if not accounts:
        yield _heading("Accounts to contact")
        yield "none: no account is known to have high churn risk, a low health band, or a renewal at low health"
        return
    count = accounts[0]["account_count"]
    rest = f"; {SHOWN_ACCOUNTS} of {number(count)}, all in mart.attention_list" if count > SHOWN_ACCOUNTS else ""
    yield _heading("Accounts to contact", f"by churn risk, health and renewal, then by MRR{rest}")
    low = low_bands(settings)
    entries = {
        f"{account['attention_rank']:>2}": _entry(account, settings.reporting_currency, low) for account in accounts
    }
    yield labelled(entries, label_width=2)


def _entry(account: Row, currency: str, low: list[str]) -> str:
    level = {
        "critical_risk": f"{coloured('critical')} churn risk",
        "high_risk": f"{coloured('high')} churn risk",
        "low_health": f"health band {coloured(account['health_band'] or '', low)}",
        "renewal": "renewal at low health",
    }[account["attention_level"]]
    score, trend = account["health_score"], account["trend_30d"]
    change = "" if score is None or trend is None else f" ({number(trend, 1, '+')} in 30 days)"
    return (
        f"[bold]{escape(account['name'])}[/] ({escape(account['account_id'])}): {level} since {account['since_date']}, "
        f"health {number(score, 1)}{change}, MRR {money(account['mrr'], currency)}\n"
        f"[dim]Why:[/] {escape(account['reason'])}\n"
        f"[dim]Next:[/] {escape(account['next_step'])} ({escape(account['next_step_owner_role'])}, within "
        f"{counted(account['next_step_days'], 'day')}). [dim]Owner:[/] {escape(account['account_owner'] or 'none')}"
    )


def _health(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    found = {row["health_band"]: row for row in portfolio.health_by_band(connection)}
    bands, low = [*bands_in_use(settings), "unknown"], low_bands(settings)
    shown = grid("band", "accounts", f"MRR ({settings.reporting_currency})", "share of MRR")
    for band in [*bands, *sorted(set(found) - set(bands))]:
        if row := found.get(band):
            share = "" if row["mrr_share_pct"] is None else pct(row["mrr_share_pct"], 0)
            shown.add_row(coloured(band, low), number(row["account_count"]), money(row["mrr"]), share)
    yield _heading("Health", f"scorecard {', '.join(scorecards_in_use(settings))}")
    yield shown
    lines = {}
    moved = portfolio.band_movements(connection) if holds(connection, "mart.health_movements") else {}
    directions = {"worsened": "moved to a lower band", "improved": "to a higher band"}
    if movements := [
        f"{counted(moved[movement]['account_count'], 'account')} ({money(moved[movement]['mrr'])} MRR) {direction}"
        for movement, direction in directions.items()
        if movement in moved
    ]:
        lines["Since last month's end"] = ", ".join(movements)
    if overrides := portfolio.overrides(connection):
        lines["Set by hand"] = "\n".join(
            f"{escape(row['name'])}: {coloured(row['health_band'])} until {row['override_expiry_date']}, "
            f"by {escape(row['override_author'])}: {escape(row['override_reason'])}"
            for row in overrides
        )
    if lines:
        yield labelled(lines)


def _risk(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    found = portfolio.mrr_at_risk(connection)
    currency = settings.reporting_currency
    share = "" if found["at_risk_mrr_pct"] is None else f", {pct(found['at_risk_mrr_pct'])} of {money(found['mrr'])}"
    lines = {
        "MRR at risk": f"{money(found['at_risk_mrr'], currency)} in "
        f"{counted(found['at_risk_account_count'], 'account')} with high or critical churn risk{share}"
    }
    if holds(connection, "mart.executive_summary_monthly") and (low := portfolio.low_health(connection)):
        bands = " and ".join(low_bands(settings))
        lines["MRR at risk"] += (
            f" ({bands} bands: {money(low['mrr_in_low_health'], currency)} in "
            f"{counted(low['low_health_account_count'], 'account')})"
        )
    if holds(connection, "mart.risk_drivers") and (drivers := portfolio.risk_drivers(connection, SHOWN_DRIVERS)):
        lines["Main drivers"] = ", ".join(
            f"{row['factor'].replace('_', ' ')} {money(row['mrr_at_risk'])} ({pct(row['mrr_at_risk_pct'], 0)}, "
            f"{counted(row['at_risk_account_count'], 'account')})"
            for row in drivers
        )
    if found["unknown_account_count"]:
        missing = ", ".join(name for name in KEY_SOURCES if name not in settings.sources)
        remedy = f"; not connected: {missing}" if missing else ""
        lines["Risk unknown"] = (
            f"{counted(found['unknown_account_count'], 'account')} with {money(found['unknown_mrr'])} MRR: too few signals are "
            f"measured{remedy}"
        )
    yield _heading("Churn risk")
    yield labelled(lines)


def _revenue(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    lines = {}
    if found := revenue.latest_retention(connection):
        lines[f"Retention {month_name(found['month'])}"] = (
            f"NRR {pct(found['nrr_pct'])}, GRR {pct(found['grr_pct'])}, logo churn {pct(found['logo_churn_pct'])}, "
            f"MRR {money(found['ending_mrr'])}; 12 months: NRR {pct(found['trailing_12m_nrr_pct'])}, "
            f"GRR {pct(found['trailing_12m_grr_pct'])}"
        )
    if found := revenue.month_to_date(connection):
        moves = {name: found[f"{name}_mrr"] for name in ("new", "reactivation", "expansion", "contraction", "churned")}
        parts = ", ".join(f"{name} {number(move, 0, '+')}" for name, move in moves.items() if move)
        lines[f"So far in {found['month']:%B}"] = (
            f"MRR {money(found['ending_mrr'])}, {number(found['mrr_change'], 0, '+')}" + (f": {parts}" if parts else "")
        )
    if holds(connection, "mart.renewal_pipeline") and (
        windows := revenue.renewals(connection, settings.renewal_windows_days)
    ):
        lines["MRR up for renewal"] = ", ".join(
            f"{money(row['mrr'])} in {row['days']} days ({money(row['at_risk_mrr'])} at risk)" for row in windows
        )
    if lines:
        yield _heading("Revenue")
        yield labelled(lines)


def _support(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    if found := service.sla_adherence(connection):
        yield _heading("Support")
        yield labelled(
            {
                f"SLA {month_name(found['month'])}": f"{pct(found['month_adherence_pct'])} of tickets within their target",
                f"SLA over {counted(found['month_count'], 'month')}": f"{pct(found['adherence_pct'])} of "
                f"{counted(found['due_count'], 'ticket')}; {number(found['breached_count'])} breached, "
                f"{number(found['pending_count'])} still open within the target",
            }
        )


def _shop(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    found = shop.concentration(connection)
    if not found:
        return
    lines = {
        "Spend to date": f"{money(found['total_spend'], settings.reporting_currency)}, {pct(found['top_share_pct'])} of it from "
        f"the top {number(found['top_account_count'])} of {counted(found['buyer_count'], 'buyer')}"
    }
    if month := shop.latest_buyers(connection):
        lines[f"Buyers {month_name(month['month'])}"] = (
            f"{pct(month['retained_pct'])} of last month's buyers ordered again; {pct(month['repeat_pct'])} of all buyers "
            "have ordered at least twice"
        )
    if "subscriptions" not in settings.sources:
        flagged = counted(shop.flagged_count(connection), "account")
        lines["Flagged"] = f"{flagged} with repeated late payments or frequent tickets (mart.commerce_flags)"
    yield _heading("Shop")
    yield labelled(lines)


def _workflow(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    found = workflow.latest_closed_month(connection)
    if not found:
        return
    at_risk = found["at_risk_account_count"]
    worth = "" if found["value_to_cost"] is None else f", value to cost {number(found['value_to_cost'], 2)}"
    yield _heading("Workflow")
    yield labelled(
        {
            month_name(found["month"]): f"{counted(found['tickets_processed'], 'item')} processed by "
            f"{counted(found['account_count'], 'account')}: {pct(found['data_error_pct'])} with data errors, "
            f"{pct(found['denial_pct'])} denied{worth}",
            "At risk": NOT_MEASURED
            if at_risk is None
            else f"{counted(at_risk, 'account')} with declining volume, speed or quality (mart.operations_risk)",
        }
    )


def _data_quality(connection: duckdb.DuckDBPyConnection, _: Settings) -> Iterator[RenderableType]:
    found = data_quality.quarantined(connection)
    counts = ", ".join(
        f"{row['quarantine_table']} {number(row['quarantined_count'])} of {number(row['read_count'])}" for row in found
    )
    yield _heading("Data quality")
    yield labelled({"Quarantined rows": counts or "none"})
