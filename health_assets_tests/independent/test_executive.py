"""The executive summary a second time: plain SQL over the staged tables."""

import pytest

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import PAID

NEAR = 1e-6


def measured_on(day: str) -> str:
    """MRR by account on a day."""
    return f"""(select account_id, sum(mrr_amount) as mrr from {PAID}
        where start_date <= {day} and (end_date is null or end_date > {day}) group by all)"""


def test_mrr_and_its_net_and_gross_retention_of_each_month(whole_company: WholeCompany) -> None:
    as_of = f"date '{whole_company.settings.as_of}'"
    months = whole_company.rows(
        "select month, mrr, nrr_pct, grr_pct, logo_churn_pct from mart.executive_summary_monthly order by month"
    )
    assert len(months) == 14
    for month, mrr, nrr, grr, logo_churn in months:
        before, end = f"(date '{month}' - 1)", f"least(last_day(date '{month}'), {as_of})"
        [(total, *rates)] = whole_company.rows(f"""
            select (select sum(mrr) from {measured_on(end)}), 100 * sum(coalesce(n.mrr, 0)) / sum(b.mrr),
                100 * sum(least(coalesce(n.mrr, 0), b.mrr)) / sum(b.mrr),
                100.0 * count(*) filter (where n.mrr is null or n.mrr = 0) / nullif(count(*), 0)
            from {measured_on(before)} b left join {measured_on(end)} n using (account_id) where b.mrr > 0""")
        assert mrr == pytest.approx(total, abs=0.01)
        assert [nrr, grr, logo_churn] == [None if rate is None else pytest.approx(rate, abs=NEAR) for rate in rates]


def test_mrr_and_accounts_by_segment_sum_to_those_of_the_company(whole_company: WholeCompany) -> None:
    as_of = f"date '{whole_company.settings.as_of}'"
    [(mrr, accounts)] = whole_company.rows(
        f"select (select sum(mrr) from {measured_on(as_of)}), (select count(*) from staged.accounts where signup_date <= {as_of})"
    )
    [(of_segments, accounts_of_segments)] = whole_company.rows(
        "select sum(mrr), sum(account_count) from mart.executive_summary_segments"
    )
    assert (of_segments, accounts_of_segments) == (pytest.approx(mrr, abs=0.01), accounts)


def test_mrr_at_risk_is_that_of_accounts_of_high_and_critical_risk(whole_company: WholeCompany) -> None:
    as_of = f"date '{whole_company.settings.as_of}'"
    [(mrr, accounts)] = whole_company.rows(
        f"""select coalesce(sum(m.mrr), 0), count(*) from mart.churn_risk r left join {measured_on(as_of)} m
        using (account_id) where risk_level in ('high', 'critical')"""
    )
    shown = whole_company.rows(
        "select mrr_at_risk, at_risk_account_count from mart.executive_summary_monthly where is_partial"
    )
    assert shown == [(pytest.approx(mrr, abs=0.01), accounts)]


def test_mrr_in_low_health_stands_as_of_each_month_end(whole_company: WholeCompany) -> None:
    as_of = f"date '{whole_company.settings.as_of}'"
    shown = whole_company.rows(
        "select month, mrr_in_low_health from mart.executive_summary_monthly where health_bands is not null order by 1"
    )
    assert len(shown) > 10
    for month, mrr_in_low_health in shown:
        end = f"least(last_day(date '{month}'), {as_of})"
        [(mrr,)] = whole_company.rows(
            f"""select coalesce(sum(m.mrr), 0) from mart.customer_health_daily h join {measured_on(end)} m using (account_id)
            where as_of_date = {end} and health_band in ('at_risk', 'critical')"""
        )
        assert mrr_in_low_health == pytest.approx(mrr, abs=0.01)


def test_tickets_incidents_and_items_of_each_month(whole_company: WholeCompany) -> None:
    as_of = f"date '{whole_company.settings.as_of}'"
    counted = {
        "ticket_count": ("support_tickets", "created_date"),
        "incident_count": ("security_incidents", "detected_date"),
        "tickets_processed": ("workflow_items", "completed_date"),
    }
    for column, (table, day) in counted.items():
        counts = whole_company.rows(
            f"""select date_trunc('month', {day})::date, count(*) from staged.{table} where {day} <= {as_of}
            group by 1 order by 1"""
        )
        shown = whole_company.rows(
            f"select month, {column} from mart.executive_summary_monthly where {column} > 0 order by 1"
        )
        assert shown == counts
