"""The published history of scores, compared with who churned later. The rules are in scoring/backtest.py."""

from datetime import date

import duckdb
import polars as pl

from health_assets.reporting.reader import published
from health_assets.reporting.signals import signals_on
from health_assets.scoring.backtest import Findings, evaluated
from health_assets.scoring.churn_labels import KEY, churn_dates, labelled, observation_days, observed
from health_assets.scoring.churn_model import out_of_fold
from health_assets.scoring.risk_score import with_risk
from health_assets.scoring.scorecards import TREND_DAYS, bands_in_use
from health_assets.scoring.signals import joined_signals
from health_assets.settings import Settings

PERIOD = "select min(as_of_date), max(as_of_date) from fact.account_revenue_daily"
REVENUE = "select account_id, as_of_date, account_status, mrr::double as mrr from fact.account_revenue_daily"
ACCOUNTS = "select account_id, signup_date, first_paid_date, cancelled_date from dim.account"
ORDERS = "select account_id, order_date, net_amount as total_amount from fact.orders where is_order"
EARLIER = """
    select account_id, as_of_date + ?::integer as as_of_date, scorecard_version as earlier_version,
           health_score as earlier_score
    from mart.customer_health_daily where as_of_date + ?::integer in (select unnest(?))
"""


def backtest(company: Settings) -> Findings | None:
    """How well the published scores ranked the accounts that churned; None where the history is too short.

    Raises:
        SnapshotError: nothing is published, or by another version.
    """
    rules = company.backtest
    with published(company) as connection:
        days = _observation_days(connection, company)
        revenue, accounts, orders = (connection.sql(query).pl().lazy() for query in (REVENUE, ACCOUNTS, ORDERS))
        earlier = connection.execute(EARLIER, [TREND_DAYS, TREND_DAYS, days]).pl().lazy()
        signals = signals_on(connection, days)
    churns = churn_dates(revenue, company.revenue.churn_gap_days)
    labels = labelled(observed(revenue, orders, accounts, days, rules), churns, orders, rules)
    silence = pl.when("is_commerce").then("days_without_order").otherwise("days_since_last_login")
    is_same_version = pl.col("earlier_version") == pl.col("scorecard_version")
    scored_rows = (
        joined_signals(labels, *signals)
        .join(earlier, on=KEY, how="left", validate="1:1")
        .with_columns(
            days_silent=silence,
            computed_health_score="health_score",
            trend_30d=pl.when(is_same_version).then(pl.col("health_score") - pl.col("earlier_score")),
        )
        .pipe(with_risk, company.churn_risk)
        .collect()
    )
    if scored_rows.is_empty():
        return None
    probabilities = out_of_fold(scored_rows, rules, company.churn_model)
    return evaluated(scored_rows.join(probabilities, on=KEY, how="left", validate="1:1"), bands_in_use(company), rules)


def _observation_days(connection: duckdb.DuckDBPyConnection, company: Settings) -> list[date]:
    ((first, last),) = connection.sql(PERIOD).fetchall()
    return observation_days(first, last, company.backtest) if first else []
