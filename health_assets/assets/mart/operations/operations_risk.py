"""Early warnings of each account's workflow: what got worse since the month before.

Only closed months are compared. The same by day is fact/account_operations_daily.py; levels of churn risk belong in
mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count
from health_assets.contracts.contract import Contract
from health_assets.scoring.workflow_flags import BEFORE, COUNTS, with_flags
from health_assets.settings import Settings
from health_assets.tables import table

NOT_MEASURED = (
    "null = first month, a month that is not over, not measured, or fewer than `min_events` items in the month before"
)


class OperationsRisk(Contract):
    """Which accounts show early warning signs: lower volume, slower processing, more data errors, more denials?"""

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account")
    volume_ratio = dy.Float64(
        nullable=True, min=0, description=f"Items processed / those of the month before; {NOT_MEASURED}"
    )
    minutes_ratio = dy.Float64(
        nullable=True,
        min=0,
        description=f"Mean minutes / those of the month before; {NOT_MEASURED}, or all done within 0 minutes then",
    )
    data_error_change = dy.Float64(
        nullable=True, min=-1, max=1, description=f"Data error rate - that of the month before; {NOT_MEASURED}"
    )
    denial_change = dy.Float64(
        nullable=True, min=-1, max=1, description=f"Denial rate - that of the month before; {NOT_MEASURED}"
    )
    is_volume_drop = dy.Bool(
        nullable=True,
        description=f"Items below `workflow.flags.volume_below` x those of the month before; {NOT_MEASURED}",
    )
    is_slowdown = dy.Bool(
        nullable=True,
        description=f"Mean minutes above `workflow.flags.minutes_above` x those of the month before; {NOT_MEASURED}",
    )
    is_data_error_rise = dy.Bool(
        nullable=True,
        description=f"Data error rate risen by more than `workflow.flags.data_error_rise`; {NOT_MEASURED}",
    )
    is_denial_rise = dy.Bool(
        nullable=True, description=f"Denial rate risen by more than `workflow.flags.denial_rise`; {NOT_MEASURED}"
    )
    risk_score = Count("Flags raised, 0-4; null where none could be measured", nullable=True, max=4)
    measurable_flag_count = Count("Flags that could be measured, 0-4: a risk score of few flags says little", max=4)
    is_at_risk = dy.Bool(
        nullable=True, description="Whether risk_score reaches `workflow.at_risk_from`; null where it is"
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")


@table(OperationsRisk)
def mart_operations_risk(fact_workflow_monthly: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """One row per account and month of the workflow."""
    closed = pl.when(~pl.col("is_partial"))
    before = (pl.col(count).shift(1).over("account_id", order_by="month") for count in COUNTS)  # months have no gaps
    return (
        fact_workflow_monthly.with_columns(decided_count=pl.col("approved_count") + pl.col("denied_count"))
        .with_columns(closed.then(count).name.suffix(BEFORE) for count in before)
        .with_columns(closed.then(pl.col(count)).alias(count) for count in COUNTS)
        .pipe(with_flags, settings)
        .with_columns(is_at_risk=pl.col("risk_score") >= settings.workflow.at_risk_from)
        .sort("account_id", "month")
        .select(OperationsRisk.column_names())
    )
