"""Figures of usage, adoption and devices of the whole company a second time: plain SQL over its CSV files."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from health_assets_tests.conftest import END, WholeCompany

D = f"date '{END}'"
TODAY = f"as_of_date = {D}"
IN_30_DAYS = f"day between {D} - 29 and {D}"
FILES = {
    "events": "select distinct event_id, account_id, user_id, lower(trim(event_name)) as name, "
    "event_timestamp::timestamp::date as day "
    "from read_csv('{folder}/usage_events/*.csv', all_varchar = true)",
    "users": "from read_csv('{folder}/users.csv', all_varchar = true)",
    "accounts": "from read_csv('{folder}/accounts.csv', all_varchar = true)",
    "features": "from read_csv('{folder}/features.csv', all_varchar = true)",
    "devices": "from read_csv('{folder}/devices.csv', all_varchar = true)",
    "readings": "select distinct *, try_cast(reading_date as date) as day "
    "from read_csv('{folder}/device_readings.csv', all_varchar = true)",
}
QUESTIONS = {  # figure -> by hand from the files, from the tables
    "events of 30 days": (
        f"select count(*) from events where {IN_30_DAYS}",
        f"select sum(event_count_30d) from fact.account_usage_daily where {TODAY}",
    ),
    "daily, weekly and monthly users": (
        f"""select count(distinct user_id) filter (day = {D}), count(distinct user_id) filter (day > {D} - 7),
            count(distinct user_id) filter ({IN_30_DAYS}) from events where day <= {D}""",
        "select sum(dau), sum(wau), sum(mau) from mart.account_engagement",
    ),
    "stickiness of the accounts, on average": (
        f"""select avg(daily / 30.0 / monthly) from (
            select account_id, count(distinct (user_id, day)) as daily, count(distinct user_id) as monthly
            from events where {IN_30_DAYS} group by 1 having monthly > 0)""",
        "select avg(stickiness_ratio) from mart.account_engagement",
    ),
    "users with access and those ever active": (
        f"""with allowed as (from users where is_active = 'true' and created_at::timestamp::date <= {D})
            select (select count(*) from allowed),
            (select count(*) from allowed where user_id in (select user_id from events where day <= {D}))""",
        f"""select sum(total_user_count), sum(activated_user_count) from fact.account_adoption_daily where {TODAY}""",
    ),
    "features in use / features ever seen, on average": (
        f"""with used as (select account_id, count(distinct feature_name) as n from events join features on name = event_name
                where {IN_30_DAYS} group by 1)
            select avg(coalesce(n, 0) / (select count(*) from features where event_name in (select name from events)))
            from accounts left join used using (account_id)""",
        f"select avg(feature_adoption_rate) from fact.account_adoption_daily where {TODAY}",
    ),
    "categories in use / categories ever seen, on average": (
        f"""with named as (select account_id, day, feature_category as c from events join features on name = event_name
                where feature_category <> 'other'),
            used as (select account_id, count(distinct c) as n from named where {IN_30_DAYS} group by 1)
            select avg(coalesce(n, 0) / (select count(distinct c) from named)) from accounts left join used using (account_id)""",
        f"select avg(feature_breadth_30d) from fact.account_usage_daily where {TODAY}",
    ),
    "accounts by feature in the last closed month": (
        """select feature_name, count(distinct account_id) from events join features on name = event_name
            where date_trunc('month', day) = date '2024-12-01' group by 1 order by 1""",
        """select feature_name, count(distinct account_id) from fact.account_feature_monthly
            where month = date '2024-12-01' and feature_name in (select feature_name from dim.feature) group by 1 order by 1""",
    ),
    "active devices and their health": (
        f"""with recent as (
                select device_id, avg(uptime_pct::double) - 5 * count(*) filter (error_count::int > 0)
                    - 10 * coalesce(arg_max(maintenance_due, day) filter (maintenance_due is not null) = 'true', false)::int
                    as health
                from readings where {IN_30_DAYS} group by 1)
            select count(*), avg(greatest(0, least(100, health))) from devices left join recent using (device_id)
            where status = 'active'""",
        """select count(*), avg(health_score) from mart.device_health where is_active""",
    ),
}


@pytest.fixture(scope="module")
def files(whole_company: WholeCompany) -> Iterator[duckdb.DuckDBPyConnection]:
    """The rows of the files, as text but for what FILES converts."""
    with duckdb.connect() as connection:
        for name, query in FILES.items():
            connection.execute(f"create table {name} as {query.format(folder=whole_company.folder / 'demo')}")
        yield connection


@pytest.mark.parametrize("figure", QUESTIONS)
def test_figure_agrees_with_the_files(
    whole_company: WholeCompany, files: duckdb.DuckDBPyConnection, figure: str
) -> None:
    by_hand, of_tables = QUESTIONS[figure]
    expected = files.sql(by_hand).fetchall()
    found = whole_company.rows(of_tables)
    assert len(found) == len(expected) > 0
    assert all(value not in (None, 0) for row in expected for value in row)
    for row, other in zip(found, expected, strict=True):
        assert [_number(value) for value in row] == [
            pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for value in map(_number, other)
        ]


def _number(value: Any) -> Any:
    return value if isinstance(value, str) else float(value)
