"""The figures of the shop a second time, in SQL from the definitions of the metrics, over the staged tables."""

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from health_assets.cli.status import print_status
from health_assets_tests.conftest import END, WholeCompany

CENT = 0.01


@pytest.fixture
def agree(whole_company: WholeCompany):
    """Two queries give the same rows, floats to a cent or a millionth of a rate; they must give some."""

    def check(mart: str, independent: str) -> None:
        ours, theirs = (whole_company.rows(sql.format(D=f"date '{END}'")) for sql in (mart, independent))
        assert len(ours) > 0
        assert [_comparable(row) for row in ours] == [_comparable(row) for row in theirs]

    return check


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for value in row)


BUYERS = """
with spent as (
    select account_id, sum(total_amount) as spend, count(*) as orders, max(order_date) as last_day
    from staged.orders where order_date <= {D} group by account_id
), ranked as (
    select *, row_number() over (order by round(spend, 6) desc, account_id) as place, count(*) over () as buyers,
        rank() over (order by last_day) as recency, rank() over (order by orders) as frequency,
        rank() over (order by round(spend, 6)) as monetary
    from spent
)
"""


def test_customer_value(agree) -> None:
    agree(
        "select account_id, order_count, total_spend, average_order_value, days_since_last_order, value_segment, "
        "recency_score, frequency_score, monetary_score from mart.customer_value order by account_id",
        BUYERS
        + """
        select account_id, coalesce(orders, 0), coalesce(spend, 0.0), spend / orders, {D} - last_day,
            case when place is null then 'none' when place <= ceil(buyers * 20 / 100.0) then 'high'
                when place <= ceil(buyers * 20 / 100.0) + ceil(buyers * 30 / 100.0) then 'medium' else 'low' end,
            1 + 5 * (recency - 1) // buyers, 1 + 5 * (frequency - 1) // buyers, 1 + 5 * (monetary - 1) // buyers
        from staged.accounts left join ranked using (account_id) where signup_date <= {D} order by account_id
        """,
    )


def test_revenue_concentration(agree) -> None:
    agree(
        "select top_account_count, top_share_pct, gini from mart.revenue_concentration where dimension_type = 'all'",
        BUYERS
        + """
        , pairs as (select avg(abs(a.spend - b.spend)) as mean_difference from spent a cross join spent b)
        select ceil(max(buyers) * 20 / 100.0)::bigint,
            100 * sum(spend) filter (where place <= ceil(buyers * 20 / 100.0)) / sum(spend),
            max(mean_difference) / (2 * avg(spend))
        from ranked cross join pairs
        """,
    )


def test_order_value_by_age_group(agree) -> None:
    agree(
        "select age_group, account_count, order_count, average_order_value from mart.order_value_by_age_group order by 1",
        """
        select case when age is null then 'unknown' when age < 18 then 'under_18' when age < 25 then '18-24'
                when age < 35 then '25-34' when age < 45 then '35-44' when age < 55 then '45-54' else '55+' end,
            count(distinct a.account_id), count(order_id), avg(total_amount)
        from staged.accounts a left join staged.orders o on o.account_id = a.account_id and order_date <= {D}
        where signup_date <= {D} group by 1 order by 1
        """,
    )


def test_regional_segments(agree) -> None:
    agree(
        "select region, account_count, order_count, revenue_share_pct, average_order_value, late_payment_rate "
        "from mart.regional_segments order by region",
        """
        with late as (
            select coalesce(region, 'unknown') as region,
                avg((payment_date is null or payment_date > least({D}, payment_due_date))::int) as late_rate
            from staged.payments join staged.accounts using (account_id)
            where signup_date <= {D} and payment_due_date < {D} group by 1
        ), bought as (
            select coalesce(region, 'unknown') as region, count(distinct a.account_id) as accounts,
                count(order_id) as orders, coalesce(sum(total_amount), 0) as spend, avg(total_amount) as order_value
            from staged.accounts a left join staged.orders o on o.account_id = a.account_id and order_date <= {D}
            where signup_date <= {D} group by 1
        )
        select region, accounts, orders, 100 * spend / sum(spend) over (), order_value, late_rate
        from bought left join late using (region) order by region
        """,
    )


