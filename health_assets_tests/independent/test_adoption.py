"""Use of the product by account, feature and cohort a second time: plain SQL over the staged tables."""

from typing import Any

from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes
from health_assets_tests.assets.rows import made
from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import PAID, agree
from health_assets_tests.independent.test_revenue import MONTHS

D = f"date '{END}'"
DAYS = f"(select unnest([{D}, {D} - 1, {D} - 17, {D} - 100]) as day)"
EVENTS = """
    events as (
        select e.*, coalesce(feature_name, event_name) as feature, nullif(feature_category, 'other') as category
        from staged.usage_events as e left join staged.features using (event_name)
    )
"""
FEW = 3  # accounts on each side of a comparison: the simulated company is small


def test_use_by_account_and_day(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {EVENTS}, used as (
            select a.account_id, day, e.*, event_date > day - 30 as recent, event_date > day - 31 as in_31
            from staged.accounts as a join {DAYS} on signup_date <= day
            left join (select * exclude account_id, account_id as owner from events) as e
                on owner = a.account_id and event_date between day - 59 and day
        )
        select account_id, day, count(event_id) filter (recent), count(event_id) filter (not recent),
            if(count(event_id) filter (not recent) >= 10,
                count(event_id) filter (recent) / count(event_id) filter (not recent) - 1, null),
            count(distinct user_id) filter (event_date > day - 7), count(distinct user_id) filter (recent),
            count(distinct event_date) filter (recent),
            count(distinct category) filter (recent)
                / (select count(distinct category) from events as seen where seen.event_date <= day),
            nullif(count(distinct event_name) filter (in_31), 0),
            count(event_id) filter (in_31) / nullif(count(distinct event_date) filter (in_31), 0)
        from used group by 1, 2
        """,
        f"""select account_id, as_of_date, event_count_30d, event_count_previous_30d, usage_change_ratio,
            active_user_count_7d, active_user_count_30d, active_day_count_30d, feature_breadth_30d, event_name_count_31d,
            events_per_active_day_31d from fact.account_usage_daily where as_of_date in (from {DAYS})""",
    )


def test_days_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {EVENTS}
        select account_id, event_date, count(*), count(distinct user_id), count(distinct feature), count(distinct category),
            count(*) >= 10 and count(distinct feature) >= 5
        from events group by 1, 2
        """,
        "select account_id, activity_date, event_count, active_user_count, feature_count, category_count, "
        "is_power_usage_day from fact.usage_daily",
    )


def test_weekly_and_power_users_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with users as (
            select account_id, count(*) as users, count(*) filter (user_engagement_tier = 'power') as power
            from fact.user_engagement where is_active group by all
        ),
        seen as (
            select account_id, count(distinct user_id) filter (event_date > {D} - 7) as wau, count(distinct user_id) as mau
            from staged.usage_events where event_date between {D} - 29 and {D} group by all
        )
        select account_id, coalesce(wau, 0) / users, wau / nullif(mau, 0), power / users
        from dim.account left join users using (account_id) left join seen using (account_id)
        """,
        "select account_id, wau_rate, wau_mau_ratio, power_user_rate from mart.account_engagement",
    )


def test_features_of_accounts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {EVENTS}, mau as (
            select account_id, count(distinct user_id) as mau from events where event_date between {D} - 29 and {D}
            group by all
        )
        select account_id, feature, count(*), count(distinct user_id), count(distinct (user_id, event_date))
            filter (user_id is not null), count(distinct user_id) / nullif(any_value(mau), 0)
        from events join mau using (account_id) where event_date between {D} - 29 and {D} group by 1, 2
        """,
        "select account_id, feature_name, event_count_30d, user_count_30d, user_day_count_30d, adoption_rate "
        "from mart.account_feature_adoption where is_used",
    )


def test_retention_of_the_users_of_a_feature_and_of_the_others(whole_company: WholeCompany) -> None:
    """The mart made again with a lower number of accounts that a comparison needs."""
    settings = whole_company.settings
    engagement = settings.engagement.model_copy(update={"retention_impact_accounts": FEW})
    frame = made(
        "mart_feature_adoption",
        **{name: _rows(whole_company, name) for name in load_all()["mart_feature_adoption"].inputs},
        settings=settings.model_copy(update={"engagement": engagement}),
        as_of=END,
    )
    whole_company.connection.register("features_compared", frame)
    paying = f"""(select distinct account_id from {PAID}
        where start_date <= {{0}} and coalesce(end_date > {{0}}, true))"""
    agree(
        whole_company,
        f"""
        with {EVENTS}, payers as (select *, account_id in {paying.format(D)} as stayed from {paying.format(f"{D} - 90")}),
        names as (select distinct feature from events),
        sides as (
            select feature, stayed, exists (from events as e where e.account_id = payers.account_id
                and e.feature = names.feature and event_date between {D} - 119 and {D} - 90) as used
            from payers cross join names
        )
        select feature, 100 * (avg(stayed::int) filter (used) - avg(stayed::int) filter (not used)) from sides
        group by 1 having count(*) filter (used) >= {FEW} and count(*) filter (not used) >= {FEW}
        """,
        "select feature_name, retention_impact_score from features_compared where retention_impact_score is not null",
    )


def _rows(company: WholeCompany, name: str) -> Any:
    table = load_all()[name]
    return company.connection.sql(f"from {table.relation}").pl().lazy().cast(dict(dtypes(table.contract)))


def test_engagement_and_health_of_cohorts(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {MONTHS}, cohorts as (select account_id, month as cohort from moves where movement = 'new'),
        seen as (
            select distinct account_id, date_trunc('month', event_date)::date as month
            from staged.usage_events where user_id is not null and event_date <= {D}
        ),
        used_months as (select distinct month from seen)
        select cohort, spine.month, count(*), count(seen.account_id), 100.0 * count(seen.account_id) / count(*),
            count(health_score), avg(health_score)
        from cohorts join spine using (account_id) join used_months using (month) left join seen using (account_id, month)
        left join mart.customer_health_daily as h
            on h.account_id = cohorts.account_id and as_of_date = least(last_day(spine.month), {D})
        group by 1, 2
        """,
        "select cohort_month, month, cohort_account_count, engaged_account_count, engagement_retention_pct, "
        "scored_account_count, mean_health_score from mart.engagement_cohorts where engaged_account_count is not null",
    )


def test_features_by_month(whole_company: WholeCompany) -> None:
    agree(
        whole_company,
        f"""
        with {EVENTS}, months as (
            select month, least(last_day(month), {D}) as day
            from (select distinct date_trunc('month', event_date)::date as month from staged.usage_events)
        ),
        paying as (
            select distinct month, account_id from months join {PAID} on start_date <= day and (end_date is null or end_date > day)
        ),
        used as (
            select feature, date_trunc('month', event_date)::date as month, account_id, count(*) as events
            from events where event_date <= {D} group by all
        )
        select month, feature, count(*), count(events), coalesce(sum(events), 0),
            if(last_day(month) <= {D}, 100.0 * count(events) / count(*), null)
        from paying join (select feature, min(month) as first_month from used group by 1) on month >= first_month
        left join used using (month, feature, account_id) group by 1, 2
        """,
        "select month, feature_name, active_account_count, account_count, event_count, adoption_pct "
        "from mart.feature_adoption_monthly where dimension_type = 'all'",
    )
