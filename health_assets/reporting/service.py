"""Support, security operations and satisfaction: totals of everything known by the as-of day."""

import duckdb

from health_assets.reporting.reader import Row, row, rows

DASHBOARD_TABLES = ("mart.churn_risk", "mart.security_operations", "mart.support_operations", "mart.satisfaction")


def sla_adherence(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """SLA adherence of the latest month with a resolved or breached ticket, and over all months; None without one."""
    found = row(
        connection,
        """
        select max(month) as month, count(*) as month_count,
               arg_max(100 * met_count / (met_count + breached_count), month) as month_adherence_pct,
               100 * sum(met_count) / sum(met_count + breached_count) as adherence_pct,
               sum(met_count + breached_count)::bigint as due_count, sum(breached_count)::bigint as breached_count,
               sum(pending_count)::bigint as pending_count
        from mart.sla_adherence where dimension_type = 'all' and met_count + breached_count > 0
        """,
    )
    return found if found["month"] else None


def customers(connection: duckdb.DuckDBPyConnection) -> Row:
    """Accounts, those with high or critical churn risk, those whose risk is unknown, and MRR."""
    return row(
        connection,
        """
        select count(*) as account_count, count(*) filter (risk_level in ('high', 'critical')) as high_risk_count,
               count(*) filter (risk_level = 'unknown') as unknown_count, sum(mrr)::double as mrr
        from mart.churn_risk
        """,
    )


def tickets(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Tickets, resolved, escalated, and mean hours to resolution; None without a ticket."""
    found = row(
        connection,
        """
        select sum(ticket_count) as ticket_count, sum(resolved_count) as resolved_count,
               sum(mean_resolution_hours * timed_count) / sum(timed_count) as mean_resolution_hours,
               sum(escalated_count) as escalated_count
        from mart.support_operations where dimension_type = 'all'
        """,
    )
    return found if found["ticket_count"] else None


def incidents(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Security incidents, critical ones and false positives; None without an incident."""
    found = row(
        connection,
        """
        select sum(incident_count) as incident_count, sum(critical_incident_count) as critical_count,
               sum(false_positive_count) as false_positive_count
        from mart.security_operations where dimension_type = 'all'
        """,
    )
    return found if found["incident_count"] else None


def satisfaction(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Mean rating and NPS of the last 365 days, and the accounts likely to renew; None without a response."""
    found = rows(
        connection,
        """
        select mean_nps_rating_365d, nps, high_renewal_account_count, answering_account_count
        from mart.satisfaction where dimension_type = 'all' order by month desc limit 1
        """,
    )
    return found[0] if found else None