MONTHS = """
with months as (
    select unnest(generate_series(date_trunc('month', (select min(order_date) from staged.orders)),
        date_trunc('month', {D}), interval 1 month))::date as month
), active as (
    select distinct account_id, date_trunc('month', order_date)::date as month
    from staged.orders where order_date <= {D}
)
"""


def test_order_retention_monthly(agree) -> None:
    agree(
        "select month, active_account_count, retained_account_count, monthly_churn_rate, monthly_retention_rate, "
        "repeat_purchase_rate from mart.order_retention_monthly order by month",
        MONTHS
        + """
        , flows as (
            select month, (select count(*) from active a where a.month = m.month) as now,
                (select count(*) from active a where a.month = m.month - interval 1 month) as before,
                (select count(*) from active a join active b using (account_id)
                    where a.month = m.month and b.month = m.month - interval 1 month) as kept
            from months m
        ), ever as (
            select m.month, account_id, count(*) as orders from months m join staged.orders
            on order_date <= least({D}, last_day(m.month)) group by all
        )
        select month, now, case when lag(month) over (order by month) is not null then kept end,
            case when last_day(month) <= {D} and before > 0 then (before - kept) / before end,
            case when last_day(month) <= {D} and before > 0 then kept / before end,
            (select avg((orders >= 2)::int) from ever where ever.month = flows.month)
        from flows order by month
        """,
    )


def test_order_cohorts(agree) -> None:
    agree(
        "select cohort_month, month, cohort_account_count, active_account_count, account_retention_pct "
        "from mart.order_cohorts where active_account_count is not null order by 1, 2",
        MONTHS
        + """
        , members as (
            select account_id, date_trunc('month', signup_date)::date as cohort
            from staged.accounts where signup_date <= {D}
        )
        select cohort, m.month, count(distinct members.account_id), count(distinct active.account_id),
            case when last_day(m.month) <= {D}
                then 100.0 * count(distinct active.account_id) / count(distinct members.account_id) end
        from members join months m on m.month >= cohort
            left join active on active.account_id = members.account_id and active.month = m.month
        group by 1, 2 order by 1, 2
        """,
    )


def test_payment_risk(agree) -> None:
    agree(
        "select account_id, due_payment_count, late_payment_count, late_payment_rate "
        "from mart.payment_risk order by account_id",
        """
        with due as (
            select account_id, payment_date > payment_due_date or payment_date is null or payment_date > {D} as is_late
            from staged.payments where payment_due_date < {D}
        )
        select account_id, count(is_late), count(*) filter (where is_late), avg(is_late::int)
        from staged.accounts left join due using (account_id) where signup_date <= {D}
        group by account_id order by account_id
        """,
    )


def test_flags(agree) -> None:
    agree(
        "select account_id, has_repeated_late_payments, has_frequent_tickets from mart.commerce_flags order by 1",
        """
        with flags as (
            select account_id,
                (select count(*) from staged.payments p where p.account_id = a.account_id and payment_due_date < {D}
                    and (payment_date is null or payment_date > payment_due_date)) >= 2 as pays_late,
                (select count(*) from staged.support_tickets t where t.account_id = a.account_id
                    and created_date between {D} - 89 and {D}) >= 2 as asks
            from staged.accounts a where signup_date <= {D}
        )
        select * from flags where pays_late or asks order by account_id
        """,
    )


