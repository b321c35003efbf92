"""Which signals the company measures at all, and since when.

A signal is connected from the first day on which any account has it: an empty file, or a column that is always blank,
connects nothing. What a score makes of it is in scoring/scorecards.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, month_of
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.tables import table


class MeasuredSignals(Contract):
    """Which signals could scorecards and risk factors read in each month?

    A signal that was measured for no account in a month has no row for it.
    """

    signal = dy.String(
        primary_key=True, description="Column of a fact.account_*_daily table, or metric of account_metrics"
    )
    month = dy.Date(primary_key=True, description="First day of the month")
    first_date = Day(
        "First day of the month on which any account has the signal", nullable=False, metadata={"available_from": True}
    )


@table(MeasuredSignals, monthly=True, lookback_months=0)
def fact_measured_signals(
    fact_account_metrics: pl.LazyFrame,
    period: Period,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """One row per signal and month of the period in which it was measured."""
    in_period = period.holds(pl.col("as_of_date"))
    own = (
        fact_account_metrics.filter(in_period)
        .group_by(signal="metric", month=month_of(pl.col("as_of_date")))
        .agg(first_date=pl.col("as_of_date").min())
    )
    return (
        pl.concat(
            [
                *(_first_dates(table.filter(in_period)) for table in signals.values()),
                own.select("month", "signal", "first_date"),
            ]
        )
        .group_by("signal", "month")
        .agg(pl.col("first_date").min())
        .sort("signal", "month")
        .select(MeasuredSignals.column_names())
    )


def _first_dates(days: pl.LazyFrame) -> pl.LazyFrame:
    """Month and signal -> the first day on which any account has it."""
    day, names = pl.col("as_of_date"), [name for name in days.collect_schema().names() if name not in SIGNAL_KEY]
    return (
        days.group_by(month=month_of(day))
        .agg(day.filter(pl.col(name).is_not_null()).min().alias(name) for name in names)
        .unpivot(index="month", variable_name="signal", value_name="first_date")
        .drop_nulls("first_date")
    )
