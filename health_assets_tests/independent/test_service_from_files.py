"""Figures of support, the shop, security and the workflow a second time: plain SQL over the CSV files."""

from collections.abc import Iterator

import duckdb
import pytest

from health_assets_tests.conftest import END, WholeCompany

D = f"date '{END}'"
EVENING = f"({D} + 1)::timestamp"
TODAY = f"as_of_date = {D}"
OF_ALL = "dimension_type = 'all'"
OPEN = "status in ('new', 'open', 'in_progress', 'pending', 'on_hold', 'escalated')"
IN_DECEMBER = "completed >= '2024-12-01' and completed < '2025-01-01'"


def hours(earlier: str, later: str) -> str:
    return f"date_diff('microsecond', {earlier}, {later}) / 3.6e9"


def by_priority(p1: int, p2: int, p3: int, p4: int) -> str:
    return f"case priority when 'p1' then {p1} when 'p2' then {p2} when 'p3' then {p3} when 'p4' then {p4} end"


def rows_of(name: str) -> str:
    """The rows of a file whose account exists, equal ones once."""
    known = "select trim(account_id) from read_csv('{folder}/accounts.csv', all_varchar = true)"
    return (
        f"(select distinct * from read_csv('{{folder}}/{name}.csv', all_varchar = true, strict_mode = false, "
        f"ignore_errors = true) where trim(account_id) in ({known}))"
    )


