"""Health by day."""

from datetime import date

import polars as pl

from health_assets import settings
from health_assets.assets.fact.account_revenue_daily import AccountRevenueDaily
from health_assets.assets.fact.account_support_daily import AccountSupportDaily
from health_assets.assets.fact.account_usage_daily import AccountUsageDaily
from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily, mart_customer_health_daily
from health_assets.contracts import dtypes, table_rules
from health_assets.expressions import Period

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 2)
REVENUE = {
    "account_id": "a1",
    "is_scored": True,
    "mrr": 100.0,
    "mrr_change_ratio_90d": 0.05,
    "overdue_invoice_count": 1,
}
USAGE = {
    "account_id": "a1",
    "usage_change_ratio": 0.1,
    "days_since_last_login": 16,
    "active_day_count_30d": 15,
    "feature_breadth_30d": 0.4,
}


def frame(contract: type, *rows: dict) -> pl.LazyFrame:
    return pl.DataFrame(list(rows), schema=dict(dtypes(contract))).lazy()


def health(*usage: dict) -> pl.DataFrame:
    return mart_customer_health_daily(
        frame(AccountRevenueDaily, *(REVENUE | {"as_of_date": day} for day in (date(2024, 12, 31), FIRST, LAST))),
        frame(AccountUsageDaily, *usage),
        frame(AccountSupportDaily),
        settings.load(settings.DEFAULTS),
        Period(FIRST, LAST),
    ).collect()


def test_feeds_that_are_not_connected_leave_their_weight_to_the_others() -> None:
    # usage .4 x 100 + .3 x 50 + .3 x 100 = 85; adoption 50 (breadth alone); revenue .5 x 100 + .5 x 50 = 75
    # (.30 x 85 + .15 x 50 + .25 x 75) / .70 = 51.75 / .70
    rows = health(USAGE | {"as_of_date": FIRST}).filter(pl.col("as_of_date") == FIRST)
    row = rows.to_dicts()[0]
    assert (row["usage_score"], row["adoption_score"], row["revenue_score"]) == (85, 50, 75)
    assert (row["support_score"], row["satisfaction_score"], row["security_score"]) == (None, None, None)
    assert round(row["health_score"], 6) == round(51.75 / 0.70, 6)
    assert row["coverage"] == 0.64  # .30 + .15 x .6 + .25
    assert row["health_band"] == "neutral"


def test_each_day_of_the_period_is_scored_by_its_own_facts() -> None:
    rows = health(USAGE | {"as_of_date": FIRST})
    assert rows["as_of_date"].to_list() == [FIRST, LAST]
    assert rows["health_band"].to_list() == ["neutral", "unknown"]


def test_contributions_that_do_not_sum_to_the_score_break_the_promise() -> None:
    rows = health(USAGE | {"as_of_date": FIRST}).head(1)
    broken = rows.with_columns(pl.col("health_score") + 1)
    rule = table_rules(CustomerHealthDaily)["contributions__sum_to_score"]
    assert rows.select(rule).to_series().to_list() == [True]
    assert broken.select(rule).to_series().to_list() == [False]
