"""What the backtest finds, computed again in SQL.

Who is observed and who left, from the staged tables, and how the published scores ranked them.
"""

import pytest

from health_assets.reporting.backtest import backtest
from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import PAID

LABELLED = f"""
with days as (
    select unnest(generate_series(date '2024-10-05', date '2023-01-05', interval '-1 month'))::date as day
), first as (select min(as_of_date) as first_day from fact.account_revenue_daily),
paid as (
    select * from {PAID} where start_date <= date '{END}'
), churns as (
    select distinct account_id, end_date as churn_date from paid as one where end_date <= date '{END}' and not exists (
        from paid as other where other.account_id = one.account_id and other.start_date <= one.end_date
        and (other.end_date is null or other.end_date > one.end_date))
), observed as (
    select account_id, day from staged.accounts, days, first where day >= first_day and day - signup_date >= 60
    and exists (from paid where paid.account_id = accounts.account_id and start_date <= day
                and (end_date is null or end_date > day))
    and not exists (from staged.contract_events as event where event.account_id = accounts.account_id
                    and event_type = 'cancelled' and event_date <= day)
), labelled as (
    select account_id, day,
        coalesce(bool_or(churn_date > day and churn_date <= day + 14), false) as is_too_late,
        coalesce(bool_or(churn_date > day + 14 and churn_date <= day + 104), false) as has_left
    from observed left join churns using (account_id) group by all
)
"""
OBSERVED = f"""{LABELLED}
select count(*), count(*) filter (is_too_late), count(*) filter (has_left and not is_too_late), count(distinct day)
from labelled
"""
RANKED = f"""{LABELLED}, ranked as (
    select account_id, day, has_left, health_score, health_band, mrr::double as mrr, day - signup_date as tenure_days
    from labelled
    join mart.customer_health_daily as health using (account_id)
    join fact.account_revenue_daily as revenue using (account_id)
    join staged.accounts using (account_id)
    where health.as_of_date = day and revenue.as_of_date = day and not is_too_late and health_score is not null
)"""
AREAS = f"""{RANKED}, pairs as (
    select one.day, (sign(other.health_score - one.health_score) + 1) / 2 as by_health,
           (sign(other.tenure_days - one.tenure_days) + 1) / 2 as by_tenure, (sign(other.mrr - one.mrr) + 1) / 2 as by_mrr
    from ranked as one join ranked as other on one.day = other.day and one.has_left and not other.has_left
), by_day as (select day, avg(by_health) as health, avg(by_tenure) as tenure, avg(by_mrr) as mrr from pairs group by all)
select avg(health), avg(tenure), avg(mrr) from by_day
"""
TOP = f"""{RANKED}, placed as (
    select *, ceil(0.1 * count(*) over (partition by day)) as wanted,
           rank() over (partition by day order by health_score) as place,
           count(*) over (partition by day, health_score) as ties
    from ranked
), caught as (
    select *, case when has_left then greatest(0, least(1, (wanted - place + 1) / ties)) else 0 end as share from placed
), by_day as (
    select day, sum(share) / any_value(wanted) as precision, sum(share) / count(*) filter (has_left) as recall,
           sum(share * mrr) / sum(mrr) filter (has_left) as of_mrr
    from caught group by day having bool_or(has_left)
)
select avg(precision), avg(recall), avg(of_mrr) from by_day
"""
BANDS = f"{RANKED} select health_band::varchar, count(*) filter (has_left), count(*) from ranked group by all"


def test_rows_and_labels_of_the_backtest(whole_company: WholeCompany) -> None:
    ((rows, too_late, left, days),) = whole_company.rows(OBSERVED)
    found = backtest(whole_company.settings)
    assert found is not None
    health = found.scores["health"]
    assert (found.rows + found.too_late_rows, found.too_late_rows) == (rows, too_late)
    assert health.rows + health.unknown_rows == found.rows
    assert len(found.days) == days
    assert health.unknown_rows > 0 or sum(band.churned for band in found.bands) == left
    assert rows > 100


def test_areas_top_and_bands_of_the_backtest(whole_company: WholeCompany) -> None:
    found = backtest(whole_company.settings)
    assert found is not None
    score = found.scores["health"]
    ((health, tenure, mrr),) = whole_company.rows(AREAS)
    assert 0 < health < 1
    areas = [score.auc[ranking].estimate for ranking in ("health", "tenure", "mrr")]
    assert areas == pytest.approx([health, tenure, mrr])
    ((precision, recall, of_mrr),) = whole_company.rows(TOP)
    assert [score.top_precision, score.top_recall, score.top_lost_value] == pytest.approx([precision, recall, of_mrr])
    bands = whole_company.rows(BANDS)
    assert {band.band: band.churned for band in found.bands if band.rows} == {band: left for band, left, _ in bands}
    assert sum(rows for *_, rows in bands) == score.rows
