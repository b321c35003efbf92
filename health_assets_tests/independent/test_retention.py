"""Retention by period and group, churned accounts, renewals and invoices a second time: plain SQL over the staged tables."""

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import PAID, agree
from health_assets_tests.independent.test_revenue import MONTHS, D


def ends(period: str) -> str:
    """MRR of each account at the end of each quarter or year, and at the end of the one before."""
    return f"""
        {MONTHS}, last_months as (
            select account_id, date_trunc('{period}', month)::date as start, max(month) as month from spine group by all
        ),
        ends as (
            select account_id, start, mrr, coalesce(lag(mrr) over w, 0) as before,
                coalesce(max(mrr) over (w rows between unbounded preceding and 1 preceding), 0) as ever
            from last_months join spine using (account_id, month) window w as (partition by account_id order by start)
        )
    """


GROUPS = "(select account_id, segment, account_owner from dim.account)"
FLOWS = """
    sum(before), coalesce(sum(mrr) filter (before = 0 and ever = 0), 0), coalesce(sum(mrr) filter (before = 0 and ever > 0), 0),
    coalesce(sum(mrr - before) filter (before > 0 and mrr > before), 0),
    coalesce(sum(before - mrr) filter (mrr > 0 and mrr < before), 0), coalesce(sum(before) filter (mrr = 0), 0), sum(mrr),
    100 * sum(mrr) filter (before > 0) / nullif(sum(before), 0),
    100 * sum(least(mrr, before)) filter (before > 0) / nullif(sum(before), 0),
    100.0 * count(*) filter (before > 0 and mrr = 0) / nullif(count(*) filter (before > 0), 0)
"""
FLOW_COLUMNS = """starting_mrr, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, churned_mrr, ending_mrr, nrr_pct,
    grr_pct, logo_churn_pct"""


def test_quarters_by_segment(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"with {ends('quarter')} select start, segment, {FLOWS} from ends join {GROUPS} using (account_id) group by all",
        f"select period_start, dimension_value, {FLOW_COLUMNS} from mart.revenue_retention_by "
        "where period_type = 'quarter' and dimension_type = 'segment'",
    )


def test_years_by_owner_and_in_total(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""with {ends("year")}
        select start, coalesce(account_owner, 'unknown'), {FLOWS} from ends join {GROUPS} using (account_id) group by all
        union all select start, 'all', {FLOWS} from ends group by all""",
        f"select period_start, dimension_value, {FLOW_COLUMNS} from mart.revenue_retention_by "
        "where period_type = 'year' and dimension_type in ('owner', 'all')",
    )


def test_months_by_product(whole_company: WholeCompany) -> None:
    """A change of one product of an account that pays at both ends is expansion or contraction."""
    agree(
        whole_company,
        f"""
        with {MONTHS}, products as (
            select account_id, coalesce(product_name, 'unknown') as product, month, sum(mrr_amount) as mrr from {PAID}
            join measured on start_date <= day and (end_date is null or end_date > day) group by all
        ),
        panel as (
            select account_id, product, m.month, coalesce(p.mrr, 0) as mrr, m.movement
            from moves as m join (select distinct account_id, product from products) using (account_id)
            left join products as p using (account_id, product, month)
        ),
        changes as (
            select *, coalesce(lag(mrr) over (partition by account_id, product order by month), 0) as before,
                max(mrr) over (partition by account_id, product order by month) as ever from panel
        )
        select month, product, sum(before), sum(if(movement = 'new', mrr, 0)), sum(if(movement = 'reactivation', mrr, 0)),
            sum(if(movement in ('expansion', 'contraction', 'retained'), greatest(mrr - before, 0), 0)),
            sum(if(movement in ('expansion', 'contraction', 'retained'), greatest(before - mrr, 0), 0)),
            sum(if(movement = 'churn', before, 0)), sum(mrr)
        from changes where ever > 0 group by all
        """,
        "select period_start, dimension_value, starting_mrr, new_mrr, reactivation_mrr, expansion_mrr, contraction_mrr, "
        "churned_mrr, ending_mrr from mart.revenue_retention_by where period_type = 'month' and dimension_type = 'product'",
    )


def test_churned_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with left_on as (
            select account_id, max(end_date) as churned from {PAID} where start_date <= {D} group by all
            having bool_and(coalesce(end_date <= {D}, false))
        )
        select l.account_id, churned,
            (select sum(mrr_amount) from {PAID} as s where s.account_id = l.account_id and start_date <= churned - 1
                and end_date > churned - 1),
            (select health_score from mart.customer_health_daily as h where h.account_id = l.account_id
                and as_of_date = churned - 30),
            (select arg_max(health_band, as_of_date) from mart.customer_health_daily as h where h.account_id = l.account_id
                and as_of_date < churned and health_score is not null)
        from left_on as l join dim.account using (account_id)
        """,
        "select account_id, churn_date, mrr_lost, health_score_30d_before, last_health_band from mart.churned_accounts",
    )


def test_expected_revenue_of_renewals(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}, kept as (
            select sum(least(now.mrr, ago.mrr)) / sum(ago.mrr) as rate from spine as ago join spine as now
                on ago.account_id = now.account_id and now.month = ago.month + interval 1 year
            where ago.mrr > 0 and now.month = date_trunc('month', {D})
        )
        select date_trunc('month', renewal_date)::date, count(*), sum(mrr_amount), round(sum(round(mrr_amount * round(rate, 6), 2)), 2)
        from {PAID}, kept where start_date <= {D} and coalesce(end_date > {D}, true)
            and renewal_date between {D} and {D} + 365 group by all
        """,
        "select renewal_month, count(*), sum(renewing_mrr), round(sum(expected_mrr), 2) from mart.renewal_forecast group by all",
    )


def test_days_to_the_first_event_and_the_first_payment(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        select account_id, signup_date,
            if(used < signup_date, 0, used - signup_date), if(paid < signup_date, 0, paid - signup_date)
        from staged.accounts
        left join (select account_id, min(event_date) as used from staged.usage_events where event_date <= {D} group by all)
            using (account_id)
        left join (select account_id, min(start_date) as paid from {PAID} where start_date <= {D} group by all)
            using (account_id)
        where signup_date <= {D}
        """,
        "select account_id, signup_date, days_to_first_event, days_to_first_payment from mart.time_to_first_value",
    )


def test_invoices_that_are_overdue_and_what_was_collected(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        select invoice_id, coalesce(paid_date <= {D}, false),
            amount > 0 and status is distinct from 'void' and due_date < {D} and coalesce(paid_date > {D}, true),
            case when paid_date <= {D} then amount else 0 end,
            case when amount > 0 and status is distinct from 'void'
                then greatest(least(coalesce(paid_date, {D}), {D}) - due_date, 0) else 0 end
        from staged.invoices where invoice_date <= {D}
        """,
        "select invoice_id, is_paid, is_overdue, collected_amount, days_late from fact.invoices",
    )
