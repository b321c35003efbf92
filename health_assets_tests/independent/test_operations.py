"""The workflow's figures a second time: plain SQL over the staged tables."""

import pytest

from health_assets_tests.conftest import WholeCompany
from health_assets_tests.independent.agreement import PAID, agree

# Months of the calendar beside the items and outcomes of each account, as the metric book has them.
MONTHS = """
with d as (select date '{as_of}' as day),
done as (
    select account_id, date_trunc('month', completed_at)::date as month, count(*) as items,
        avg(epoch(completed_at - started_at) / 60) filter (where completed_at >= started_at) as minutes,
        avg(has_data_error::int) as error_rate, count(*) filter (completed_at >= started_at) as timed,
        count(has_data_error) as checked
    from staged.workflow_items, d where completed_at < day + 1 group by all
),
latest as (
    select item_id, arg_max(result, (outcome_date, outcome_id)) as result, max(outcome_date) as outcome_date
    from staged.outcomes, d where outcome_date <= day group by all
),
decided as (
    select account_id, date_trunc('month', outcome_date)::date as month,
        count(*) filter (where result = 'approved') as approved, count(*) filter (where result = 'denied') as denied
    from latest join staged.workflow_items using (item_id) group by all
),
seen as (
    select account_id, min(month) as first, max(month) as last
    from (select account_id, month from done union select account_id, month from decided) group by all
),
spine as (
    select account_id, unnest(generate_series(
        first, greatest(last, date_trunc('month', coalesce(
            churn_date, if(not is_active, cancelled_date, null), if(account_status = 'churned', last, day)
        ))::date), interval 1 month
    ))::date as month
    from seen join dim.account using (account_id), d
),
months as (
    select account_id, month, month < date_trunc('month', day) as is_closed, coalesce(items, 0) as items, minutes,
        error_rate, case when approved + denied > 0 then denied / (approved + denied) end as denial_rate,
        coalesce(timed, 0) as timed, coalesce(checked, 0) as checked, coalesce(approved + denied, 0) as decided
    from spine left join done using (account_id, month) left join decided using (account_id, month), d
)
"""


@pytest.fixture
def months(whole_company: WholeCompany) -> str:
    return MONTHS.format(as_of=whole_company.settings.as_of)


def differing(whole_company: WholeCompany, query: str, table: str, columns: str) -> tuple[int, int, int]:
    """Rows of a query, and rows that only the query or only the table has; numbers may differ by rounding."""
    same = " and ".join(
        f"ours.{name} is not distinct from theirs.{name}"
        if name in ("account_id", "month")
        else f"coalesce(abs(ours.{name} - theirs.{name}) < 1e-5, ours.{name} is null and theirs.{name} is null)"
        for name in columns.split(", ")
    )
    ours, theirs = f"(select {columns} from ({query})) as ours", f"(select {columns} from {table}) as theirs"
    [(rows, missing, extra)] = whole_company.rows(
        f"select (select count(*) from {ours}), (select count(*) from {ours} anti join {theirs} on {same}), "
        f"(select count(*) from {theirs} anti join {ours} on {same})"
    )
    return rows, missing, extra


def test_volume_minutes_and_rates_of_each_account_and_month(whole_company: WholeCompany, months: str) -> None:
    query = f"""{months} select account_id, month, items as tickets_processed, minutes as avg_processing_minutes,
        case when is_closed then error_rate end as data_error_rate,
        case when is_closed then denial_rate end as denial_rate from months"""
    columns = "account_id, month, tickets_processed, avg_processing_minutes, data_error_rate, denial_rate"
    rows, *different = differing(whole_company, query, "mart.operations_kpis", columns)
    assert (rows > 50, different) == (True, [0, 0])


COMPARED = """, compared as (
        select *, if(lag(items) over w >= 10, items < 0.8 * lag(items) over w, null) as volume,
            if(lag(timed) over w >= 10, minutes > 1.25 * lag(minutes) over w, null) as slow,
            if(lag(checked) over w >= 10, error_rate > lag(error_rate) over w + 0.03, null) as faulty,
            if(lag(decided) over w >= 10, denial_rate > lag(denial_rate) over w + 0.03, null) as denied,
            if(lag(decided) over w >= 10, denial_rate - lag(denial_rate) over w, null) as denial_change
        from months window w as (partition by account_id order by month)
    ), flagged as (
        select *, case when is_closed and coalesce(volume, slow, faulty, denied) is not null then
            list_count(list_filter([volume, slow, faulty, denied], flag -> flag)) end as risk_score from compared
    )"""


def test_risk_score_of_each_account_and_month(whole_company: WholeCompany, months: str) -> None:
    query = f"{months}{COMPARED} select account_id, month, risk_score from flagged"
    rows, *different = differing(whole_company, query, "mart.operations_risk", "account_id, month, risk_score")
    assert (rows > 50, different) == (True, [0, 0])


