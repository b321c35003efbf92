"""A company's own metrics up to the as-of day, one row per value.

What holds on a day is the latest value by then; scorecards, risk factors and rule sets read it under the metric's name.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.tables import table


class OwnMetrics(Contract):
    """What else does the company know of its accounts, and since when?"""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    as_of_date = Day(
        "Day from which the value holds, until the next one", primary_key=True, nullable=False,
        metadata={"available_from": True},
    )  # fmt: skip
    metric = dy.String(primary_key=True, description="Name of the metric")
    value = dy.Float64(description="Value; true and yes are 1, false and no 0")
    is_latest = dy.Bool(description="Whether it is the latest of the account and metric by the as-of day")


@table(OwnMetrics)
def fact_account_metrics(staged_account_metrics: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Values known by the as-of day."""
    day = pl.col("as_of_date")
    return (
        staged_account_metrics.filter(day <= as_of)
        .with_columns(is_latest=day == day.max().over("account_id", "metric"))
        .sort("account_id", "metric", "as_of_date")
        .select(OwnMetrics.column_names())
    )
