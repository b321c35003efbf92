"""The executive dashboard of document 003, in the lines in which that document prints it.

`health-assets status` shows it where security incidents or survey responses are connected.
"""

from collections.abc import Iterator
from typing import SupportsFloat

import duckdb
from rich.console import RenderableType
from rich.text import Text

from health_assets.reporting.formatting import NOT_MEASURED, number, pct
from health_assets.reporting.reader import Row
from health_assets.reporting.service import customers, incidents, satisfaction, tickets
from health_assets.settings import Settings


def security_dashboard(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[RenderableType]:
    """Customers, support, security and satisfaction: totals of everything known by the as-of day."""
    found_incidents, found_satisfaction = incidents(connection), satisfaction(connection)
    if not found_incidents and not found_satisfaction:
        return
    found_tickets = tickets(connection)
    sections = {
        "CUSTOMER OVERVIEW": _customers(customers(connection), settings.reporting_currency),
        "SUPPORT PERFORMANCE": _support(found_tickets) if found_tickets else [],
        "SECURITY OPERATIONS": _security(found_incidents) if found_incidents else [],
        "CUSTOMER SATISFACTION": _satisfaction(found_satisfaction) if found_satisfaction else [],
    }
    title = "CYBERSECURITY CUSTOMER HEALTH DASHBOARD" if found_incidents else "CUSTOMER HEALTH DASHBOARD"
    yield Text(f"\n{title}", style="bold")
    for section, lines in sections.items():
        if lines:
            yield Text(f"\n{section}", style="bold")
            yield from (Text(line) for line in lines)


def _customers(found: Row, currency: str) -> list[str]:
    unknown = f", unknown for {number(found['unknown_count'])}" if found["unknown_count"] else ""
    mrr = found["mrr"]
    in_dollars = f"${number(mrr)}" if currency == "USD" else f"{number(mrr)} {currency}"
    return [
        f"Total Customers: {number(found['account_count'])}",
        f"High Risk Customers: {_share(found['high_risk_count'], found['account_count'])}{unknown}",
        f"Total MRR: {NOT_MEASURED if mrr is None else in_dollars}",
    ]


def _support(found: Row) -> list[str]:
    hours = found["mean_resolution_hours"]
    return [
        f"Total Tickets: {number(found['ticket_count'])}",
        f"Resolved: {_share(found['resolved_count'], found['ticket_count'])}",
        f"Average Resolution Time: {NOT_MEASURED if hours is None else f'{number(hours, 1)} hours'}",
        f"Escalated: {_share(found['escalated_count'], found['ticket_count'])}",
    ]


def _security(found: Row) -> list[str]:
    return [
        f"Total Incidents: {number(found['incident_count'])}",
        f"Critical Incidents: {_share(found['critical_count'], found['incident_count'])}",
        f"False Positives: {_share(found['false_positive_count'], found['incident_count'])}",
    ]


def _satisfaction(found: Row) -> list[str]:
    """The document's "average NPS score" is a mean rating; the NPS itself stands next to it."""
    rating = found["mean_nps_rating_365d"]
    nps = f"(mean rating 0-10 over 365 days; NPS {number(found['nps'], 1, '+')})"
    return [
        f"Average NPS Score: {NOT_MEASURED if rating is None else f'{number(rating, 1)} {nps}'}",
        f"High Renewal Likelihood: {_share(found['high_renewal_account_count'], found['answering_account_count'])}",
    ]


def _share(count: SupportsFloat | None, total: SupportsFloat | None) -> str:
    if count is None or not total:
        return number(count)
    return f"{number(count)} ({pct(100 * float(count) / float(total))})"
