"""Security, satisfaction and support operations a second time, in SQL over the staged tables."""

import pytest

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import agree


@pytest.fixture
def as_of(whole_company: WholeCompany) -> str:
    return f"date '{whole_company.settings.load_day}'"


def test_security_operations(whole_company: WholeCompany, as_of: str) -> None:
    timezone = whole_company.settings.timezone
    evening = f"timezone('UTC', timezone('{timezone}', ({as_of} + 1)::timestamp))"
    incidents = f"""
        with seen as (
            select *, date_trunc('month', detected_date)::date as month, coalesce(severity::varchar, 'unknown') as grade,
                case severity::varchar when 'critical' then 5 when 'high' then 20 when 'medium' then 60 end as target,
                case when occurred_at <= detected_at then epoch_us(detected_at - occurred_at) / 6e7 end as to_detect,
                case when responded_at between detected_at and {evening}
                    then epoch_us(responded_at - detected_at) / 6e7 end as to_respond,
                case when contained_at between detected_at and {evening}
                    then epoch_us(contained_at - detected_at) / 6e7 end as to_contain
            from staged.security_incidents where detected_date <= {as_of}
        ), judged as (
            select *, case
                when target is null then null
                when to_respond is not null then to_respond <= target
                when responded_at is null and worked_within_sla is not null then worked_within_sla
                when responded_at is null and detected_at + to_microseconds((target * 6e7)::bigint) <= {evening} then false
            end as in_time
            from seen
        )
        select month, 'severity', grade, count(*), count(*) filter (grade = 'critical'), count(*) filter (is_false_positive),
            avg(to_detect) filter (is_false_positive is not true), avg(to_respond) filter (is_false_positive is not true),
            avg(to_contain) filter (is_false_positive is not true), count(*) filter (in_time), count(*) filter (not in_time)
        from judged group by all
        union all
        select month, 'all', 'all', count(*), count(*) filter (grade = 'critical'), count(*) filter (is_false_positive),
            avg(to_detect) filter (is_false_positive is not true), avg(to_respond) filter (is_false_positive is not true),
            avg(to_contain) filter (is_false_positive is not true), count(*) filter (in_time), count(*) filter (not in_time)
        from judged group by all
        order by 1, 2, 3
    """
    mart = """
        select month, dimension_type::varchar, dimension_value, incident_count, coalesce(critical_incident_count, 0),
            coalesce(false_positive_count, 0), mean_minutes_to_detect, mean_minutes_to_respond, mean_minutes_to_contain,
            within_sla_count, outside_sla_count
        from mart.security_operations order by 1, 2, 3
    """
    agree(whole_company, incidents, mart)


def test_incidents_by_account_and_day(whole_company: WholeCompany, as_of: str) -> None:
    counted = ", ".join(
        f"(select count(*) from staged.security_incidents i where i.account_id = a.account_id and {condition})"
        for condition in (
            "detected_date between d.day - 29 and d.day",
            "detected_date between d.day - 59 and d.day",
            "detected_date between d.day - 89 and d.day",
            "detected_date between d.day - 89 and d.day and severity::varchar = 'critical'",
            "detected_date <= d.day",
        )
    )
    days = f"(select unnest([{as_of}, {as_of} - 1, {as_of} - 17, {as_of} - 100])::date as day)"
    agree(
        whole_company,
        f"""
        select a.account_id, d.day, {counted} from staged.accounts a, {days} d
        where a.signup_date <= d.day and d.day >= (select min(detected_date) from staged.security_incidents)
        order by 1, 2
        """,
        f"""
        select account_id, as_of_date, incident_count_30d, incident_count_60d, incident_count_90d,
            critical_incident_count_90d, incident_count_to_date
        from fact.account_security_daily where as_of_date in (from {days}) order by 1, 2
        """,
    )


def test_responses_inside_their_target_by_account_and_day(whole_company: WholeCompany, as_of: str) -> None:
    days = f"(select unnest([{as_of}, {as_of} - 17, {as_of} - 100])::date as day)"
    agree(
        whole_company,
        f"""
        with due as (
            select *, detected_at + to_minutes(case severity::varchar when 'critical' then 5 when 'high' then 20
                when 'medium' then 60 end) as deadline from staged.security_incidents
        ), known as (
            select account_id, day, case when responded_at < day + 1 then responded_at <= deadline
                when deadline <= day + 1 then false end as in_time
            from due join {days} on detected_date between day - 89 and day
        )
        select a.account_id, d.day, 100 * avg(in_time::int) from staged.accounts a join {days} d on a.signup_date <= d.day
            left join known using (account_id, day) group by all order by 1, 2
        """,
        f"""
        select account_id, as_of_date, incident_response_sla_pct_90d
        from fact.account_security_daily where as_of_date in (from {days}) order by 1, 2
        """,
    )


