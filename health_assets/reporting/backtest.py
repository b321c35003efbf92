"""The published history of scores, compared with who churned later. The rules are in scoring/backtest.py."""

from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
import polars as pl

from health_assets.reporting.labels import worded
from health_assets.reporting.reader import published
from health_assets.reporting.signals import health_on, scorable_on, signals_on
from health_assets.scoring.backtest import BEATS, NOT_ENOUGH, Findings, ScoreFindings, evaluated
from health_assets.scoring.churn_labels import KEY, churn_dates, labelled, observation_days, observed
from health_assets.scoring.churn_model import out_of_fold
from health_assets.scoring.like_for_like import with_trend
from health_assets.scoring.own_metrics import with_own_metrics
from health_assets.scoring.risk_score import risk_signals, with_risk
from health_assets.scoring.scorecards import (
    DIMENSIONS,
    TREND_DAYS,
    bands_in_use,
    score_column,
    scorecards_in_use,
    scored,
)
from health_assets.scoring.signals import joined_signals, with_missing_as_null
from health_assets.settings import Settings

DIMENSION_SCORES = [score_column(dimension) for dimension in DIMENSIONS]  # that the churn model may learn from
PERIOD = """
    select min(as_of_date), max(as_of_date) from (
        select as_of_date from fact.account_revenue_daily union all select as_of_date from fact.account_commerce_daily
    )
"""
REVENUE = "select account_id, as_of_date, account_status, mrr::double as mrr from fact.account_revenue_daily"
ACCOUNTS = "select account_id, signup_date, first_paid_date, cancelled_date from dim.account"
ORDERS = "select account_id, order_date, net_amount as total_amount from fact.orders where is_order"
METRICS = "select account_id, as_of_date, metric, value from fact.account_metrics"
FREQUENCY = """
    with days as (select unnest(?)::date as as_of_date),
    activity as (
        select account_id, activity_date as day, event_count as events, null as orders from fact.usage_daily union all
        select account_id, order_date, null, 1 from fact.orders where is_order
    )
    select account_id, as_of_date, sum(events)::double as events_to_date, sum(orders)::double as orders_to_date
    from activity join days on day <= as_of_date group by all
"""


def backtest(company: Settings) -> Findings | None:
    """How well the scores ranked the accounts that churned; None where no account was there early enough.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    rules = company.backtest
    with published(company) as connection:
        days = _observation_days(connection, company)
        revenue, accounts, orders = (connection.sql(query).pl().lazy() for query in (REVENUE, ACCOUNTS, ORDERS))
        churns = churn_dates(revenue, company.revenue.churn_gap_days)
        labels = labelled(observed(revenue, orders, accounts, days, rules), churns, orders, rules).collect()
        if labels.is_empty():
            return None
        frequency = connection.execute(FREQUENCY, [days]).pl().lazy()
        health = _health(connection, days, company, is_commerce=bool(labels["is_commerce"].all()))
        signals, metrics = signals_on(connection, days), connection.sql(METRICS).pl().lazy()
    activity = pl.when("is_commerce").then("orders_to_date").otherwise("events_to_date")
    silence = pl.when("is_commerce").then("days_without_order").otherwise("days_since_last_login")
    rows = (
        joined_signals(labels.lazy(), health, *signals)
        .join(frequency, on=KEY, how="left", validate="1:1")
        .with_columns(days_silent=silence, frequency=activity, computed_health_score="health_score")
        .pipe(with_own_metrics, metrics, risk_signals(company.churn_risk))
        .pipe(with_risk, company.churn_risk)
        .collect()
    )
    probabilities = out_of_fold(rows, rules, company.churn_model)
    return evaluated(rows.join(probabilities, on=KEY, how="left", validate="1:1"), bands_in_use(company), rules)


def meaning(found: ScoreFindings) -> str:
    """What a conclusion means to the reader, and what to do next."""
    if found.conclusion == NOT_ENOUGH:
        return (
            "It cannot be said yet whether this score predicts churn: use it to choose the accounts to talk to, not as a forecast, "
            "and run the backtest again when more accounts have left."
        )
    if found.conclusion == BEATS:
        return "It found the accounts that left better than any simple ranking: its order can be relied on."
    as_good = [worded(name) for name, gain in found.gains.items() if gain.low is None or gain.low <= 0]
    return (
        f"Ranking by {' or '.join(as_good)} alone may find the accounts that leave as well: look at that too before you act on the "
        "order, try another scorecard (`health-assets scorecard compare`), and test changed weights on later months only."
    )


def _health(
    connection: duckdb.DuckDBPyConnection, days: Sequence[date], company: Settings, *, is_commerce: bool
) -> pl.LazyFrame:
    """Health on the days, with its trend: as published, or of a shop by the scorecard of now.

    What a shop's CRM said of an account is known from the first load on only, so no score was published for days before.
    """
    all_days = sorted({*days, *(day - timedelta(days=TREND_DAYS) for day in days)})
    scorecards = scorecards_in_use(company)
    if is_commerce:
        rows = scorable_on(connection, all_days, company)
        scores = [
            scored(rows, card.model_copy(update={"accounts": "true"}), pl.col("scorecard") == name).with_columns(
                scorecard=pl.lit(name), scorecard_version=pl.lit(card.version)
            )
            for name, card in scorecards.items()
        ]
        health = with_missing_as_null(pl.concat(scores, how="diagonal"), DIMENSION_SCORES)
    else:
        health = health_on(connection, all_days)
    return with_trend(health, scorecards, TREND_DAYS).filter(pl.col("as_of_date").is_in(days))


def _observation_days(connection: duckdb.DuckDBPyConnection, company: Settings) -> list[date]:
    ((first, last),) = connection.sql(PERIOD).fetchall()
    return observation_days(first, last, company.backtest) if first else []
