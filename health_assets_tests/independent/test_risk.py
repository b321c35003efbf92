"""Churn risk, priorities, success and interventions a second time: SQL from the metric book.

Signals of a day are taken from the facts by account and day, which the other files here hold against the staged tables.
"""

from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import MEASURED, agree, changes_of_health

D = f"date '{END}'"
FACTORS = f"""
    signals as (
        select * from mart.customer_health
        full join (select account_id, account_status from dim.account) using (account_id)
        left join (select * exclude (mrr, account_status) from fact.account_revenue_daily where as_of_date = {D})
            using (account_id)
        left join (from fact.account_usage_daily where as_of_date = {D}) using (account_id)
        left join (from fact.account_adoption_daily where as_of_date = {D}) using (account_id)
        left join (from fact.account_support_daily where as_of_date = {D}) using (account_id)
        left join (from fact.account_satisfaction_daily where as_of_date = {D}) using (account_id)
        left join (from fact.account_security_daily where as_of_date = {D}) using (account_id)
        left join (from fact.account_commerce_daily where as_of_date = {D}) using (account_id)
        where account_status in ('active', 'trial', 'suspended')
    ),
    trouble as (
        select *, coalesce(overdue_invoice_count + past_due_payment_count, overdue_invoice_count, past_due_payment_count)
                as unpaid,
            coalesce(late_paid_invoice_count_90d + late_paid_payment_count_90d, late_paid_invoice_count_90d,
                late_paid_payment_count_90d) as paid_late,
            coalesce(feature_adoption_rate, feature_breadth_30d) as adoption
        from signals
    ),
    factors as (
        select account_id, unnest([
            {{'f': 'declining_health', 'p': 20, 'r': trend_30d < -10, 'v': trend_30d}},
            {{'f': 'usage_halved', 'p': 20,
                'r': case when event_count_previous_30d >= 10 then event_count_30d < 0.5 * event_count_previous_30d end,
                'v': event_count_30d / nullif(event_count_previous_30d, 0)}},
            {{'f': 'low_engagement', 'p': 20, 'r': days_since_last_login > 14, 'v': days_since_last_login}},
            {{'f': 'revenue_contraction', 'p': 15, 'r': contraction_month_count_6m >= 2, 'v': contraction_month_count_6m}},
            {{'f': 'payment_trouble', 'p': 15,
                'r': coalesce(unpaid >= 1 or paid_late >= 2, unpaid >= 1, paid_late >= 2),
                'v': if(unpaid >= 1, unpaid, paid_late)}},
            {{'f': 'escalations', 'p': 15, 'r': escalated_ticket_count_90d >= 2, 'v': escalated_ticket_count_90d}},
            {{'f': 'renewal_near', 'p': 15, 'r': days_to_renewal <= 90 and health_score < 60, 'v': days_to_renewal}},
            {{'f': 'low_satisfaction', 'p': 15,
                'r': coalesce(mean_csat_90d < 3 or nps_rating <= 6, mean_csat_90d < 3, nps_rating <= 6),
                'v': if(mean_csat_90d < 3, mean_csat_90d, nps_rating)}},
            {{'f': 'high_support_volume', 'p': 10, 'r': ticket_count_30d > 5, 'v': ticket_count_30d}},
            {{'f': 'low_adoption', 'p': 10, 'r': adoption < 0.3, 'v': adoption}},
            {{'f': 'low_activation', 'p': 10, 'r': user_activation_rate < 0.5, 'v': user_activation_rate}},
            {{'f': 'critical_incidents', 'p': 10, 'r': critical_incident_count_90d >= 1,
                'v': critical_incident_count_90d}},
            {{'f': 'suspended', 'p': 40, 'r': is_suspended, 'v': is_suspended::int}}
        ], recursive := true)
        from trouble
    )
"""


def test_factors_with_their_points_and_values(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"with {FACTORS} select account_id, f, p, v from factors where r",
        "select account_id, unnest(factors).factor, unnest(factors).points, unnest(factors).value from mart.churn_risk",
    )


