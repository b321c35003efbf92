"""What got worse in an account's workflow from one closed month to the next: ratios, changes and the flags they raise.

Shared by mart.operations_risk (by month) and fact.account_operations_daily (by day).
"""

from collections.abc import Sequence

import polars as pl

from health_assets.contracts.expressions import rounded, safe_ratio
from health_assets.settings import Settings

COUNTS = [
    "tickets_processed",
    "processing_minutes",
    "timed_count",
    "data_error_count",
    "data_checked_count",
    "denied_count",
    "decided_count",
]
FLAGS = ["is_volume_drop", "is_slowdown", "is_data_error_rise", "is_denial_rise"]
BEFORE = "_before"
DECIMALS = 9  # a value exactly on a threshold raises no flag, whatever rounding errors of floats say


def with_flags(months: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Closed months with what changed since the month before, and the flags that it raises.

    A change is null where the month before has fewer than `min_events` of what is compared.

    Args:
        months: rows with COUNTS of a month and, with the suffix BEFORE, of the month before it; null = not measured.
        settings: with `workflow.flags` and `min_events`.

    Adds:
        volume_ratio, minutes_ratio, data_error_change, denial_change, the FLAGS, measurable_flag_count, risk_score.
    """
    limits, least = settings.workflow.flags, settings.min_events
    items, items_before = pl.col("tickets_processed"), pl.col(f"tickets_processed{BEFORE}")
    minutes, minutes_before = _of_both(["processing_minutes", "timed_count"], least)
    errors, errors_before = _of_both(["data_error_count", "data_checked_count"], least)
    denials, denials_before = _of_both(["denied_count", "decided_count"], least)
    is_measurable = pl.sum_horizontal(pl.col(flag).is_not_null() for flag in FLAGS).cast(pl.Int64)
    raised = pl.sum_horizontal(pl.col(flag).fill_null(False) for flag in FLAGS).cast(pl.Int64)
    return (
        months.with_columns(
            is_volume_drop=pl.when(items_before >= least).then(
                items < rounded(items_before * limits.volume_below, DECIMALS)
            ),
            volume_ratio=pl.when(items_before >= least).then(safe_ratio(items, items_before)),
            minutes_ratio=safe_ratio(minutes, minutes_before),
            data_error_change=errors - errors_before,
            denial_change=denials - denials_before,
        )
        .with_columns(
            is_slowdown=rounded(pl.col("minutes_ratio"), DECIMALS) > limits.minutes_above,
            is_data_error_rise=rounded(pl.col("data_error_change"), DECIMALS) > limits.data_error_rise,
            is_denial_rise=rounded(pl.col("denial_change"), DECIMALS) > limits.denial_rise,
        )
        .with_columns(measurable_flag_count=is_measurable, risk_score=pl.when(is_measurable > 0).then(raised))
    )


def _of_both(ratio: Sequence[str], least: int) -> tuple[pl.Expr, pl.Expr]:
    """A ratio in the month and in the month before; the latter null where it is of fewer than `least`."""
    numerator, denominator = ratio
    before = pl.col(f"{denominator}{BEFORE}")
    return (
        safe_ratio(pl.col(numerator), pl.col(denominator)),
        pl.when(before >= least).then(safe_ratio(pl.col(f"{numerator}{BEFORE}"), before)),
    )
