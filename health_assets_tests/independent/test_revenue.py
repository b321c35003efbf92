"""Accounts and recurring revenue a second time: plain SQL over the staged tables, from the definitions of the metrics."""

from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import PAID, agree

D = f"date '{END}'"
MONTHS = f"""
    measured as (
        select month::date as month, least(last_day(month::date), {D}) as day
        from generate_series((select date_trunc('month', min(start_date)) from {PAID}), {D}, interval 1 month) as s(month)
    ),
    paying as (
        select account_id, month, sum(mrr_amount) as mrr from {PAID} join measured
            on start_date <= day and (end_date is null or end_date > day)
        group by all
    ),
    spine as (
        select account_id, m.month, coalesce(mrr, 0) as mrr
        from (select account_id, min(month) as first from paying group by all)
        join measured as m on m.month >= first left join paying using (account_id, month)
    ),
    moves as (
        select *, case
            when previous is null then 'new'
            when mrr > 0 and previous = 0 then 'reactivation'
            when mrr = 0 and previous > 0 then 'churn'
            when mrr = 0 then 'inactive'
            when mrr > previous then 'expansion'
            when mrr < previous then 'contraction'
            else 'retained' end as movement
        from (select *, lag(mrr) over (partition by account_id order by month) as previous from spine)
    )
"""


def test_status_segment_stage_and_tier_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with paid as (
            select account_id, sum(mrr_amount) filter (end_date is null or end_date > {D}) as mrr, max(end_date) as ended
            from {PAID} where start_date <= {D} group by all
        ),
        known as (
            select a.*, coalesce(mrr, 0) as mrr, ended, {D} - signup_date as tenure, case when mrr > 0 then 'active'
                when paid.account_id is not null then 'churned' else status::varchar end as stands
            from staged.accounts as a left join paid using (account_id) where signup_date <= {D}
        )
        select account_id, stands, stands = 'active', mrr, 12 * mrr, case when stands = 'churned' then ended end,
            case when plan_tier = 'enterprise' or employee_count > 500 then 'enterprise'
                when plan_tier = 'growth' or employee_count > 50 then 'mid_market' else 'smb' end,
            case when stands in ('trial', 'churned') then stands when tenure <= 90 then 'onboarding'
                when tenure <= 365 then 'growing' else 'mature' end,
            case when mrr >= 1000 then 'strategic' when mrr >= 500 then 'key' when mrr >= 100 then 'standard'
                else 'basic' end
        from known
        """,
        "select account_id, account_status, is_active, mrr, arr, churn_date, segment, lifecycle_stage, value_tier "
        "from dim.account",
    )


def test_movements_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}
        select account_id, month, mrr, coalesce(previous, 0), movement,
            case when movement = 'new' then mrr else 0 end, case when movement = 'reactivation' then mrr else 0 end,
            case when movement = 'expansion' then mrr - previous else 0 end,
            case when movement = 'contraction' then previous - mrr else 0 end,
            case when movement = 'churn' then previous else 0 end
        from moves
        """,
        "select account_id, month, mrr, previous_mrr, movement, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, "
        "churned_mrr from fact.revenue_monthly",
    )


