"""What each health score is made of: one row per measure, on the as-of day and 30 days before.

Scores of every day, by dimension, are in mart/health/customer_health_daily.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.customer_health_daily import TOLERANCE, scorable_days, scorable_rows
from health_assets.contracts.columns import AccountId, AsOfDate
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import on_any_of
from health_assets.scoring.scorecards import TREND_DAYS, scorecards_in_use, scored_parts
from health_assets.scoring.signals import SIGNAL_KEY, account_days
from health_assets.settings import Settings
from health_assets.tables import identity, table


class CustomerHealthParts(Contract):
    """Which measure contributes how much to each account's health, and from which value?

    Dimensions have the names of the scorecard. The as-of day, and the day 30 days before by the same scorecard: what
    changed in between is behind the trend.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    dimension = dy.String(primary_key=True, description="Dimension, by the scorecard's name")
    measure = dy.String(primary_key=True, description="Measure, by the scorecard's name")
    scorecard = dy.String(description="Name of the scorecard")
    metric = dy.String(description="Signal that the measure reads")
    value = dy.Float64(nullable=True, description="Value of the signal; null = not measured, or not a number")
    score = dy.Float64(
        nullable=True, description="Score of the measure, 0-100 unless a formula goes beyond; null = not measured"
    )
    is_connected = dy.Bool(description="Whether the signal was measured for any account up to the day")
    weight = dy.Float64(min=0, max=1, description="Share of the measure in all weights of the scorecard, 0-1")
    contribution = dy.Float64(
        nullable=True,
        description="Points of the health score that the measure contributes; null = not measured, or no score",
    )


@table(CustomerHealthParts)
def mart_customer_health_parts(
    dim_account: pl.LazyFrame,
    fact_account_metrics: pl.LazyFrame,
    fact_measured_signals: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """Parts of the two days."""
    days = (as_of - timedelta(days=TREND_DAYS), as_of)
    on_days = on_any_of(pl.col("as_of_date"), days)
    of_days = {name: signal.filter(on_days) for name, signal in signals.items()}
    panel = account_days(dim_account, *days).filter(on_days)
    rows = scorable_rows(
        scorable_days(panel, of_days.pop("fact_account_revenue_daily"), settings),
        list(of_days.values()),
        dim_account,
        fact_account_metrics,
        fact_measured_signals,
        settings,
    )
    parts = [
        scored_parts(rows, scorecard, pl.col("scorecard") == name).with_columns(scorecard=pl.lit(name))
        for name, scorecard in scorecards_in_use(settings).items()
    ]
    return pl.concat(parts).sort(CustomerHealthParts.primary_key()).select(CustomerHealthParts.column_names())


@identity(of=mart_customer_health_parts)
def contributions__of_all_measures_are_the_score(
    mart_customer_health_parts: pl.LazyFrame, mart_customer_health: pl.LazyFrame
) -> pl.LazyFrame:
    """What the measures of an account contribute on the as-of day adds up to its score, before it is limited and rounded."""
    scores = mart_customer_health.filter(pl.col("computed_health_score").is_not_null()).select(
        *SIGNAL_KEY, score=pl.col("computed_health_score") - pl.col("rounding_difference").fill_null(0)
    )
    parts = mart_customer_health_parts.group_by(SIGNAL_KEY).agg(pl.col("contribution").sum())
    both = scores.join(parts, on=SIGNAL_KEY, how="left", validate="1:1")
    return both.filter((pl.col("contribution").fill_null(0) - pl.col("score")).abs() > TOLERANCE)