MOMENTS = {
    "support_tickets": ["created_at", "first_response_at", "resolved_at"],
    "security_incidents": ["occurred_at", "detected_at", "responded_at", "contained_at"],
}
FILES = {
    "moments_of_tickets": f"""select lower(trim(priority)) as priority, lower(trim(status)) as status,
        try_cast(satisfaction_score as double) as rating, try_cast(resolution_time_hours as double) as file_hours,
        {", ".join(f"try_cast({moment} as timestamp) as {moment}" for moment in MOMENTS["support_tickets"])}
        from {rows_of("support_tickets")}""",
    "tickets": f"""select *, {by_priority(4, 12, 48, 120)} as target, {by_priority(1, 4, 8, 24)} as answer_target,
        {hours("created_at", "first_response_at")} as answer_hours, {hours("created_at", "finished_at")} as hours,
        finished_at < {EVENING} and not coalesce({OPEN}, false) as is_done
        from (select *, coalesce(resolved_at, case when status in ('resolved', 'closed')
            then created_at + to_microseconds((file_hours * 3600000000)::bigint) end) as finished_at from moments_of_tickets)
        where created_at < {EVENING}""",
    "orders": f"""select trim(order_id) as order_id, trim(account_id) as account_id, try_cast(order_date as timestamp)::date as day,
        try_cast(regexp_replace(total_amount, '[$,]', '', 'g') as double) as amount from {rows_of("orders")}
        where day <= {D} and amount is not null""",
    "payments": f"""select try_cast(payment_due_date as timestamp)::date as due, try_cast(payment_date as timestamp)::date as paid
        from {rows_of("payments")} where due < {D}""",
    "incidents": f"""select *, date_diff('microsecond', detected_at, responded_at) / 6e7 as minutes,
        detected_at + to_minutes(target) as deadline, is_false and coalesce(contained_at < {EVENING}, true) as is_known_false
        from (select lower(trim(severity)) as severity, lower(trim(is_false_positive)) = 'true' as is_false,
            case lower(trim(severity)) when 'critical' then 5 when 'high' then 20 when 'medium' then 60 end as target,
            {", ".join(f"try_cast({moment} as timestamp) as {moment}" for moment in MOMENTS["security_incidents"])}
            from {rows_of("security_incidents")}) where detected_at < {EVENING}""",
    "items": f"""select trim(item_id) as item_id, trim(account_id) as account_id, try_cast(started_at as timestamp) as started,
        try_cast(completed_at as timestamp) as completed, lower(trim(has_data_error)) = 'true' as has_error
        from {rows_of("workflow_items")} where started is not null""",
    "outcomes": f"""select distinct trim(outcome_id) as outcome_id, trim(item_id) as item_id,
        try_cast(outcome_date as timestamp)::date as day, lower(trim(result)) as result
        from read_csv('{{folder}}/outcomes.csv', all_varchar = true)
        where day <= {D} and trim(item_id) in (select item_id from items)""",
    "latest": "select item_id, arg_max(result, (day, outcome_id)) as result, max(day) as day from outcomes group by 1",
}
FIGURES = {  # figure -> from the files, from the tables
    "tickets and those open": (
        "select count(*), count(*) filter (not coalesce(is_done, false) and (finished_at is not null or "
        "status not in ('resolved', 'closed'))) from tickets",
        "select count(*), count(*) filter (is_open) from fact.tickets",
    ),
    "tickets resolved in time and late": (
        f"""select count(*) filter (is_done and hours between 0 and target),
            count(*) filter ((is_done and hours >= 0 and hours > target) or (not coalesce(is_done, false)
                and not (finished_at is null and status in ('resolved', 'closed'))
                and created_at + to_hours(target) <= {EVENING})) from tickets""",
        f"select sum(met_count), sum(breached_count) from mart.sla_adherence where {OF_ALL}",
    ),
    "mean hours to resolution": (
        "select avg(hours) from tickets where is_done and hours >= 0",
        "select avg(resolution_hours) from fact.tickets",
    ),
    "satisfied of the rated tickets": (
        f"""select 100.0 * count(*) filter (rating >= 4) / count(rating) from tickets
            where finished_at < {EVENING} or (finished_at is null and status in ('resolved', 'closed'))""",
        "select 100.0 * count(*) filter (csat_tier = 'satisfied') / count(satisfaction_score) from fact.tickets",
    ),
    "first answers in time": (
        f"select count(*) from tickets where answer_hours between 0 and answer_target and first_response_at < {EVENING}",
        f"select sum(first_response_met_count) from mart.sla_adherence where {OF_ALL}",
    ),
    "tickets of 30 and 90 days": (
        f"select count(*) filter (created_at >= {D} - 29), count(*) filter (created_at >= {D} - 89) from tickets",
        f"select sum(ticket_count_30d), sum(ticket_count_90d) from fact.account_support_daily where {TODAY}",
    ),
    "orders, buyers and net spend": (
        "select count(distinct order_id), count(distinct account_id), round(sum(amount), 2) from orders",
        "select sum(order_count), count(*) filter (order_count > 0), round(sum(total_spend), 2) from mart.customer_value",
    ),
    "share of the best fifth of the buyers": (
        """with spent as (select account_id, sum(amount) as spend from orders group by 1),
            ranked as (select spend, row_number() over (order by spend desc) as place, count(*) over () as n from spent)
            select 100 * sum(spend) filter (place <= ceil(n * 20 / 100.0)) / sum(spend) from ranked""",
        f"select top_share_pct from mart.revenue_concentration where {OF_ALL}",
    ),
    "repeat purchase rate and churn of buyers in December": (
        """with months as (select distinct account_id, date_trunc('month', day) as month from orders)
            select (select avg((n >= 2)::int) from (select count(*) as n from orders group by account_id)),
            (select avg((account_id not in (select account_id from months where month = '2024-12-01'))::int)
                from months where month = '2024-11-01')""",
        """select (select repeat_purchase_rate from mart.order_retention_monthly order by month desc limit 1),
            (select monthly_churn_rate from mart.order_retention_monthly where month = '2024-12-01')""",
    ),
    "days between orders, of accounts with three or more": (
        """with gaps as (select account_id, day - lag(day) over (partition by account_id order by day) as gap
                from (select distinct account_id, day from orders))
            select avg(rhythm) from (select median(gap) as rhythm from gaps group by account_id having count(gap) >= 2)""",
        f"""select avg(order_rhythm_days) from fact.account_commerce_daily where {TODAY} and account_id in (
            select account_id from fact.orders where is_order group by 1 having count(distinct order_date) >= 3)""",
    ),
    "late payment rate": (
        f"select avg((paid is null or paid > least(due, {D}))::int) from payments",
        "select sum(late_payment_count) / sum(due_payment_count) from mart.payment_risk",
    ),
    "incidents, critical ones and false positives": (
        "select count(*), count(*) filter (severity = 'critical'), count(*) filter (is_known_false) from incidents",
        f"""select sum(incident_count), sum(critical_incident_count), sum(false_positive_count)
            from mart.security_operations where {OF_ALL}""",
    ),
    "minutes to respond, without false positives": (
        f"""select avg(minutes) from incidents
            where minutes >= 0 and responded_at < {EVENING} and not coalesce(is_known_false, false)""",
        "select avg(minutes_to_respond) from fact.incidents where not coalesce(is_false_positive, false)",
    ),
    "responses inside and outside their target": (
        f"""select count(*) filter (minutes between 0 and target and responded_at < {EVENING}),
            count(*) filter ((minutes > target and responded_at < {EVENING})
                or (coalesce(responded_at >= {EVENING}, true) and deadline <= {EVENING})) from incidents""",
        f"select sum(within_sla_count), sum(outside_sla_count) from mart.security_operations where {OF_ALL}",
    ),
    "incidents of 30 and 90 days": (
        f"select count(*) filter (detected_at >= {D} - 29), count(*) filter (detected_at >= {D} - 89) from incidents",
        f"select sum(incident_count_30d), sum(incident_count_90d) from fact.account_security_daily where {TODAY}",
    ),
    "items, accounts, minutes and errors of December": (
        f"""select count(*), count(distinct account_id), avg(epoch(completed - started) / 60) filter (completed >= started),
            avg(has_error::int) from items where {IN_DECEMBER}""",
        """select tickets_processed, working_account_count, avg_processing_minutes, data_error_rate
            from mart.operations_summary where month = '2024-12-01'""",
    ),
    "denial rate of December": (
        """select count(*) filter (result = 'denied') / count(*) filter (result in ('approved', 'denied'))
            from latest where day between '2024-12-01' and '2024-12-31'""",
        "select denial_rate from mart.operations_summary where month = '2024-12-01'",
    ),
    "value of the throughput of December": (
        f"select 2.5 * count(*) from items where {IN_DECEMBER}",
        "select sum(throughput_value) from mart.operations_roi where month = '2024-12-01'",
    ),
    "items completed so far": (
        f"select count(*) from items where completed < {EVENING}",
        "select sum(tickets_processed) from fact.workflow_monthly",
    ),
}


@pytest.fixture(scope="module")
def files(whole_company: WholeCompany) -> Iterator[duckdb.DuckDBPyConnection]:
    """The rows of the files as FILES reads them."""
    with duckdb.connect() as connection:
        for name, query in FILES.items():
            connection.execute(f"create table {name} as {query.format(folder=whole_company.folder / 'demo')}")
        yield connection


@pytest.mark.parametrize("figure", FIGURES)
def test_figure_agrees_with_the_files(
    whole_company: WholeCompany, files: duckdb.DuckDBPyConnection, figure: str
) -> None:
    of_files, of_tables = FIGURES[figure]
    (expected,) = files.sql(of_files).fetchall()
    (found,) = whole_company.rows(of_tables)
    assert all(value not in (None, 0) for value in expected)
    assert [float(value) for value in found] == [pytest.approx(float(value), rel=1e-6) for value in expected]
