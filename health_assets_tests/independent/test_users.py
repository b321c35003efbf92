"""Users, engagement and features a second time: plain SQL over the staged tables, from the definitions in the books."""

from decimal import Decimal

from health_assets_tests.conftest import END, WholeCompany
from health_assets_tests.independent.agreement import PAID

ACCOUNTS = f"(select account_id from staged.accounts where signup_date <= date '{END}')"
EVENTS = f"""
    select e.account_id, user_id, event_name, event_timestamp, event_date, duration_seconds,
           coalesce(f.feature_name, e.event_name) as feature, nullif(f.feature_category, 'other') as category
    from staged.usage_events e left join staged.features f using (event_name)
    where event_date <= date '{END}' and account_id in {ACCOUNTS}
"""
IN_30_DAYS = f"event_date > date '{END}' - 30"
USERS = f"""
    select user_id, account_id, last_login_date from staged.users
    where coalesce(created_date, date '1970-01-01') <= date '{END}' and coalesce(is_active, true)
      and account_id in {ACCOUNTS}
"""
USER_SCORES = f"""
    with events as ({EVENTS}),
    gaps as (
        select *, event_timestamp - lag(event_timestamp) over (partition by account_id, user_id order by event_timestamp)
               as gap
        from events where user_id is not null
    ),
    did as (
        select account_id, user_id, count(*) filter (where gap is null or gap > interval 30 minute) as sessions,
               count(*) as events, count(distinct feature) as features, count(distinct category) as categories,
               coalesce(sum(duration_seconds) / 3600, 0) as hours
        from gaps where {IN_30_DAYS} group by all
    ),
    everybody as (
        select u.account_id, u.user_id, coalesce(sessions, 0) as sessions, coalesce(events, 0) as events,
               coalesce(features, 0) as features, coalesce(categories, 0) as categories, coalesce(hours, 0) as hours
        from ({USERS}) u left join did using (account_id, user_id)
    )
    select *, 100 * least(1, (0.1 * sessions + 0.02 * events + 0.15 * features + 0.05 * categories
                              + 0.1 * least(hours, 10)) / 5) as score,
           case when sessions >= 15 and features >= 5 and categories >= 3 then 'power'
                when sessions >= 8 and features >= 3 then 'regular'
                when sessions >= 3 then 'casual' when sessions >= 1 then 'light' else 'inactive' end as tier
    from everybody
"""


def same(found: list[tuple], expected: list[tuple]) -> None:
    """Row by row, numbers to six digits; and it is no comparison of nothing with nothing."""
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert tuple(map(readable, one)) == tuple(map(readable, other))


def readable(value: object) -> object:
    """A number without the dust of its last digits."""
    return round(float(value), 6) if isinstance(value, float | Decimal) else value


def test_scores_and_tiers_of_users(whole_company: WholeCompany) -> None:
    found = whole_company.rows(
        "select account_id, user_id, session_count_30d, event_count_30d, feature_count_30d, category_count_30d, "
        "engagement_score, user_engagement_tier = 'power' as is_power from fact.user_engagement where is_active order by 1, 2"
    )
    expected = whole_company.rows(
        f"select account_id, user_id, sessions, events, features, categories, score, tier = 'power' from ({USER_SCORES}) "
        "order by 1, 2"
    )
    same(found, expected)
    tiers = "select {0}, count(*) from ({1}) group by 1 order by 1"
    assert whole_company.rows(
        tiers.format("user_engagement_tier", "select * from fact.user_engagement where is_active")
    ) == whole_company.rows(tiers.format("tier", USER_SCORES))


def test_engagement_of_accounts(whole_company: WholeCompany) -> None:
    found = whole_company.rows(
        "select account_id, dau, wau, mau, total_user_count, stickiness_ratio, mau_rate, avg_engagement_score, "
        "power_user_count from mart.account_engagement order by 1"
    )
    expected = whole_company.rows(f"""
        with events as ({EVENTS}),
        active as (
            select account_id, count(distinct user_id) filter (where event_date = date '{END}') as dau,
                   count(distinct user_id) filter (where event_date > date '{END}' - 7) as wau,
                   count(distinct user_id) as mau, count(distinct (user_id, event_date)) filter (where user_id is not null)
                   as user_days
            from events where {IN_30_DAYS} group by 1
        ),
        users as (
            select account_id, count(*) as users, avg(score) as score, count(*) filter (where tier = 'power') as power
            from ({USER_SCORES}) group by 1
        )
        select account_id, coalesce(dau, 0), coalesce(wau, 0), coalesce(mau, 0), coalesce(users, 0),
               user_days / 30 / nullif(mau, 0), coalesce(mau, 0) / nullif(coalesce(users, 0), 0), score, coalesce(power, 0)
        from {ACCOUNTS} left join active using (account_id) left join users using (account_id) order by 1
    """)
    same(found, expected)


