"""Who is observed by the backtest and who left, a second time, in SQL from the definitions over the staged tables."""

from health_assets import backtest_command
from health_assets_tests.conftest import END, WholeCompany

OBSERVED = f"""
with days as (
    select unnest(generate_series(date '2024-10-05', date '2023-01-05', interval '-1 month'))::date as day
), first as (select min(as_of_date) as first_day from fact.account_revenue_daily),
paid as (
    select * from staged.subscriptions
    where not is_trial and mrr_amount > 0 and start_date <= date '{END}' and (end_date is null or end_date > start_date)
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
select count(*), count(*) filter (is_too_late), count(*) filter (has_left and not is_too_late), count(distinct day)
from labelled
"""


def test_rows_and_labels_of_the_backtest(whole_company: WholeCompany) -> None:
    ((rows, too_late, left, days),) = whole_company.rows(OBSERVED)
    found = backtest_command.tested(whole_company.settings)
    assert found is not None
    assert (found.rows + found.unknown_rows + found.too_late_rows, found.too_late_rows) == (rows, too_late)
    assert len(found.days) == days
    assert found.unknown_rows > 0 or sum(band.churned for band in found.bands) == left
    assert rows > 100
