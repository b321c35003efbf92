"""Early warnings of each account's workflow: what got worse against the month before.

Only months that are over are judged. The levels of churn belong in mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import rounded
from health_assets.settings import Settings
from health_assets.tables import table

FLAGS = ["is_volume_drop", "is_slowdown", "is_data_error_rise", "is_denial_rise"]
NOT_JUDGED = "null = first month, a month that is not over, or not measured in one of the two"
DECIMALS = 9  # exactly on a threshold is no warning, whatever the dust of floats says


class OperationsRisk(Contract):
    """Which accounts show early signs of trouble: less volume, slower work, worse data, more denials?"""

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account")
    volume_ratio = dy.Float64(
        nullable=True, min=0, description="Items / those of the month before; null = those are 0, or as for the flags"
    )
    minutes_ratio = dy.Float64(
        nullable=True, min=0, description=f"Mean minutes / those of the month before; {NOT_JUDGED}"
    )
    data_error_change = dy.Float64(
        nullable=True, min=-1, max=1, description=f"Data error rate - that of the month before; {NOT_JUDGED}"
    )
    denial_change = dy.Float64(
        nullable=True, min=-1, max=1, description=f"Denial rate - that of the month before; {NOT_JUDGED}"
    )
    is_volume_drop = dy.Bool(
        nullable=True, description="Items below 0.8 x those of the month before; null = first month, or not over"
    )
    is_slowdown = dy.Bool(
        nullable=True, description=f"Mean minutes above 1.25 x those of the month before; {NOT_JUDGED}"
    )
    is_data_error_rise = dy.Bool(nullable=True, description=f"Data error rate risen by more than 0.03; {NOT_JUDGED}")
    is_denial_rise = dy.Bool(nullable=True, description=f"Denial rate risen by more than 0.03; {NOT_JUDGED}")
    risk_score = Count("Flags raised, 0-4; null = first month, or a month that is not over", nullable=True, max=4)
    measurable_flag_count = Count("Flags that could be judged, 0-4: a risk score of few flags says little", max=4)
    is_at_risk = dy.Bool(nullable=True, description="Whether risk_score is 2 or more; null where it is")
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")


@table(OperationsRisk)
def mart_operations_risk(fact_workflow_monthly: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """One row per account and month of the workflow."""
    limits = settings.workflow.flags
    items, items_before = pl.col("tickets_processed"), _before("tickets_processed")
    judged = pl.sum_horizontal(pl.col(flag).is_not_null() for flag in FLAGS).cast(pl.Int64)
    raised = pl.sum_horizontal(pl.col(flag).fill_null(False) for flag in FLAGS).cast(pl.Int64)
    return (
        fact_workflow_monthly.with_columns(
            is_volume_drop=_judged(items < rounded(items_before * limits.volume_below, DECIMALS)),
            volume_ratio=_judged(pl.when(items_before > 0).then(items / items_before)),
            minutes_ratio=_judged(pl.col("avg_processing_minutes") / _before("avg_processing_minutes")),
            data_error_change=_judged(pl.col("data_error_rate") - _before("data_error_rate")),
            denial_change=_judged(pl.col("denial_rate") - _before("denial_rate")),
        )
        .with_columns(
            is_slowdown=rounded(pl.col("minutes_ratio"), DECIMALS) > limits.minutes_above,
            is_data_error_rise=rounded(pl.col("data_error_change"), DECIMALS) > limits.data_error_rise,
            is_denial_rise=rounded(pl.col("denial_change"), DECIMALS) > limits.denial_rise,
        )
        .with_columns(measurable_flag_count=judged, risk_score=pl.when(judged > 0).then(raised))
        .with_columns(is_at_risk=pl.col("risk_score") >= settings.workflow.at_risk_from)
        .sort("account_id", "month")
        .select(OperationsRisk.column_names())
    )


def _before(column: str) -> pl.Expr:
    """The month before, which is the row before; null in an account's first month."""
    return pl.col(column).shift(1).over("account_id", order_by="month")


def _judged(verdict: pl.Expr) -> pl.Expr:
    return pl.when(~pl.col("is_partial")).then(verdict)