def test_retention_of_months_and_of_twelve_months(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}, flows as (
            select month, coalesce(sum(previous), 0) as starting, sum(mrr) as ending,
                coalesce(sum(mrr) filter (movement = 'new'), 0) as new,
                coalesce(sum(mrr) filter (movement = 'reactivation'), 0) as back,
                coalesce(sum(mrr - previous) filter (movement = 'expansion'), 0) as grown,
                coalesce(sum(previous - mrr) filter (movement = 'contraction'), 0) as shrunk,
                coalesce(sum(previous) filter (movement = 'churn'), 0) as lost,
                count(*) filter (movement = 'churn') as churned, count(*) filter (mrr > 0) as paying,
                count(*) filter (previous > 0) as paying_before
            from moves group by all
        ),
        years as (
            select now.month, 100 * sum(now.mrr) / sum(ago.mrr) as nrr,
                100 * sum(least(now.mrr, ago.mrr)) / sum(ago.mrr) as grr,
                100.0 * count(*) filter (now.mrr = 0) / count(*) as logo_churn
            from spine as ago join spine as now
                on ago.account_id = now.account_id and now.month = ago.month + interval 1 year
            where ago.mrr > 0 group by all
        )
        select month, starting, new, back, grown, shrunk, lost, ending, 12 * ending,
            100 * (starting + grown - shrunk - lost) / nullif(starting, 0),
            100 * (starting - shrunk - lost) / nullif(starting, 0),
            100 * (starting + grown + back - shrunk - lost) / nullif(starting, 0),
            (new + grown + back) / nullif(shrunk + lost, 0), paying, churned,
            100.0 * churned / nullif(paying_before, 0), nrr, grr, logo_churn
        from flows left join years using (month)
        """,
        "select month, starting_mrr, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churned_mrr, ending_mrr, arr, "
        "nrr_pct, grr_pct, nrr_incl_reactivation_pct, quick_ratio, paying_account_count, churned_account_count, "
        "logo_churn_pct, trailing_12m_nrr_pct, trailing_12m_grr_pct, trailing_12m_logo_churn_pct "
        "from mart.net_revenue_retention",
    )


def test_retention_of_twelve_months_by_segment(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}
        select segment, 100 * sum(now.mrr) / sum(ago.mrr), 100 * sum(least(now.mrr, ago.mrr)) / sum(ago.mrr)
        from spine as ago join spine as now on ago.account_id = now.account_id and now.month = ago.month + interval 1 year
        join dim.account as a on a.account_id = now.account_id
        where ago.mrr > 0 and now.month = date_trunc('month', {D}) group by all
        """,
        "select segment, trailing_12m_nrr_pct, trailing_12m_grr_pct from mart.executive_summary_segments "
        "where trailing_12m_nrr_pct is not null",
    )


def test_revenue_cohorts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}, cohorts as (select account_id, month as cohort, mrr as first_mrr from moves where movement = 'new'),
        sizes as (select cohort, count(*) as size, sum(first_mrr) as size_mrr from cohorts group by all)
        select cohort, date_diff('month', cohort, month), size, size_mrr, count(*) filter (mrr > 0), sum(mrr),
            100.0 * count(*) filter (mrr > 0) / size, 100 * sum(mrr) / size_mrr
        from cohorts join spine using (account_id) join sizes using (cohort) group by cohort, month, size, size_mrr
        """,
        "select cohort_month, month_offset, cohort_account_count, cohort_mrr, active_account_count, mrr, "
        "account_retention_pct, revenue_retention_pct from mart.revenue_cohorts",
    )


def test_monthly_rate_of_lifetime_value_and_its_segments(whole_company: WholeCompany) -> None:
    value = f"""
        value as (
            select account_id, coalesce((select sum(amount) from staged.invoices as i where i.account_id = a.account_id
                and is_paid and invoice_date <= {D} and coalesce(paid_date, invoice_date) <= {D}), 0) as value,
                datesub('month', (select min(start_date) from {PAID} as s
                    where s.account_id = a.account_id and start_date <= {D}), {D}) as months
            from staged.accounts as a where signup_date <= {D}
        )
    """
    agree(
        whole_company,
        f"with {value} select account_id, value / nullif(months, 0) from value",
        "select account_id, monthly_clv_rate from mart.customer_lifetime_value",
    )
    agree(
        whole_company,
        f"""
        with {value}, {MONTHS}, grown as (
            select account_id, sum(mrr - previous) filter (movement in ('expansion', 'contraction')) as grown
            from moves group by all
        )
        select case when value >= 100000 then 'high' when value >= 50000 then 'medium' when value >= 20000 then 'low'
            else 'entry' end, count(*), avg(months), avg(spine.mrr), sum(value), avg(value), sum(value) / sum(months),
            sum(coalesce(grown, 0)), avg(health_score)
        from value join spine using (account_id) left join grown using (account_id)
        left join mart.customer_health using (account_id)
        where months >= 6 and spine.mrr > 0 and month = date_trunc('month', {D}) group by 1
        """,
        "select clv_segment, account_count, mean_tenure_months, mean_mrr, lifetime_value, mean_lifetime_value, "
        "monthly_clv_rate, net_expansion, mean_health_score from mart.clv_segments",
    )


def test_products(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        select coalesce(s.product_name, 'unknown'), coalesce(s.plan_tier, 'unknown'), count(paid.account_id),
            count(distinct paid.account_id), coalesce(sum(paid.mrr_amount), 0), median(paid.mrr_amount)
        from staged.subscriptions as s left join {PAID} as paid on paid.subscription_id = s.subscription_id
            and paid.start_date <= {D} and coalesce(paid.end_date > {D}, true)
        where s.start_date <= {D} group by 1, 2
        """,
        "select product_name, plan_tier, active_subscription_count, active_account_count, mrr, median_mrr from dim.product",
    )