def test_score_level_and_watch_list(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {FACTORS}, summed as (
            select account_id, coalesce(sum(p) filter (r), 0) as points, sum(p) filter (r is not null) / sum(p) as measured
            from factors group by all
        ),
        scored as (select *, case when measured >= 0.5 then least(100, points) end as score from summed)
        select account_id, measured, score, case when score >= 85 then 'critical' when score >= 70 then 'high'
            when score >= 40 then 'medium' when score is not null then 'low' else 'unknown' end, score >= 60
        from scored
        """,
        "select account_id, coverage, churn_risk_score, risk_level, is_on_watch_list from mart.churn_risk",
    )


def test_accounts_and_revenue_of_bands_and_churn_segments(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        """
        select coalesce(health_band, 'unknown'), case when risk_level in ('high', 'critical') then 'high'
                else coalesce(risk_level::varchar, 'unknown') end,
            count(*), sum(a.mrr), 100.0 * count(*) / sum(count(*)) over (), 100 * sum(a.mrr) / sum(sum(a.mrr)) over (),
            avg(health_score), avg(churn_risk_score)
        from dim.account as a left join mart.customer_health using (account_id) left join mart.churn_risk using (account_id)
        where is_active group by 1, 2
        """,
        "select health_band, churn_segment, account_count, mrr, account_pct, mrr_pct, mean_health_score, "
        "mean_churn_risk_score from mart.health_segments",
    )


def test_trend_and_order_of_attention(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with now as (from mart.customer_health_daily where as_of_date = {D})
        select account_id, change, row_number() over (order by now.health_score nulls last, mrr desc, account_id)
        from now join dim.account using (account_id)
            left join {changes_of_health(30, f"one.as_of_date = {D} - 30")} as changes using (account_id)
        """,
        "select account_id, trend_30d, intervention_priority from mart.customer_health",
    )


def test_contributions_to_health_of_every_day(whole_company: WholeCompany) -> None:
    weights = {
        "usage": 0.30, "adoption": 0.15, "support": 0.20, "revenue": 0.25, "satisfaction": 0.10, "commerce": 0.55,
        "security": 0.20, "operations": 0.20, "relationship": 0.10,
    }  # fmt: skip
    present = " + ".join(f"if({name}_score is null, 0, {weight})" for name, weight in weights.items())
    contributed = ", ".join(f"{weight} * {name}_score / nullif({present}, 0)" for name, weight in weights.items())
    total = " + ".join(f"coalesce({weight} * {name}_score, 0)" for name, weight in weights.items())
    agree(
        whole_company,
        f"""
        select account_id, as_of_date, ({total}) / ({present}), {contributed}
        from mart.customer_health_daily where coverage >= 0.5
            and ({MEASURED}) >= 2
        """,
        f"""select account_id, as_of_date, health_score, {", ".join(f"{name}_contribution" for name in weights)}
            from mart.customer_health_daily where health_score is not null""",
    )


def test_composite_success(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        """
        with devices as (
            select account_id, avg(health_score) as devices from mart.device_health where is_active group by all
        ),
        users as (
            select account_id, avg(engagement_score) as engagement from fact.user_engagement where is_active group by all
        )
        select account_id,
            (coalesce(0.5 * health_score, 0) + coalesce(0.3 * engagement, 0) + coalesce(0.2 * devices, 0)) / nullif(
                if(health_score is null, 0, 0.5) + if(engagement is null, 0, 0.3) + if(devices is null, 0, 0.2), 0)
        from mart.churn_risk left join mart.customer_health using (account_id) left join users using (account_id)
            left join devices using (account_id)
        """,
        "select account_id, composite_success_score from mart.customer_success",
    )


def test_room_to_grow(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with escalations as (
            select account_id, count(*) as open from staged.support_tickets
            where created_date <= {D} and (escalated_at < {D} + 1 or is_escalated)
                and coalesce(resolved_at >= {D} + 1, status not in ('resolved', 'closed')) group by all
        )
        select a.account_id, coalesce(open, 0), health_score >= 80 and license_utilization >= 0.8
            and lifecycle_stage <> 'onboarding' and coalesce(open, 0) = 0
        from dim.account as a left join escalations using (account_id) left join mart.customer_health using (account_id)
            left join (from fact.account_adoption_daily where as_of_date = {D}) using (account_id)
        """,
        "select account_id, open_escalated_ticket_count, is_expansion_opportunity from mart.customer_journey",
    )


CHOSEN = "one.as_of_date in (select occurred_date from staged.touchpoints)"


def test_effect_of_interventions(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with touched as (
            select account_id, occurred_date as day, count(*) as touches from staged.touchpoints
            where occurred_date <= {D} group by all
        ),
        changes as (
            select d.account_id, d.as_of_date as day, d.health_band as band, d.health_score as score,
                changes.change
            from mart.customer_health_daily as d left join {changes_of_health(30, CHOSEN)} as changes
                on changes.account_id = d.account_id and changes.day = d.as_of_date
        ),
        alone as (
            select day, band, count(*) as accounts, avg(change) as change from changes as c
            where change is not null and day in (select day from touched) and not exists (
                from touched as t where t.account_id = c.account_id and t.day between c.day and c.day + 30
            ) group by all
        )
        select account_id, day, touches, score, band, c.change, coalesce(accounts, 0), alone.change,
            c.change - alone.change
        from touched left join changes as c using (account_id, day) left join alone using (day, band)
        """,
        "select account_id, intervention_date, touchpoint_count, health_score, health_band, health_change_30d, "
        "untouched_account_count, untouched_change_30d, effect_30d from mart.intervention_effect",
    )
