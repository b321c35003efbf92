"""Devices, lifetime value, support and cohorts once more: plain SQL over the staged tables, against the marts."""

from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import PAID, agree

LAST_30 = f"between date '{END}' - 29 and date '{END}'"
LAST_365 = f"between date '{END}' - 364 and date '{END}'"

PAID_MONTHS = f"""
    months as (
        select account_id, month::date as month, sum(mrr_amount) as mrr
        from (
            select s.*, unnest(generate_series(
                date_trunc('month', start_date), date_trunc('month', date '{END}'), interval 1 month
            )) as month
            from {PAID} as s
        )
        where start_date <= least(last_day(month), date '{END}')
            and (end_date is null or end_date > least(last_day(month), date '{END}'))
        group by all
    ),
    cohort as (select account_id, min(month) as cohort_month from months group by all)
"""

ACTIVE = f"""
    active as (
        select account_id, sum(mrr_amount) as mrr
        from {PAID}
        where start_date <= date '{END}'
            and (end_date is null or end_date > date '{END}')
        group by all
    )
"""


def test_device_health_and_revenue(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {ACTIVE}, readings as (
            select device_id, avg(uptime_pct) as uptime, sum(usage_volume) as volume,
                count(*) filter (error_count > 0) as error_readings,
                arg_max(maintenance_due, reading_date) filter (maintenance_due is not null) as maintenance
            from staged.device_readings where reading_date {LAST_30} group by all
        )
        select d.device_id,
            case when uptime is not null then greatest(0, least(100, uptime - 5 * coalesce(error_readings, 0)
                - case when maintenance then 10 else 0 end)) end,
            volume,
            case when status = 'active' then mrr / sum((status = 'active')::int) over (partition by d.account_id)
                else 0 end
        from staged.devices as d
        left join readings using (device_id)
        left join active using (account_id)
        where coalesce(installed_date <= date '{END}', true)
        """,
        """select device_id, health_score, usage_volume_30d,
            case when device_revenue = 0 and is_active then null else device_revenue end from mart.device_health""",
    )


def test_lifetime_value_is_what_was_paid_over_whole_months(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with value as (
            select account_id, sum(amount) as value from staged.invoices
            where is_paid and coalesce(paid_date, invoice_date) <= date '{END}' and invoice_date <= date '{END}'
            group by all
        ),
        first_paid as (
            select account_id, min(start_date) as day from {PAID}
            where start_date <= date '{END}' group by all
        )
        select a.account_id, coalesce(value, 0), datesub('month', day, date '{END}'),
            case when datesub('month', day, date '{END}') >= 6 then
                case when coalesce(value, 0) >= 100000 then 'high' when coalesce(value, 0) >= 50000 then 'medium'
                    when coalesce(value, 0) >= 20000 then 'low' else 'entry' end end
        from staged.accounts as a left join value using (account_id) left join first_paid using (account_id)
        where signup_date <= date '{END}'
        """,
        """select account_id, lifetime_value, months_since_first_subscription, clv_segment::varchar
            from mart.customer_lifetime_value""",
    )


def test_expansion_less_contraction(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {PAID_MONTHS}, moves as (
            select now.account_id, now.mrr - before.mrr as moved
            from months as now join months as before
                on before.account_id = now.account_id and before.month = now.month - interval 1 month
        )
        select account_id, sum(greatest(moved, 0)), sum(greatest(-moved, 0)), sum(moved) from moves group by all
        """,
        """select account_id, expansion_revenue_total, contraction_revenue_total, net_expansion
            from mart.customer_lifetime_value
            where account_id in (select account_id from fact.revenue_monthly where mrr > 0 and previous_mrr > 0)""",
    )


def test_support_by_segment(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {ACTIVE}, accounts as (
            select account_id,
                case when plan_tier = 'enterprise' or employee_count > 500 then 'enterprise'
                    when plan_tier = 'growth' or employee_count > 50 then 'mid_market' else 'smb' end as segment
            from staged.accounts join active using (account_id)
        ),
        tickets as (
            select *, coalesce(resolved_at, case when status in ('resolved', 'closed') and resolution_time_hours > 0
                then created_at + to_microseconds((resolution_time_hours * 3600000000)::bigint) end) as done_at
            from staged.support_tickets where created_date <= date '{END}'
        )
        select segment, count(distinct account_id), count(*) filter (created_date {LAST_30}),
            avg(date_diff('microsecond', created_at, done_at) / 3.6e9)
                filter (done_at::date {LAST_30} and done_at >= created_at)
        from accounts left join tickets using (account_id) group by all
        """,
        """select segment::varchar, account_count, ticket_count_30d, mean_resolution_hours_30d
            from mart.support_performance""",
    )


def test_engagement_cohorts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {PAID_MONTHS}, used as (
            select distinct account_id, date_trunc('month', event_date)::date as month
            from staged.usage_events where user_id is not null and event_date <= date '{END}'
        )
        select cohort_month::varchar || ' in ' || used.month, count(*)
        from cohort join used using (account_id) where used.month >= cohort_month group by all
        """,
        """select cohort_month::varchar || ' in ' || month, engaged_account_count
            from mart.engagement_cohorts where engaged_account_count > 0""",
    )


def test_health_segments_hold_every_active_account(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"with {ACTIVE} select 1, count(*), sum(mrr) from active",
        "select 1, sum(account_count)::bigint, sum(mrr) from mart.health_segments",
    )


def test_nps_and_device_health_of_an_account(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with answers as (
            select account_id, 100.0 * (count(*) filter (nps_score >= 9) - count(*) filter (nps_score <= 6))
                / nullif(count(nps_score), 0) as nps
            from staged.feedback where feedback_date {LAST_365} group by all
        ),
        devices as (
            select d.account_id, avg(health_score) as health
            from staged.devices as d join fact.device_health using (device_id)
            where status = 'active' group by all
        )
        select account_id, nps, devices.health
        from mart.churn_risk left join answers using (account_id) left join devices using (account_id)
        """,
        "select account_id, nps_365d, device_health_avg from mart.customer_success",
    )


def test_devices_of_accounts_by_day(whole_company: WholeCompany) -> None:
    """On days of written months, when a device is active by its readings, and on the load day, when it is by status."""
    days = f"(select unnest([date '{END}', date '{END}' - 1, date '{END}' - 17, date '{END}' - 100]) as day)"
    agree(
        whole_company,
        f"""
        with devices as (
            select d.account_id, d.device_id, day, count(reading_date) as readings, any_value(status) as status,
                arg_max(maintenance_due, reading_date) filter (maintenance_due is not null) as maintenance,
                avg(uptime_pct) - 5 * count(*) filter (error_count > 0) as score
            from staged.devices as d join {days} on coalesce(installed_date <= day, true)
            left join staged.device_readings as r on r.device_id = d.device_id and reading_date between day - 29 and day
            group by 1, 2, 3
        ),
        active as (
            select *, greatest(0, least(100, score - if(maintenance, 10, 0))) as health, from devices
            where if(day = date '{END}', coalesce(status = 'active', readings > 0), readings > 0)
        )
        select a.account_id, day, count(device_id), count(*) filter (maintenance),
            avg(if(score is null, null, health))
        from staged.accounts as a join {days} on signup_date <= day left join active using (account_id, day)
        where day >= (select min(reading_date) from staged.device_readings) group by 1, 2
        """,
        f"""select account_id, as_of_date, active_device_count, maintenance_due_device_count, device_health_avg
            from fact.account_device_daily where as_of_date in (from {days})""",
    )