def test_adoption_of_accounts_on_the_load_day(whole_company: WholeCompany) -> None:
    found = whole_company.rows(
        "select account_id, total_user_count, activated_user_count, feature_adoption_rate, feature_adoption_score, "
        f"license_utilization, days_since_last_login from fact.account_adoption_daily where as_of_date = date '{END}' "
        "order by 1"
    )
    expected = whole_company.rows(f"""
        with events as ({EVENTS}), users as ({USERS}),
        snapshots as (
            select account_id, max_by(feature_adoption_score, snapshot_date) as score,
                   max_by(license_utilization, snapshot_date) as utilization,
                   max(last_login_date) filter (last_login_date <= date '{END}') as login
            from staged.usage_snapshots where snapshot_date <= date '{END}'
              and exists (from staged.usage_snapshots where snapshot_date between date '{END}' - 45 and date '{END}')
            group by 1
        ),
        logins as (
            select account_id, max(last_login_date) as login from staged.users where last_login_date <= date '{END}'
            group by 1
        )
        select a.account_id, (select count(*) from users u where u.account_id = a.account_id),
               (select count(*) from users u where u.account_id = a.account_id
                and exists (from events e where e.user_id = u.user_id and e.account_id = u.account_id)),
               (select count(distinct feature) from events e where e.account_id = a.account_id and {IN_30_DAYS}
                and feature in (select feature_name from staged.features))
                   / (select count(*) from staged.features where event_name in (
                       select event_name from staged.usage_events where event_date <= date '{END}')),
               score,
               coalesce(utilization, a.license_utilization,
                        (select count(distinct user_id) from events e where e.account_id = a.account_id and {IN_30_DAYS})
                        / nullif(a.licensed_seats, 0)),
               date '{END}' - greatest(
                   (select max(event_date) from events e where e.account_id = a.account_id), logins.login,
                   snapshots.login)
        from staged.accounts a left join snapshots using (account_id) left join logins using (account_id)
        where signup_date <= date '{END}' order by 1
    """)
    same(found, expected)


def test_features_over_all_accounts(whole_company: WholeCompany) -> None:
    found = whole_company.rows(
        "select feature_name, account_count, adoption_pct, user_count_30d, user_adoption_pct, revenue_coverage_pct, "
        "usage_intensity_score from mart.feature_adoption order by 1"
    )
    expected = whole_company.rows(f"""
        with events as ({EVENTS}),
        mrr as (
            select account_id, sum(mrr_amount) as mrr from {PAID}
            where start_date <= date '{END}' and (end_date is null or end_date > date '{END}')
              and account_id in {ACCOUNTS} group by 1 having sum(mrr_amount) > 0
        ),
        recent as (select * from events where {IN_30_DAYS} and account_id in (select account_id from mrr)),
        used as (select distinct feature, account_id from recent),
        features as (select feature_name as feature from staged.features union select feature from events
                     where event_date > date '{END}' - 120),
        counted as (
            select feature, (select count(*) from used u where u.feature = f.feature) as accounts,
                   (select count(distinct (account_id, user_id)) from recent r where r.feature = f.feature
                    and user_id is not null) as users,
                   (select coalesce(sum(mrr), 0) from mrr join used u using (account_id) where u.feature = f.feature) as mrr,
                   (select count(distinct (account_id, user_id, event_date)) from recent r
                    where r.feature = f.feature and user_id is not null) as user_days,
                   (select count(distinct (account_id, user_id, event_date)) from recent r where user_id is not null
                    and account_id in (select account_id from used u where u.feature = f.feature)) as days_of_accounts
            from features f
        )
        select feature, if(is_seen, accounts, null), if(is_seen, 100.0 * accounts / (select count(*) from mrr), null),
               if(is_seen, users, null), if(is_seen, 100.0 * users / (
                   select count(distinct (account_id, user_id)) from recent where user_id is not null), null),
               if(is_seen, 100.0 * mrr / (select sum(mrr) from mrr), null),
               100.0 * user_days / nullif(days_of_accounts, 0)
        from (select *, feature in (select feature from events) as is_seen from counted) order by 1
    """)
    same(found, expected)