def test_answers_by_account_and_day(whole_company: WholeCompany, as_of: str) -> None:
    days = f"(select unnest([{as_of}, {as_of} - 1, {as_of} - 17, {as_of} - 100])::date as day)"
    given = "from staged.feedback f where f.account_id = a.account_id and feedback_date"
    latest = "order by feedback_date desc, feedback_id desc limit 1"
    agree(
        whole_company,
        f"""
        select a.account_id, d.day,
            (select nps_score {given} <= d.day and nps_score is not null {latest}),
            (select avg(nps_score) {given} between d.day - 364 and d.day),
            (select count(*) {given} between d.day - 364 and d.day),
            (select likelihood_to_renew::varchar {given} <= d.day and likelihood_to_renew is not null {latest})
        from staged.accounts a, {days} d
        where a.signup_date <= d.day and d.day >= (select min(feedback_date) from staged.feedback)
        order by 1, 2
        """,
        f"""
        select account_id, as_of_date, nps_rating, mean_nps_rating_365d, response_count_365d, likelihood_to_renew::varchar
        from fact.account_satisfaction_daily where as_of_date in (from {days}) order by 1, 2
        """,
    )


def test_satisfaction(whole_company: WholeCompany, as_of: str) -> None:
    agree(
        whole_company,
        f"""
        with months as (
            select unnest(generate_series(date_trunc('month', min(feedback_date)), {as_of}, interval 1 month))::date as month
            from staged.feedback
        ), measured as (select month, least(last_day(month), {as_of}) as day from months),
        answers as (
            select day, account_id, likelihood_to_renew::varchar as likelihood
            from measured join staged.feedback on feedback_date <= day and likelihood_to_renew is not null
            join staged.accounts using (account_id) where signup_date <= day
            qualify row_number() over (partition by day, account_id order by feedback_date desc, feedback_id desc) = 1
        )
        select month,
            count(*) filter (feedback_date >= month),
            count(*) filter (nps_score >= 9), count(*) filter (nps_score <= 6),
            100.0 * (count(*) filter (nps_score >= 9) - count(*) filter (nps_score <= 6)) / count(nps_score),
            avg(nps_score),
            (select 100.0 * count(*) filter (likelihood = 'high') / count(*) from answers where answers.day = measured.day)
        from measured join staged.feedback on feedback_date between day - 364 and day
        group by month, day order by month
        """,
        """
        select month, response_count, promoter_count_365d, detractor_count_365d, nps, mean_nps_rating_365d,
            renewal_likelihood_high_pct
        from mart.satisfaction where dimension_type = 'all' and response_count_365d > 0 order by month
        """,
    )


def test_support_operations(whole_company: WholeCompany, as_of: str) -> None:
    timezone = whole_company.settings.timezone
    local = f"timezone('{timezone}', timezone('UTC', {{}}))::date"
    tickets = f"""
        select *, {local.format("resolved_at")} as resolved_date,
            case when resolved_at >= created_at then epoch_us(resolved_at - created_at) / 3.6e9 end as hours
        from staged.support_tickets where created_date <= {as_of}
    """
    agree(
        whole_company,
        f"""
        with tickets as ({tickets}), created as (
            select date_trunc('month', created_date)::date as month, count(*) as tickets,
                count(*) filter (resolved_date <= {as_of}) as resolved,
                count(*) filter ({local.format("escalated_at")} <= {as_of}) as escalated,
                avg(satisfaction_score) filter (resolved_date <= {as_of}) as csat
            from tickets group by 1
        ), resolved as (
            select date_trunc('month', resolved_date)::date as month, count(*) as timed, avg(hours) as mean,
                median(hours) as middle, quantile_cont(hours, 0.9) as slow
            from tickets where resolved_date <= {as_of} and hours is not null group by 1
        )
        select month, coalesce(tickets, 0), resolved / tickets, escalated / tickets, csat, coalesce(timed, 0), mean, middle,
            slow
        from created full join resolved using (month) order by month
        """,
        """
        select month, ticket_count, resolution_rate, escalation_rate, mean_csat, timed_count, mean_resolution_hours,
            median_resolution_hours, p90_resolution_hours
        from mart.support_operations where dimension_type = 'all' order by month
        """,
    )


def test_contract_events(whole_company: WholeCompany, as_of: str) -> None:
    events = f"from staged.contract_events e where e.account_id = a.account_id and event_date <= {as_of}"
    agree(
        whole_company,
        f"""
        select account_id, (select count(*) {events}), (select count(*) {events} and event_type::varchar = 'renewed'),
            (select sum(revenue_impact) {events})
        from staged.accounts a where signup_date <= {as_of} order by 1
        """,
        "select account_id, contract_event_count, renewed_count, revenue_impact_total from mart.customer_journey order by 1",
    )
