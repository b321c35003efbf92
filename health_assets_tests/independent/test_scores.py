"""Scores, risk and renewals a second time, in SQL written from the metric book."""

from typing import Any

import pytest

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import PAID

STANDARD = """
with day as (select max(as_of_date) as as_of from mart.customer_health),
measures as (
    select account_id, unnest([
        {'part': 'usage', 'part_weight': 0.30, 'weight': 0.4, 'value': usage_change_ratio, 'worst': -0.6, 'best': 0.1},
        {'part': 'usage', 'part_weight': 0.30, 'weight': 0.3, 'value': days_since_last_login, 'worst': 30, 'best': 2},
        {'part': 'usage', 'part_weight': 0.30, 'weight': 0.3, 'value': active_day_count_30d, 'worst': 0, 'best': 15},
        {'part': 'adoption', 'part_weight': 0.15, 'weight': 0.6, 'value': feature_breadth_30d, 'worst': 0, 'best': 0.8},
        {'part': 'adoption', 'part_weight': 0.15, 'weight': 0.4, 'value': license_utilization, 'worst': 0.2, 'best': 0.9},
        {'part': 'support', 'part_weight': 0.20, 'weight': 0.4, 'value': sla_adherence_pct_90d, 'worst': 50, 'best': 95},
        {'part': 'support', 'part_weight': 0.20, 'weight': 0.3, 'value': mean_csat_90d, 'worst': 2, 'best': 4.5},
        {'part': 'support', 'part_weight': 0.20, 'weight': 0.3, 'value': escalated_ticket_count_90d, 'worst': 3, 'best': 0},
        {'part': 'revenue', 'part_weight': 0.25, 'weight': 0.5, 'value': mrr_change_ratio_90d, 'worst': -0.3, 'best': 0.05},
        {'part': 'revenue', 'part_weight': 0.25, 'weight': 0.5, 'value': overdue_invoice_count, 'worst': 2, 'best': 0},
        {'part': 'satisfaction', 'part_weight': 0.10, 'weight': 1.0, 'value': nps_rating, 'worst': 2, 'best': 9}
    ], recursive := true)
    from fact.account_revenue_daily as revenue
    left join fact.account_usage_daily as usage using (account_id, as_of_date)
    left join fact.account_adoption_daily as adoption using (account_id, as_of_date)
    left join fact.account_support_daily as support using (account_id, as_of_date)
    left join fact.account_satisfaction_daily as satisfaction using (account_id, as_of_date)
    join day on as_of_date = as_of
),
parts as (
    select account_id, part, any_value(part_weight) as part_weight, sum(part_weight * weight) as measured,
           sum(weight * greatest(0, least(100, 100 * (value - worst) / (best - worst)))) / sum(weight) as score
    from measures where value is not null group by account_id, part
)
select account_id, sum(measured)::double as coverage, (sum(part_weight * score) / sum(part_weight))::double as score
from parts group by account_id
"""
RENEWALS = f"""
select subscription_id, renewal_date - day.as_of, mrr_amount
from {PAID} cross join (select max(as_of_date) as as_of from mart.customer_health) as day
where start_date <= as_of and coalesce(end_date > as_of, true)
  and renewal_date between as_of and as_of + 90
order by all
"""
TROUBLE = """
with day as (select max(as_of_date) as as_of from mart.customer_health),
tickets as (
    select account_id,
           count(*) filter (created_date > as_of - 30) as recent,
           count(*) filter (cast(escalated_at as date) between as_of - 89 and as_of) as escalated
    from staged.support_tickets cross join day where created_date <= as_of group by 1
),
incidents as (
    select account_id, count(*) as critical
    from staged.security_incidents cross join day
    where severity = 'critical' and cast(detected_at as date) between as_of - 89 and as_of group by 1
)
select account_id, unnest(list_filter([
    case when recent > 5 then 'high_support_volume' end,
    case when escalated >= 2 then 'escalations' end,
    case when critical >= 1 then 'critical_incidents' end], factor -> factor is not null)) as factor
from dim.account left join tickets using (account_id) left join incidents using (account_id)
where account_status in ('active', 'trial', 'suspended')
order by all
"""


def test_scores_of_the_day(whole_company: WholeCompany) -> None:
    calculated = {account: (coverage, score) for account, coverage, score in whole_company.rows(STANDARD)}
    published = whole_company.rows(
        "select account_id, coverage, computed_health_score, health_band from mart.customer_health"
    )
    assert published
    for account, coverage, score, band in published:
        assert calculated[account][0] == pytest.approx(coverage)
        if coverage >= 0.5:
            assert calculated[account][1] == pytest.approx(score)
            assert band == (
                "healthy" if score >= 80 else "neutral" if score >= 60 else "at_risk" if score >= 40 else "critical"
            )
        else:
            assert (score, band) == (None, "unknown")


def test_renewals_of_ninety_days(whole_company: WholeCompany) -> None:
    published = whole_company.rows(
        "select subscription_id, days_to_renewal, renewing_mrr from mart.renewal_pipeline order by all"
    )
    assert published == whole_company.rows(RENEWALS)


def test_factors_of_tickets_and_incidents(whole_company: WholeCompany) -> None:
    published = whole_company.rows(
        "select account_id, factor.factor from (select account_id, unnest(factors) as factor from mart.churn_risk) "
        "where factor.factor in ('high_support_volume', 'escalations', 'critical_incidents') order by all"
    )
    assert published == whole_company.rows(TROUBLE)


def test_mrr_at_risk_of_each_driver(whole_company: WholeCompany) -> None:
    calculated = whole_company.rows(
        "select factor.factor, count(*), sum(mrr), coalesce(sum(mrr) filter (risk_level in ('high', 'critical')), 0) "
        "from (select *, unnest(factors) as factor from mart.churn_risk) group by 1 order by 1"
    )
    published = whole_company.rows(
        "select factor, account_count, mrr_touched, mrr_at_risk from mart.risk_drivers order by 1"
    )
    _equal(published, calculated)


def test_movements_between_month_ends(whole_company: WholeCompany) -> None:
    calculated = whole_company.rows(
        """
        with days as (
            select distinct as_of_date as day, lag(as_of_date) over (order by as_of_date) as day_before
            from (select distinct as_of_date from mart.customer_health_daily
                  where as_of_date = last_day(as_of_date)
                     or as_of_date = (select max(as_of_date) from mart.customer_health))
        ),
        pairs as (
            select day, account_id, health_band, null as band_before from days
            join mart.customer_health_daily on as_of_date = day where day_before is not null
            union all
            select day, account_id, null, health_band from days
            join mart.customer_health_daily on as_of_date = day_before
        ),
        moves as (select day, account_id, max(health_band) as band, max(band_before) as band_before from pairs group by 1, 2)
        select day, coalesce(band_before, 'not_scored'), coalesce(band, 'not_scored'), count(*)
        from moves group by 1, 2, 3 order by all
        """
    )
    published = whole_company.rows(
        "select measure_date, from_band, to_band, sum(account_count)::bigint from mart.health_movements "
        "group by 1, 2, 3 order by all"
    )
    assert published == calculated


def _equal(published: list[tuple[Any, ...]], calculated: list[tuple[Any, ...]]) -> None:
    assert [row[:2] for row in published] == [row[:2] for row in calculated]
    assert [row[2:] for row in published] == [pytest.approx(row[2:]) for row in calculated]
