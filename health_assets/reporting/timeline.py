"""What happened to one account, newest first: tickets, usage, invoices, incidents, touchpoints, contract, health, overrides."""

import duckdb
import polars as pl

from health_assets.reporting.reader import frame, has_rows

INTERNAL = ("alert", "touchpoint", "health", "override")  # kinds of events that are not shown to the customer
EVENTS = {  # kind -> the table whose rows are the events, and the query
    "ticket": (
        "fact.tickets",
        """
        select created_date as day, 'ticket' as kind, concat_ws(', ',
            concat_ws(' ', 'Ticket', ticket_id, upper(priority), '(' || replace(category, '_', ' ') || ')'),
            case when is_escalated then 'escalated' end,
            case when is_open then 'open' when resolution_hours is null then 'resolved'
                 else format('resolved in {:.1f} hours', resolution_hours) end,
            case sla_state when 'breached' then 'after its target' end,
            case when satisfaction_score is not null then format('rated {:.0f} of 5', satisfaction_score) end) as what
        from fact.tickets where account_id = $1
        """,
    ),
    "invoice": (
        "fact.invoices",
        """
        select invoice_date, 'invoice', concat_ws(' ', 'Invoice', invoice_id, format('of {:,.0f},', amount), case
            when is_overdue then format('overdue since {}', due_date)
            when is_paid and days_late > 0 then format('paid {} days late', days_late)
            when is_paid then 'paid' else format('due {}', due_date) end)
        from fact.invoices where account_id = $1
        """,
    ),
    "incident": (
        "fact.incidents",
        """
        select detected_date, 'incident', concat_ws(', ',
            concat_ws(' ', 'Incident', incident_id, severity, replace(incident_type, '_', ' ')),
            case when is_false_positive then 'false positive'
                 when minutes_to_respond is not null then format('response after {:.0f} minutes', minutes_to_respond) end,
            case when not is_within_sla then 'outside its target' end)
        from fact.incidents where account_id = $1
        """,
    ),
    "touchpoint": (
        "fact.touchpoints",
        """
        select occurred_date, 'touchpoint',
               concat_ws(' ', upper(kind[1]) || replace(kind[2:], '_', ' '), 'by ' || owner, '(' || result || ')', '- ' || note)
        from fact.touchpoints where account_id = $1
        """,
    ),
    "contract": (
        "fact.revenue_monthly",
        """
        select least(last_day(month), as_of_date), 'contract', format(case movement
            when 'new' then 'New: MRR {1:,.0f}' when 'churn' then 'Churned: MRR was {0:,.0f}'
            when 'reactivation' then 'Reactivated: MRR {1:,.0f}' when 'expansion' then 'Expanded: MRR {0:,.0f} to {1:,.0f}'
            else 'Contracted: MRR {0:,.0f} to {1:,.0f}' end, coalesce(previous_mrr, 0), mrr)
        from fact.revenue_monthly cross join about
        where account_id = $1 and movement in ('new', 'reactivation', 'expansion', 'contraction', 'churn')
        """,
    ),
    "usage": (
        "fact.usage_daily",
        """
        select least(last_day(month), as_of_date), 'usage',
               format('{:,} events on {} active days in {}', events, active_days, strftime(month, '%B %Y'))
        from (
            select date_trunc('month', activity_date)::date as month, sum(event_count)::bigint as events,
                   count(*) filter (event_count > 0) as active_days
            from fact.usage_daily where account_id = $1 group by 1
        ) cross join about
        """,
    ),
    "alert": (
        "mart.alert_history",
        """
        select alert_date, 'alert', concat_ws(', ', coalesce(news, replace(rule, '_', ' ')), state || ' (' || channel || ')', state_reason)
        from mart.alert_history where account_id = $1
        """,
    ),
    "override": (
        "fact.health_overrides",
        """
        select valid_from, 'override', format('Set by hand to {} until {} by {}: {}',
            concat_ws(', ', replace(band, '_', ' '), format('score {:.1f}', score)), expiry_date, author, reason)
        from fact.health_overrides where account_id = $1
        """,
    ),
    "health": (
        "mart.customer_health_daily",
        """
        select as_of_date, 'health', format('Health band {} to {}, score {:.1f}',
            replace(before, '_', ' '), replace(health_band, '_', ' '), health_score)
        from (
            select as_of_date, health_band, health_score, scorecard_version,
                   lag(health_band) over days as before, lag(scorecard_version) over days as version_before
            from mart.customer_health_daily where account_id = $1 window days as (order by as_of_date)
        )
        where health_band != before and health_score is not null and scorecard_version = version_before
        """,
    ),
}


def timeline(
    connection: duckdb.DuckDBPyConnection, account_id: str, limit: int, *, internal: bool = True
) -> pl.DataFrame:
    """The latest events: day, kind and one line of text.

    Args:
        connection: of the snapshot.
        account_id: the account.
        limit: so many events.
        internal: whether events that are not for the customer's eyes are among them.
    """
    queries = [
        query
        for kind, (table, query) in EVENTS.items()
        if (internal or kind not in INTERNAL) and has_rows(connection, table)
    ]
    if not queries:
        return pl.DataFrame(schema={"day": pl.Date, "kind": pl.String, "what": pl.String})
    events = " union all ".join(f"({query})" for query in queries)
    nothing = "select null::date as day, null as kind, null as what where false"
    return frame(
        connection,
        f"from ({nothing} union all {events}) order by day desc, kind, what limit $2",
        [account_id, limit],
    )


def weekly_usage(connection: duckdb.DuckDBPyConnection, account_id: str, weeks: int) -> pl.DataFrame:
    """Events in each of the last weeks, the last of which ends on the as-of day; 0 = none, no rows = not measured."""
    if not has_rows(connection, "fact.usage_daily"):
        return pl.DataFrame(schema={"week_ending": pl.Date, "event_count": pl.Int64})
    return frame(
        connection,
        """
        select as_of_date - (7 * week)::integer as week_ending,
               coalesce(sum(event_count), 0)::bigint as event_count
        from range($2::bigint) as weeks(week) cross join about
        left join fact.usage_daily as usage
          on account_id = $1 and activity_date > as_of_date - (7 * week + 7)::integer
         and activity_date <= as_of_date - (7 * week)::integer
        group by all order by 1
        """,
        [account_id, weeks],
    )