def test_flags_of_the_last_closed_month_on_the_as_of_day(whole_company: WholeCompany, months: str) -> None:
    query = f"""{months}{COMPARED} select account_id, risk_score as operations_flag_count,
        denial_change as denial_rate_change from flagged, d where month = date_trunc('month', day) - interval 1 month"""
    columns = "account_id, operations_flag_count, denial_rate_change"
    on_the_day = f"""(select daily.* from fact.account_operations_daily as daily semi join ({query}) using (account_id)
        where as_of_date = '{whole_company.settings.as_of}')"""
    rows, *different = differing(whole_company, query, on_the_day, columns)
    assert (rows > 5, different) == (True, [0, 0])


# MRR at month end, or on the as-of day: subscriptions begun by then and not ended by then.
VALUED = f""", valued as (
    select account_id, month, is_closed,
        case when items = 0 and month >= (select min(month) from decided where approved + denied > 0) then 0
        else items * 2.50 + (1 - error_rate) * items * 0.75 + (1 - denial_rate) * items * 1.25 end as value,
        (
            select coalesce(sum(mrr_amount), 0) from {PAID} s
            where s.account_id = months.account_id and start_date <= least(last_day(month), day)
                and (end_date is null or end_date > least(last_day(month), day))
        ) as fee
    from months, d
)"""


def test_value_fee_and_their_ratio_of_each_account_and_month(whole_company: WholeCompany, months: str) -> None:
    query = f"""{months}{VALUED} select account_id, month, value, fee, case when is_closed then value - fee end as net_value,
        case when is_closed and fee > 0 then value / fee end as value_to_cost from valued"""
    columns = "account_id, month, value, fee, net_value, value_to_cost"
    rows, *different = differing(whole_company, query, "mart.operations_roi", columns)
    assert (rows > 50, different) == (True, [0, 0])


def test_summary_of_each_month(whole_company: WholeCompany, months: str) -> None:
    query = f"""{months}{VALUED} select month, count(*) as account_count, sum(items) as tickets_processed,
        sum(value) filter (where value is not null) as value, sum(fee) filter (where value is not null) as fee,
        case when bool_and(is_closed) then sum(value) / sum(fee) filter (where value is not null) end as value_to_cost
        from valued join months using (account_id, month, is_closed) group by month"""
    columns = "month, account_count, tickets_processed, value, fee, value_to_cost"
    rows, *different = differing(whole_company, query, "mart.operations_summary", columns)
    assert (rows, different) == (14, [0, 0])


COUNTED = """, counted as (
    select m.*, (select count(*) from staged.workflow_items w where w.account_id = m.account_id and {in_month}
            and completed_at >= started_at) as timed,
        (select sum(epoch(completed_at - started_at) / 60) from staged.workflow_items w
            where w.account_id = m.account_id and {in_month} and completed_at >= started_at) as spent,
        (select count(*) filter (has_data_error) from staged.workflow_items w where w.account_id = m.account_id
            and {in_month}) as faulty,
        (select count(has_data_error) from staged.workflow_items w where w.account_id = m.account_id and {in_month}) as known,
        coalesce(approved, 0) as approved, coalesce(denied, 0) as denied
    from months m left join decided using (account_id, month)
)""".format(in_month="completed_at < (select day + 1 from d) and date_trunc('month', completed_at) = m.month")


def test_averages_of_three_months_and_quartiles(whole_company: WholeCompany, months: str) -> None:
    agree(
        whole_company,
        f"""{months}{COUNTED}, ranked as (
            select account_id, month, ntile(4) over (partition by month order by items desc, account_id) as volume,
                case when denial_rate is not null then ntile(4) over (
                    partition by month, denial_rate is null order by denial_rate, account_id) end as quality
            from counted where is_closed
        )
        select account_id, month, case when is_closed and count(*) over w = 3 then avg(items) over w end,
            case when is_closed and count(*) over w = 3 then sum(spent) over w / nullif(sum(timed) over w, 0) end,
            case when is_closed and count(*) over w = 3 then sum(faulty) over w / nullif(sum(known) over w, 0) end,
            case when is_closed and count(*) over w = 3
                then sum(denied) over w / nullif(sum(approved + denied) over w, 0) end,
            volume, quality
        from counted left join ranked using (account_id, month)
        window w as (partition by account_id order by month rows 2 preceding)""",
        "select account_id, month, avg_tickets_processed_3m, avg_processing_minutes_3m, data_error_rate_3m, denial_rate_3m, "
        "volume_quartile, quality_quartile from mart.operations_kpis",
    )


def test_weighted_rates_and_accounts_at_risk_of_each_month(whole_company: WholeCompany, months: str) -> None:
    agree(
        whole_company,
        f"""{months}{COUNTED}
        select month, count(*) filter (items > 0), sum(spent) / sum(timed),
            case when any_value(is_closed) then sum(faulty) / sum(known) end,
            case when any_value(is_closed) then sum(denied) / sum(approved + denied) end,
            (select nullif(count(*) filter (risk_score >= 2), if(count(risk_score) = 0, 0, -1))
                from mart.operations_risk r where r.month = counted.month)
        from counted group by month""",
        "select month, working_account_count, avg_processing_minutes, data_error_rate, denial_rate, at_risk_account_count "
        "from mart.operations_summary",
    )