def test_orders_and_payments_by_day(agree) -> None:
    """On the last of each month, so that days of written months are met too."""
    agree(
        "select as_of_date, account_id, past_due_payment_count, late_paid_payment_count_90d, order_count_30d, "
        "spend_30d, days_since_last_order from fact.account_commerce_daily "
        "where as_of_date = last_day(as_of_date) and order_count_30d is not null and past_due_payment_count is not null "
        "order by 1, 2",
        MONTHS
        + """
        , days as (select last_day(month) as day from months where last_day(month) <= {D})
        select day, account_id,
            (select count(*) from staged.payments p where p.account_id = a.account_id and payment_due_date < day
                and (payment_date is null or payment_date > day)),
            (select count(*) from staged.payments p where p.account_id = a.account_id
                and payment_date > payment_due_date and payment_date between day - 89 and day),
            (select count(*) from staged.orders o where o.account_id = a.account_id
                and order_date between day - 29 and day),
            (select coalesce(sum(total_amount), 0.0) from staged.orders o where o.account_id = a.account_id
                and order_date between day - 29 and day),
            (select day - max(order_date) from staged.orders o where o.account_id = a.account_id and order_date <= day)
        from staged.accounts a join days on signup_date <= day
        where day >= (select min(order_date) from staged.orders)
            and day >= (select min(least(payment_date, payment_due_date)) from staged.payments)
        order by 1, 2
        """,
    )


def test_rhythm_of_orders(agree) -> None:
    agree(
        "select account_id, order_count_60d, order_count_previous_60d, order_change_ratio_60d, order_rhythm_days, "
        "order_quiet_ratio, late_payment_count_90d from fact.account_commerce_daily where as_of_date = {D} order by 1",
        """
        with order_days as (
            select distinct account_id, order_date from staged.orders where order_date <= {D} and total_amount >= 0
        ), gaps as (
            select account_id, order_date - lag(order_date) over (partition by account_id order by order_date) as gap
            from order_days
        ), own as (select account_id, median(gap) as rhythm from gaps group by 1 having count(gap) >= 2),
        counted as (
            select account_id, count(*) filter (order_date > {D} - 60) as now,
                count(*) filter (order_date > {D} - 120 and order_date <= {D} - 60) as before, max(order_date) as last_day
            from staged.orders where order_date <= {D} and total_amount >= 0 group by 1
        ), late as (
            select account_id, count(*) as late from staged.payments
            where payment_due_date < {D} and ((payment_date is null or payment_date > {D})
                or (payment_date > payment_due_date and payment_date > {D} - 90)) group by 1
        )
        select account_id, coalesce(now, 0), coalesce(before, 0), case when before >= 10 then now / before - 1 end,
            coalesce(rhythm, (select median(gap) from gaps)),
            ({D} - last_day) / coalesce(rhythm, (select median(gap) from gaps)), coalesce(late, 0)
        from staged.accounts left join own using (account_id) left join counted using (account_id)
            left join late using (account_id) where signup_date <= {D} order by 1
        """,
    )


def test_spend_of_every_split_is_that_of_the_orders(whole_company: WholeCompany) -> None:
    ((orders,),) = whole_company.rows(f"select sum(total_amount) from staged.orders where order_date <= date '{END}'")
    for mart in ("customer_value", "regional_segments", "order_value_by_age_group"):
        assert whole_company.rows(f"select sum(total_spend) from mart.{mart}") == [(pytest.approx(orders, abs=CENT),)]
    ((monthly,),) = whole_company.rows("select sum(spend) from mart.order_retention_monthly")
    assert monthly == pytest.approx(orders, abs=CENT)


def test_the_findings_of_the_document_show(whole_company: WholeCompany) -> None:
    """Revenue is concentrated, and fewer accounts order after their first months."""
    ((top,),) = whole_company.rows("select top_share_pct from mart.revenue_concentration where dimension_type = 'all'")
    assert top > 50
    early, later = (
        whole_company.rows(
            "select 100.0 * sum(active_account_count) / sum(cohort_account_count) from mart.order_cohorts "
            f"where account_retention_pct is not null and month_offset between {first} and {last}"
        )[0][0]
        for first, last in ((0, 2), (4, 8))
    )
    assert early > later + 10


def test_status_shows_the_shop(whole_company: WholeCompany) -> None:
    page = StringIO()
    print_status(whole_company.settings, Console(file=page, width=200))
    ((buyers,),) = whole_company.rows(
        f"select count(distinct account_id) from staged.orders where order_date <= date '{END}'"
    )
    assert f"of {buyers} buyers" in page.getvalue()
    assert "of buyers returned in December" in page.getvalue()  # the as-of month is not over
