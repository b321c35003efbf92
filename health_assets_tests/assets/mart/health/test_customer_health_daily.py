"""Health by day."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily
from health_assets.contracts.contract import table_rules
from health_assets.contracts.expressions import Period
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets_tests.assets.rows import SETTINGS, made, rows

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


def health(*usage: dict[str, Any], **given: Any) -> pl.DataFrame:
    days = (date(2024, 12, 31), FIRST, LAST)
    given = {"dim_account": rows("dim_account", {"account_id": "a1", "signup_date": date(2024, 1, 1)})} | given
    return made(
        "mart_customer_health_daily",
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *(REVENUE | {"as_of_date": day} for day in days)),
        fact_account_usage_daily=rows("fact_account_usage_daily", *usage),
        fact_account_adoption_daily=rows("fact_account_adoption_daily", *usage),
        **{"period": Period(FIRST, LAST)} | given,
    )


def test_feeds_that_are_not_connected_leave_their_weight_to_the_others() -> None:
    # usage .4 x 100 + .3 x 50 + .3 x 100 = 85; adoption 50 (breadth alone); revenue (.4 x 100 + .4 x 50) / .8 = 75
    # (.30 x 85 + .15 x 50 + .25 x 75) / .70 = 51.75 / .70
    found = health(USAGE | {"as_of_date": FIRST}).filter(pl.col("as_of_date") == FIRST)
    row = found.to_dicts()[0]
    assert (row["usage_score"], row["adoption_score"], row["revenue_score"]) == (85, 50, 75)
    assert (row["support_score"], row["satisfaction_score"], row["security_score"]) == (None, None, None)
    assert round(row["health_score"], 6) == round(51.75 / 0.70, 6)
    assert row["coverage"] == 1  # nothing else is measured for anybody
    assert row["breadth"] == pytest.approx((0.30 + 0.15 * 0.6 + 0.25 * 0.8) / 2.05)
    assert row["health_band"] == "neutral"


def measured(*signals: str, since: date = FIRST) -> pl.LazyFrame:
    month = since.replace(day=1)
    return rows("fact_measured_signals", *({"signal": name, "month": month, "first_date": since} for name in signals))


def test_each_day_of_the_period_is_scored_by_its_own_facts() -> None:
    connected = measured("usage_change_ratio", "days_since_last_login", "active_day_count_30d", "feature_breadth_30d")
    found = health(USAGE | {"as_of_date": FIRST}, fact_measured_signals=connected)
    assert found["as_of_date"].to_list() == [FIRST, LAST]
    assert found["health_band"].to_list() == ["neutral", "unknown"]
    # on the second day usage is silent: .25 x .8 of .30 + .15 x .6 + .25 x .8
    assert found["coverage"].to_list() == pytest.approx([1, 0.20 / 0.59])


def test_own_metric_is_a_signal_under_its_name_and_holds_until_the_next_value() -> None:
    card = SETTINGS.scorecards["standard"]
    measure = card.dimensions["revenue"].measures["overdue"].model_copy(update={"metric": "seats_in_use"})
    own = {"revenue": card.dimensions["revenue"].model_copy(update={"measures": {"seats": measure, "due": measure}})}
    chosen = SETTINGS.model_copy(update={"scorecards": {"standard": card.model_copy(update={"dimensions": own})}})
    values = rows(
        "fact_account_metrics",
        {"account_id": "a1", "as_of_date": date(2024, 12, 1), "metric": "seats_in_use", "value": 1.0},
        {"account_id": "a1", "as_of_date": LAST, "metric": "seats_in_use", "value": 0.0},
        {"account_id": "a1", "as_of_date": LAST, "metric": "other", "value": 2.0},
    )
    found = health(fact_account_metrics=values, settings=chosen)
    assert found.sort("as_of_date")["health_score"].to_list() == [50, 100]  # linear from 2 to 0


def test_filter_of_a_scorecard_may_name_an_own_metric() -> None:
    card = SETTINGS.scorecards["standard"].model_copy(update={"accounts": "is_scored and is_pilot = 1"})
    chosen = SETTINGS.model_copy(update={"scorecards": {"standard": card}})
    pilot = {"account_id": "a1", "as_of_date": LAST, "metric": "is_pilot", "value": 1.0}
    found = health(fact_account_metrics=rows("fact_account_metrics", pilot), settings=chosen)
    assert found["as_of_date"].to_list() == [LAST]


def test_contributions_that_do_not_sum_to_the_score_break_the_contract() -> None:
    found = health(USAGE | {"as_of_date": FIRST}).head(1)
    broken = found.with_columns(pl.col("health_score") + 1)
    rule = table_rules(CustomerHealthDaily)["contributions__sum_to_score"]
    assert found.select(rule).to_series().to_list() == [True]
    assert broken.select(rule).to_series().to_list() == [False]


def test_first_scorecard_whose_filter_names_the_account_scores_it_and_the_default_the_others() -> None:
    chosen = SETTINGS.model_copy(
        update={
            "scorecards_for": [
                company_settings.ScorecardFor(
                    scorecard="novacrm", accounts="segment = 'enterprise' and tenure_days > 90"
                ),
                company_settings.ScorecardFor(scorecard="standard", accounts="segment = 'enterprise'"),
            ],
            "scorecards": SETTINGS.scorecards
            | {"novacrm": SETTINGS.scorecards["novacrm"].model_copy(update={"accounts": "is_scored"})},
        }
    )
    accounts = rows(
        "dim_account",
        {"account_id": "a1", "segment": "enterprise", "signup_date": date(2024, 10, 3)},  # 90 days old on the first
    )
    found = health(USAGE | {"as_of_date": FIRST}, dim_account=accounts, settings=chosen).sort("as_of_date")
    assert found["scorecard"].to_list() == ["standard", "novacrm"]
    assert found["scorecard_version"].to_list() == [chosen.scorecards[name].version for name in found["scorecard"]]


def test_no_activity_is_not_no_data() -> None:
    found = health(USAGE | {"as_of_date": FIRST, "event_count_30d": 0})
    assert found["usage_state"].to_list() == ["no_activity", "no_data"]
    assert health(USAGE | {"as_of_date": FIRST, "event_count_30d": 1})["usage_state"][0] == "active"


def test_every_account_x_day_fact_is_a_signal_and_no_two_bring_the_same_column() -> None:
    facts = {name: table for name, table in load_all().items() if name.startswith("fact_account_")}
    signals = {name for name, table in facts.items() if table.contract.primary_key() == SIGNAL_KEY}
    for mart in ("mart_customer_health_daily", "mart_churn_risk"):
        assert signals - set(load_all()[mart].inputs) == set()
    brought = [column for name in signals for column in facts[name].contract.column_names()]
    assert {column for column in brought if brought.count(column) > 1} == set(SIGNAL_KEY)
