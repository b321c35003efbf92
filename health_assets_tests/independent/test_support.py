"""Support a second time: plain SQL over the staged tables, from the definitions of the metrics."""

from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import agree

D = f"date '{END}'"
EVENING = f"({D} + 1)::timestamp"  # the company lifecycles in UTC
DAYS = f"(select unnest([{D}, {D} - 1, {D} - 17, {D} - 100]) as day)"


def tickets_at(evening: str, ending: str = "") -> str:
    """Each ticket as it stands at a moment, however much later the file was written."""
    return f"""
        select *, case when finished <= {evening} then finished end as done,
            case when finished is null or finished > {evening} then satisfaction_score * null else satisfaction_score end
                as rating,
            case when finished <= {evening} and finished >= created_at
                then date_diff('microsecond', created_at, finished) / 3.6e9 end as hours
        from (
            select *, case priority::varchar when 'p1' then 4 when 'p2' then 12 when 'p3' then 48 when 'p4' then 120 end
                as target, coalesce(resolved_at, case when status in ('resolved', 'closed') and resolution_time_hours > 0
                    then created_at + to_microseconds((resolution_time_hours * 3600000000)::bigint) end) as finished
            from staged.support_tickets {ending}
        )
    """


STATE = """case when hours is not null and target is not null then if(hours <= target, 'met', 'breached')
    when done is not null or target is null then 'unknown'
    when created_at + to_hours(target) <= {0} then 'breached' else 'pending' end"""
JUDGED = f"""
    with tickets as ({tickets_at(EVENING, f"where created_date <= {D}")}),
    judged as (select *, {STATE.format(EVENING)} as state from tickets)
"""


def test_state_speed_and_tier_of_tickets(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        {JUDGED}
        select ticket_id, hours, target, state, hours / target, case when done is null then 'unresolved'
                when hours / target <= 0.5 then 'fast' when hours / target <= 1 then 'on_time'
                when hours / target <= 1.5 then 'slow' when hours / target > 1.5 then 'critical_breach' end,
            rating, case when rating >= 4 then 'satisfied' when rating >= 3 then 'neutral'
                when rating is not null then 'dissatisfied' else 'no_rating' end
        from judged
        """,
        "select ticket_id, resolution_hours, sla_target_hours, sla_state, sla_ratio, resolution_speed, satisfaction_score, "
        "csat_tier from fact.tickets",
    )


ANSWERED = f"""
    with tickets as (
        select *, case priority::varchar when 'p1' then 1 when 'p2' then 4 when 'p3' then 8 when 'p4' then 24 end as target,
            if(first_response_at < {EVENING} and first_response_at >= created_at,
                date_diff('microsecond', created_at, first_response_at) / 3.6e9, null) as answer_hours,
            coalesce(resolved_at < {EVENING}, false) as is_done
        from staged.support_tickets where created_date <= {D}
    ), stated as (
        select *, case when answer_hours <= target then 'met' when answer_hours > target then 'breached'
            when is_done or first_response_at < created_at or target is null then 'unknown'
            when created_at + to_hours(target) <= {EVENING} then 'breached' else 'pending' end as answer_state
        from tickets
    )
"""


def test_state_of_first_responses(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"{ANSWERED} select ticket_id, answer_hours, target, answer_state from stated",
        "select ticket_id, first_response_hours, first_response_target_hours, first_response_state from fact.tickets",
    )


def test_first_responses_of_months_by_account_owner(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""{ANSWERED}
        select date_trunc('month', created_date)::date, coalesce(account_owner, 'unknown'),
            count(*) filter (answer_state = 'met'), count(*) filter (answer_state = 'breached'),
            100.0 * count(*) filter (answer_state = 'met')
                / nullif(count(*) filter (answer_state in ('met', 'breached')), 0), median(answer_hours)
        from stated join staged.accounts using (account_id) group by all
        """,
        """select month, dimension_value, first_response_met_count, first_response_breached_count,
            first_response_adherence_pct, median_first_response_hours
        from mart.sla_adherence where dimension_type = 'account_owner' and ticket_count > 0""",
    )


def test_adherence_and_satisfaction_of_months(whole_company: WholeCompany) -> None:
    parts = {
        "all": "'all'",
        "priority": "coalesce(priority::varchar, 'unknown')",
        "category": "coalesce(category, 'unknown')",
        "account_owner": "coalesce((select account_owner from dim.account as a where a.account_id = judged.account_id), 'unknown')",
        "segment": "coalesce((select segment::varchar from dim.account as a where a.account_id = judged.account_id), 'unknown')",
    }
    split = " union all ".join(
        f"select *, '{name}' as split, {part} as part from judged" for name, part in parts.items()
    )
    agree(
        whole_company,
        f"""
        {JUDGED}, split as ({split}),
        opened as (
            select date_trunc('month', created_date)::date as month, split, part, count(*) as n,
                count(*) filter (state = 'met') as met, count(*) filter (state = 'breached') as breached,
                count(*) filter (state = 'pending') as pending, count(*) filter (state = 'unknown') as unknown,
                count(rating) as rated, count(*) filter (rating >= 4) as satisfied
            from split group by 1, 2, 3),
        timed as (
            select date_trunc('month', done)::date as month, split, part, avg(hours) as mean, median(hours) as middle,
                quantile_cont(hours, 0.9) as p90
            from split where hours is not null group by 1, 2, 3)
        select month, split, part, coalesce(n, 0), coalesce(met, 0), coalesce(breached, 0), coalesce(pending, 0),
            coalesce(unknown, 0), 100.0 * met / nullif(met + breached, 0), mean, middle, p90, coalesce(rated, 0),
            100.0 * satisfied / nullif(rated, 0), rated / nullif(n, 0)
        from opened full join timed using (month, split, part)
        """,
        "select month, dimension_type, dimension_value, ticket_count, met_count, breached_count, pending_count, unknown_count, "
        "sla_adherence_pct, mean_resolution_hours, median_resolution_hours, p90_resolution_hours, rated_count, csat_pct, "
        "response_rate from mart.sla_adherence",
    )