def test_payment_and_contract_of_accounts_by_day(whole_company: WholeCompany) -> None:
    """On the as-of day and on days of months written before it."""
    mrr_on = f"""(select coalesce(sum(mrr_amount), 0) from {PAID} as s where s.account_id = a.account_id
        and start_date <= {{0}} and coalesce(end_date > {{0}}, true))"""
    agree(
        whole_company,
        f"""
        with {MONTHS}, days as (select unnest([{D}, {D} - 17, {D} - 48, {D} - 200]) as day),
        due as (select * from staged.invoices where amount > 0 and status is distinct from 'void')
        select account_id, day, {mrr_on.format("day")},
            {mrr_on.format("day")} / nullif({mrr_on.format("day - 90")}, 0) - 1,
            (select count(*) from moves as m where m.account_id = a.account_id and movement = 'contraction'
                and month between date_trunc('month', day) - interval 5 month and date_trunc('month', day) - interval 1 day)
                + ({mrr_on.format("day")} > 0 and {mrr_on.format("day")} < {mrr_on.format("last_day(day - interval 1 month)")})::int,
            (select count(*) from due as i where i.account_id = a.account_id and invoice_date <= day and due_date < day
                and (paid_date > day or (paid_date is null and status is distinct from 'paid'))),
            (select coalesce(sum(amount), 0) from due as i where i.account_id = a.account_id and invoice_date <= day
                and due_date < day and (paid_date > day or (paid_date is null and status is distinct from 'paid'))),
            (select count(*) from due as i where i.account_id = a.account_id and invoice_date <= day
                and paid_date > due_date and paid_date between day - 89 and day),
            (select min(renewal_date) - day from {PAID} as s where s.account_id = a.account_id
                and start_date <= day and coalesce(end_date > day, true) and renewal_date >= day)
        from staged.accounts as a join days on signup_date <= day
        """,
        f"""select account_id, as_of_date, mrr, mrr_change_ratio_90d, contraction_month_count_6m, overdue_invoice_count,
            overdue_amount, late_paid_invoice_count_90d, days_to_renewal from fact.account_revenue_daily
            where as_of_date in ({D}, {D} - 17, {D} - 48, {D} - 200)""",
    )


def test_families_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}, children as (
            select account_id, parent_account_id as parent from staged.accounts
            where parent_account_id is not null and signup_date <= {D}
        ),
        families as (
            from children union all select distinct parent, parent from children
            where parent not in (select account_id from children)
        ),
        paid as (
            select parent, month, sum(mrr) as paid, count(*) filter (mrr > 0) as payers,
                sum(mrr * health_score) / nullif(sum(mrr) filter (health_score is not null), 0) as health
            from families join spine using (account_id) left join mart.customer_health_daily as h
                on h.account_id = families.account_id and as_of_date = least(last_day(month), {D})
            group by all
        )
        select parent, month, paid, payers, health, case when before is null then 'new'
                when paid > 0 and before = 0 then 'reactivation' when paid = 0 and before > 0 then 'churn'
                when paid = 0 then 'inactive' when paid > before then 'expansion' when paid < before then 'contraction'
                else 'retained' end,
            if(paid > 0 and paid < before, before - paid, 0), if(paid = 0 and before > 0, before, 0)
        from (select *, lag(paid) over (partition by parent order by month) as before from paid)
        """,
        "select account_id, month, mrr, paying_account_count, mean_health_score, movement, contraction_mrr, churned_mrr "
        "from mart.parent_accounts",
    )
