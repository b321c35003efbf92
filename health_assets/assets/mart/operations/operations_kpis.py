"""The operational figures of each account by month, with their averages of three months and the account's rank.

Warnings belong in operations_risk.py, money in operations_roi.py, all accounts together in operations_summary.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count, Minutes, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import quartile, safe_ratio
from health_assets.tables import table

MONTHS, QUARTILES = 3, 4
EARLY = "null = fewer than 3 months yet, or a month that is not over"


class OperationsKpis(Contract):
    """How does each account's workflow perform by month and on average, and who has the most volume and the best quality?"""

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account")
    tickets_processed = Count("Items completed in the month")
    avg_processing_minutes = Minutes("Mean from start to completion; null = nothing completed")
    data_error_rate = Share("Items with faulty data / those of which it is known; null also while the month runs")
    denial_rate = Share("Denied / (approved + denied) of the month; null also while the month runs")
    failed_count = Count("Items that failed on the way to a decision; null = no outcomes connected", nullable=True)
    avg_tickets_processed_3m = dy.Float64(
        nullable=True, min=0, description=f"Items a month, mean of the month and the two before; {EARLY}"
    )
    avg_processing_minutes_3m = Minutes(f"Mean over the items of these three months; {EARLY}, or no item")
    data_error_rate_3m = Share(f"Faulty / known of these three months; {EARLY}")
    denial_rate_3m = Share(f"Denied / decided of these three months; {EARLY}")
    volume_quartile = dy.Int64(
        nullable=True, min=1, max=4, description="1 = most items among the accounts of the month; null while it runs"
    )
    quality_quartile = dy.Int64(
        nullable=True, min=1, max=4, description="1 = lowest denial rate of the month; null = no denial rate"
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")


@table(OperationsKpis)
def mart_operations_kpis(fact_workflow_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """One row per account and month of the workflow."""
    decided = _sum_3m("approved_count") + _sum_3m("denied_count")
    return (
        fact_workflow_monthly.sort("account_id", "month")
        .with_columns(
            avg_tickets_processed_3m=_sum_3m("tickets_processed") / MONTHS,
            avg_processing_minutes_3m=safe_ratio(_sum_3m("processing_minutes"), _sum_3m("timed_count")),
            data_error_rate_3m=safe_ratio(_sum_3m("data_error_count"), _sum_3m("data_checked_count")),
            denial_rate_3m=safe_ratio(_sum_3m("denied_count"), decided),
            volume_quartile=quartile(pl.when(~pl.col("is_partial")).then(-pl.col("tickets_processed")), "month"),
            quality_quartile=quartile(pl.col("denial_rate"), "month"),
        )
        .select(OperationsKpis.column_names())
    )


def _sum_3m(column: str) -> pl.Expr:
    """Sum of the month and the two before it; null where one is missing or not over."""
    return pl.when(~pl.col("is_partial")).then(pl.col(column).rolling_sum(MONTHS).over("account_id", order_by="month"))
