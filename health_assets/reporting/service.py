"""Support, security operations and satisfaction: totals of everything known by the as-of day."""

import duckdb
import polars as pl

from health_assets.reporting.definitions import columns_of
from health_assets.reporting.reader import Row, frame, row, rows

DASHBOARD_TABLES = (
    "dim.account",
    "mart.churn_risk",
    "mart.security_operations",
    "mart.support_operations",
    "mart.satisfaction",
)


def sla_adherence(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """SLA adherence of the latest month with a resolved or breached ticket, and over all months; None without one."""
    found = row(
        connection,
        """
        select max(month) as month, count(*) as month_count,
               arg_max(100 * met_count / (met_count + breached_count), month) as month_adherence_pct,
               100 * sum(met_count) / sum(met_count + breached_count) as adherence_pct,
               sum(met_count + breached_count)::bigint as due_count, sum(breached_count)::bigint as breached_count,
               sum(pending_count)::bigint as pending_count,
               max(month) = (select date_trunc('month', as_of_date)::date from about) as is_of_as_of_month
        from mart.sla_adherence where dimension_type = 'all' and met_count + breached_count > 0
        """,
    )
    return found if found["month"] else None


def customers(connection: duckdb.DuckDBPyConnection) -> Row:
    """Accounts, those with high or critical churn risk, those whose risk is unknown, and MRR; null where no status is known."""
    return row(
        connection,
        """
        with known as (select bool_or(account_status is not null) as of_some from dim.account)
        select case when of_some then count(risk.account_id) end as account_count,
               case when of_some then count(*) filter (risk_level in ('high', 'critical')) end as high_risk_count,
               count(*) filter (risk_level = 'unknown') as unknown_count, sum(risk.mrr)::double as mrr
        from known left join mart.churn_risk as risk on true group by of_some
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


def monthly_sla(connection: duckdb.DuckDBPyConnection, dimension: str = "all") -> pl.DataFrame:
    """SLA, first response, resolution and ratings by month of creation, by both clocks, for each value of a dimension."""
    columns = ", ".join(name for name in columns_of("mart.sla_adherence") if name != "dimension_type")
    return frame(
        connection,
        f"select {columns} from mart.sla_adherence where dimension_type = ? order by month, dimension_value",
        [dimension],
    )


def monthly_satisfaction(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """NPS of the 365 days up to the end of each month, with the responses behind it."""
    return frame(
        connection,
        """
        select month, is_partial, nps, mean_nps_rating_365d, response_count_365d, response_rate_365d
        from mart.satisfaction where dimension_type = 'all' order by month
        """,
    )


def open_breaches(connection: duckdb.DuckDBPyConnection, limit: int) -> pl.DataFrame:
    """Open tickets past their target, the longest open first."""
    return frame(
        connection,
        """
        select ticket_id, coalesce(company_name, account_id) as name, account_id, tickets.account_owner, priority, category,
               created_date, about.as_of_date - created_date as open_days, sla_target_hours, calendar_sla_state,
               business_sla_state, is_escalated,
               count(*) over () as ticket_count
        from fact.tickets left join dim.account using (account_id) cross join about
        where is_open and sla_state = 'breached' order by created_at, ticket_id limit ?
        """,
        [limit],
    )


def monthly_security(connection: duckdb.DuckDBPyConnection, dimension: str = "all") -> pl.DataFrame:
    """Incidents, times and adherence by month of detection, for each value of a dimension."""
    return frame(
        connection,
        "select * exclude (dimension_type) from mart.security_operations where dimension_type = ? "
        "order by month, dimension_value",
        [dimension],
    )
