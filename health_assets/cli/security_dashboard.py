"""The executive dashboard of a security provider, in the lines in which its document prints it.

Shown by `health-assets status` where incidents or survey responses are connected. Tables of the snapshot are read and
shares taken of their sums; no metric is computed here.
"""

from collections.abc import Iterator

import duckdb
from rich.console import RenderableType
from rich.text import Text

from health_assets.reporting.formatting import figure
from health_assets.settings import Settings

TABLES = ("mart.churn_risk", "mart.security_operations", "mart.support_operations", "mart.satisfaction")
UNKNOWN = "not measured"


def security_dashboard(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    """Customers, support, security and satisfaction: totals of everything known by the as-of day."""
    incidents, satisfaction = _security(connection), _satisfaction(connection)
    if not incidents and not satisfaction:
        return
    sections = {
        "CUSTOMER OVERVIEW": _customers(connection, settings.reporting_currency),
        "SUPPORT PERFORMANCE": _support(connection),
        "SECURITY OPERATIONS": incidents,
        "CUSTOMER SATISFACTION": satisfaction,
    }
    yield Text(
        "\nCYBERSECURITY CUSTOMER HEALTH DASHBOARD" if incidents else "\nCUSTOMER HEALTH DASHBOARD", style="bold"
    )
    for title, lines in sections.items():
        if lines:
            yield Text(f"\n{title}", style="bold")
            yield from (Text(line) for line in lines)


def _customers(connection: duckdb.DuckDBPyConnection, currency: str) -> list[str]:
    accounts, at_risk, unknown, mrr = _sums(
        connection,
        "select count(*), count(*) filter (risk_level in ('high', 'critical')), count(*) filter (risk_level = 'unknown'), "
        "sum(mrr)::double from mart.churn_risk",
    )
    known = f", not known of {figure(unknown)}" if unknown else ""
    return [
        f"Total Customers: {figure(accounts or 0)}",
        f"High Risk Customers: {_part(at_risk, accounts)}{known}",
        f"Total MRR: {_money(mrr, currency)}",
    ]


def _support(connection: duckdb.DuckDBPyConnection) -> list[str]:
    tickets, resolved, hours, escalated = _sums(
        connection,
        "select sum(ticket_count), sum(resolved_count), sum(mean_resolution_hours * timed_count) / sum(timed_count), "
        "sum(escalated_count) from mart.support_operations where dimension_type = 'all'",
    )
    if not tickets:
        return []
    return [
        f"Total Tickets: {figure(tickets)}",
        f"Resolved: {_part(resolved, tickets)}",
        f"Average Resolution Time: {UNKNOWN if hours is None else f'{figure(hours, 1)} hours'}",
        f"Escalated: {_part(escalated, tickets)}",
    ]


def _security(connection: duckdb.DuckDBPyConnection) -> list[str]:
    incidents, critical, false_positives = _sums(
        connection,
        "select sum(incident_count), sum(critical_incident_count), sum(false_positive_count) "
        "from mart.security_operations where dimension_type = 'all'",
    )
    if not incidents:
        return []
    return [
        f"Total Incidents: {figure(incidents)}",
        f"Critical Incidents: {_part(critical, incidents)}",
        f"False Positives: {_part(false_positives, incidents)}",
    ]


def _satisfaction(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The document's "average NPS score" is a mean rating; the NPS itself is said beside it."""
    latest = connection.sql(
        "select mean_nps_rating_365d, nps, high_renewal_account_count, answering_account_count from mart.satisfaction "
        "where dimension_type = 'all' order by month desc limit 1"
    ).fetchone()
    if latest is None:
        return []
    rating, nps, high, answering = latest
    shown = (
        UNKNOWN if rating is None else f"{figure(rating, 1)} (mean rating 0-10 of 365 days; NPS {figure(nps, 1, '+')})"
    )
    return [f"Average NPS Score: {shown}", f"High Renewal Likelihood: {_part(high, answering)}"]


def _sums(connection: duckdb.DuckDBPyConnection, query: str) -> list[float | None]:
    """The single row of an aggregate."""
    row = connection.sql(query).fetchone()
    return [] if row is None else [None if value is None else float(value) for value in row]


def _part(count: float | None, total: float | None) -> str:
    if count is None:
        return UNKNOWN
    return f"{figure(count)} ({figure(100 * count / total, 1)}%)" if total else figure(count)


def _money(amount: float | None, currency: str) -> str:
    if amount is None:
        return UNKNOWN
    return f"${figure(amount)}" if currency == "USD" else f"{figure(amount)} {currency}"