def test_support_of_segments(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        {JUDGED}, active as (select account_id, segment from dim.account where is_active),
        recent as (select *, escalated_at < {EVENING} or (is_escalated and escalated_at is null) as escalated
                   from judged where created_date > {D} - 30),
        speeds as (select segment, avg(hours) as mean from judged join active using (account_id)
                   where done::date > {D} - 30 group by all)
        select segment, count(ticket_id) / count(distinct account_id), count(done) / nullif(count(ticket_id), 0),
            count(*) filter (escalated), count(distinct account_id) filter (escalated),
            100.0 * count(distinct account_id) filter (escalated) / count(distinct account_id),
            case when any_value(mean) <= 4 then 'excellent' when any_value(mean) <= 8 then 'good'
                when any_value(mean) <= 24 then 'acceptable' when any_value(mean) > 24 then 'needs_improvement' end
        from active left join recent using (account_id) left join speeds using (segment) group by segment
        """,
        "select segment, tickets_per_account_30d, resolution_rate_30d, escalated_ticket_count_30d, escalated_account_count, "
        "escalated_account_pct, sla_status from mart.support_performance",
    )


def test_tickets_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        {JUDGED}
        select account_id, count(ticket_id) filter (created_date > {D} - 30),
            count(ticket_id) filter (created_date > {D} - 60), count(ticket_id) filter (created_date > {D} - 90),
            avg((done is not null)::int) filter (created_date > {D} - 30),
            avg(hours) filter (done::date > {D} - 30),
            count(*) filter (created_date > {D} - 30 and (is_escalated or escalated_at < {EVENING})),
            count(*) filter (created_date > {D} - 30 and (is_escalated or escalated_at < {EVENING})) > 0
        from mart.churn_risk left join judged using (account_id) group by all
        """,
        "select account_id, ticket_count_30d, ticket_count_60d, ticket_count_90d, resolution_rate_30d, "
        "mean_resolution_hours_30d, escalated_ticket_count_30d, has_escalated_ticket_30d from mart.customer_success",
    )


def test_frequency_of_tickets(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        select account_id, count(ticket_id), count(ticket_id) / 3, count(ticket_id) >= 2
        from staged.accounts left join (select * from staged.support_tickets where created_date between {D} - 89 and {D})
        using (account_id) where signup_date <= {D} group by all
        """,
        "select account_id, ticket_count_90d, tickets_per_month_90d, is_multi_ticket_account from mart.support_frequency",
    )


def test_support_of_accounts_by_day(whole_company: WholeCompany) -> None:
    evening = "(day + 1)::timestamp"
    agree(
        whole_company,
        f"""
        with tickets as ({tickets_at(evening, f"join {DAYS} on created_date <= day")}),
        judged as (select *, {STATE.format(evening)} as state, created_date > day - 90 as is_recent from tickets)
        select account_id, day, count(ticket_id) filter (created_date > day - 30), count(ticket_id) filter (is_recent),
            count(*) filter (is_recent and escalated_at < {evening}), avg(rating) filter (is_recent),
            100.0 * count(*) filter (is_recent and state = 'met')
                / nullif(count(*) filter (is_recent and state in ('met', 'breached')), 0),
            count(*) filter (ticket_id is not null and done is null), count(ticket_id),
            count(*) filter (escalated_at < {evening}), avg(rating)
        from (select account_id, day from staged.accounts join {DAYS} on signup_date <= day)
            left join judged using (account_id, day) group by all
        """,
        f"""select account_id, as_of_date, ticket_count_30d, ticket_count_90d, escalated_ticket_count_90d, mean_csat_90d,
            sla_adherence_pct_90d, open_ticket_count, ticket_count_to_date, escalated_ticket_count_to_date, mean_csat_to_date
            from fact.account_support_daily where as_of_date in (from {DAYS})""",
    )


def test_hours_and_states_inside_business_hours(whole_company: WholeCompany) -> None:
    # 9:00 to 17:00 UTC from Monday to Friday: the part of each such day that lies between the opening and the resolution
    agree(
        whole_company,
        f"""
        {JUDGED}, days as (
            select day::timestamp as day from generate_series(date '2020-01-01', {D} + 60, interval 1 day) as days(day)
            where isodow(day) < 6
        ), spent as (
            select ticket_id, hours, target, done, created_at, coalesce(sum(greatest(0, date_diff('microsecond',
                greatest(created_at, day + interval 9 hour), least(coalesce(done, {EVENING}), day + interval 17 hour))))
                filter (day is not null), 0) / 3.6e9 as inside
            from judged left join days
              on day + interval 17 hour > created_at and day + interval 9 hour < coalesce(done, {EVENING}) group by all
        )
        select ticket_id, if(hours is null, null, inside),
            case when hours is not null and target is not null then if(inside <= target, 'met', 'breached')
                when done is not null or target is null then 'unknown' when inside >= target then 'breached' else 'pending' end
        from spent
        """,
        "select ticket_id, business_resolution_hours, business_sla_state from fact.tickets",
    )
