"""Scores, risk and renewals a second time, in SQL written from the metric book."""

from typing import Any

import pytest

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import MEASURED, PAID

MEASURES = """
usage        0.30 usage_change_ratio            0.4  -0.6 0.1  fact.account_usage_daily
usage        0.30 days_since_last_login         0.3  30   2    fact.account_adoption_daily
usage        0.30 active_day_count_30d          0.3  0    15   fact.account_usage_daily
adoption     0.15 feature_breadth_30d           0.6  0    0.8  fact.account_usage_daily
adoption     0.15 license_utilization           0.4  0.2  0.9  fact.account_adoption_daily
support      0.20 sla_adherence_pct_90d         0.4  50   95   fact.account_support_daily
support      0.20 mean_csat_90d                 0.3  2    4.5  fact.account_support_daily
support      0.20 escalated_ticket_count_90d    0.3  3    0    fact.account_support_daily
revenue      0.25 mrr_change_ratio_90d          0.4  -0.3 0.05 fact.account_revenue_daily
revenue      0.25 contraction_month_count_6m    0.2  3    0    fact.account_revenue_daily
revenue      0.25 overdue_invoice_count         0.4  2    0    fact.account_revenue_daily
satisfaction 0.10 nps_rating                    1    2    9    fact.account_satisfaction_daily
commerce     0.55 reorder                       0.65 0    100  fact.account_commerce_daily
commerce     0.55 order_quiet_ratio             0.1  4    1    fact.account_commerce_daily
commerce     0.55 order_change_ratio_60d        0.1  -0.6 0.1  fact.account_commerce_daily
commerce     0.55 late_payment_count_90d        0.15 3    0    fact.account_commerce_daily
security     0.20 critical_incident_count_90d   0.6  3    0    fact.account_security_daily
security     0.20 incident_response_sla_pct_90d 0.4  50   95   fact.account_security_daily
operations   0.20 operations_flag_count         0.6  3    0    fact.account_operations_daily
operations   0.20 denial_rate_change            0.4  0.05 0    fact.account_operations_daily
relationship 0.10 days_since_last_touchpoint    0.5  120  30   fact.account_relationship_daily
relationship 0.10 owner_rating                  0.5  1    5    fact.account_relationship_daily
"""


# orders a day, with half an order in 60 days beforehand; the chance of none in 90 days, and of having stopped
REORDER = """
    select account_id, as_of_date,
           (order_count_365d + 0.5) / (least(as_of_date - signup_date, 365) + 60) as rate,
           100 * (1 - exp(-90 * rate)) / (1 + exp(days_since_last_order * rate - 2.5)) as reorder
    from fact.account_commerce_daily join dim.account using (account_id)
"""


def _of_measure(line: str) -> str:
    """One row per account: the value of a measure on the as-of day, and whether anybody ever had one by then."""
    part, part_weight, metric, weight, worst, best, table = line.split()
    table = f"({REORDER})" if metric == "reorder" else table
    ticket = "join fact.account_support_daily as t using (account_id, as_of_date)" if metric.startswith("escal") else ""
    silent = "and t.ticket_count_365d > 0" if ticket else ""
    return f"""
        select account_id, '{part}' as part, {part_weight} as part_weight, {weight} as weight,
               {worst} as worst, {best} as best, one.{metric}::double as value
        from {table} as one {ticket} join day on as_of_date = as_of where one.{metric} is not null {silent}
    """


def _is_connected(line: str) -> str:
    _, part_weight, metric, weight, _, _, table = line.split()
    table = f"({REORDER})" if metric == "reorder" else table
    return (
        f"select {part_weight} * {weight} as weight from (select count({metric}) as known from {table}) where known > 0"
    )


LINES = MEASURES.strip().splitlines()
STANDARD = f"""
with day as (select max(as_of_date) as as_of from mart.customer_health),
measures as ({" union all ".join(map(_of_measure, LINES))}),
connected as (select sum(weight) as weight from ({" union all ".join(map(_is_connected, LINES))})),
parts as (
    select account_id, part, any_value(part_weight) as part_weight, sum(part_weight * weight) as measured,
           count(*) as measures,
           sum(weight * greatest(0, least(100, 100 * (value - worst) / (best - worst)))) / sum(weight) as score
    from measures group by account_id, part
)
select account_id, (sum(measured) / (select weight from connected))::double as coverage, sum(measures)::integer as measures,
       (sum(part_weight * score) / sum(part_weight))::double as score, ((select weight from connected) / 2.05)::double as breadth
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
    calculated = {account: figures for account, *figures in whole_company.rows(STANDARD)}
    published = whole_company.rows(
        "select account_id, coverage, computed_health_score, health_band, breadth from mart.customer_health"
    )
    assert published
    for account, coverage, score, band, breadth in published:
        expected_coverage, measures, expected_score, expected_breadth = calculated[account]
        assert (coverage, breadth) == pytest.approx((expected_coverage, expected_breadth))
        if coverage >= 0.5 and measures >= 2:
            assert expected_score == pytest.approx(score)
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


def test_parts_of_the_day_sum_to_the_scores(whole_company: WholeCompany) -> None:
    calculated = whole_company.rows(
        "select account_id, sum(contribution), sum(weight), count(score) from mart.customer_health_parts "
        "where as_of_date = (select max(as_of_date) from mart.customer_health) group by all order by all"
    )
    published = whole_company.rows(
        f"select account_id, computed_health_score, 1::double, {MEASURED} from mart.customer_health order by all"
    )
    assert [row[::3] for row in published] == [row[::3] for row in calculated]
    assert [row[1:3] for row in published] == [pytest.approx(row[1:3]) for row in calculated]


def _equal(published: list[tuple[Any, ...]], calculated: list[tuple[Any, ...]]) -> None:
    assert [row[:2] for row in published] == [row[:2] for row in calculated]
    assert [row[2:] for row in published] == [pytest.approx(row[2:]) for row in calculated]
