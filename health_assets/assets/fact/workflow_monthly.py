"""Work done for each account by month: volume, minutes, data errors, outcomes.

How a month compares with those before belongs in mart/operations/, as does what the work is worth.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count, Minutes, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_of, safe_ratio
from health_assets.tables import identity, table

SECONDS_OF_A_MINUTE = 60
ITEM_COUNTS = ["tickets_processed", "timed_count", "data_checked_count", "data_error_count"]
OUTCOME_COUNTS = ["approved_count", "denied_count", "failed_count"]
NO_OUTCOMES = "null = no outcomes connected"


class WorkflowMonthly(Contract):
    """How much work ran through each account's workflow, how fast, how cleanly, and with what outcome?

    From the account's first month of work to the as-of month, or to the month in which the account left (the last one with
    work, where no date is known): a month without work is a row with a volume of 0.
    """

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account")
    tickets_processed = Count("Items completed in the month")
    processing_minutes = Minutes("Sum of their minutes from start to completion, of the timed ones")
    timed_count = Count("Of these, completed no earlier than started")
    avg_processing_minutes = Minutes("Mean from start to completion of the timed ones; null = none")
    data_checked_count = Count("Of the completed ones, those of which it is known whether their data were faulty")
    data_error_count = Count("Of those, with faulty data")
    data_error_rate = Share("Faulty / known; null also in a month that is not over")
    approved_count = Count(f"Items whose latest outcome is an approval of this month; {NO_OUTCOMES}", nullable=True)
    denied_count = Count(f"Items whose latest outcome is a denial of this month; {NO_OUTCOMES}", nullable=True)
    failed_count = Count(f"Items whose latest outcome is a failure of this month; {NO_OUTCOMES}", nullable=True)
    denial_rate = Share("Denied / (approved + denied); null also in a month that is not over")
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def counts__parts_of_the_processed(cls) -> pl.Expr:
        """Timed and checked items are among those processed, and errors among those checked."""
        return (pl.max_horizontal("timed_count", "data_checked_count") <= pl.col("tickets_processed")) & (
            pl.col("data_error_count") <= pl.col("data_checked_count")
        )


@table(WorkflowMonthly)
def fact_workflow_monthly(
    staged_workflow_items: pl.LazyFrame,
    staged_outcomes: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """One row per account and month, without gaps."""
    items = _by_month_of_completion(staged_workflow_items, as_of)
    outcomes = _by_month_of_outcome(staged_outcomes, staged_workflow_items, as_of)
    has_outcomes = staged_outcomes.select(has_outcomes=pl.len() > 0)
    is_closed, decided = ~pl.col("is_partial"), pl.col("approved_count") + pl.col("denied_count")
    return (
        _months(items, outcomes, dim_account, as_of)
        .join(items, on=["account_id", "month"], how="left", validate="1:1")
        .join(outcomes, on=["account_id", "month"], how="left", validate="1:1")
        .join(has_outcomes, how="cross")
        .with_columns(
            pl.col("processing_minutes").fill_null(0.0),
            *(pl.col(count).fill_null(0) for count in ITEM_COUNTS),
            *(pl.when("has_outcomes").then(pl.col(count).fill_null(0)).alias(count) for count in OUTCOME_COUNTS),
            is_partial=pl.col("month").dt.month_end() > as_of,
        )
        .with_columns(
            avg_processing_minutes=safe_ratio(pl.col("processing_minutes"), pl.col("timed_count")),
            data_error_rate=pl.when(is_closed).then(
                safe_ratio(pl.col("data_error_count"), pl.col("data_checked_count"))
            ),
            denial_rate=pl.when(is_closed).then(safe_ratio(pl.col("denied_count"), decided)),
        )
        .sort("account_id", "month")
        .select(WorkflowMonthly.column_names())
    )


def _by_month_of_completion(staged_workflow_items: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    seconds = (pl.col("completed_at") - pl.col("started_at")).dt.total_seconds(fractional=True)
    return (
        staged_workflow_items.filter(pl.col("completed_date") <= as_of)
        .with_columns(minutes=pl.when(seconds >= 0).then(seconds / SECONDS_OF_A_MINUTE))
        .group_by("account_id", month=month_of(pl.col("completed_date")))
        .agg(
            tickets_processed=pl.len().cast(pl.Int64),
            processing_minutes=pl.col("minutes").sum(),
            timed_count=pl.col("minutes").count().cast(pl.Int64),
            data_checked_count=pl.col("has_data_error").count().cast(pl.Int64),
            data_error_count=pl.col("has_data_error").sum().cast(pl.Int64),
        )
    )


def _by_month_of_outcome(
    staged_outcomes: pl.LazyFrame, staged_workflow_items: pl.LazyFrame, as_of: date
) -> pl.LazyFrame:
    """Of each item the latest outcome alone, in the month of that outcome; of two on one day the one of the higher key."""
    latest = (
        staged_outcomes.filter(pl.col("outcome_date") <= as_of)
        .sort("outcome_date", "outcome_id")
        .unique("item_id", keep="last", maintain_order=True)
    )
    return (
        latest.join(staged_workflow_items.select("item_id", "account_id"), on="item_id", how="inner", validate="1:1")
        .group_by("account_id", month=month_of(pl.col("outcome_date")))
        .agg(
            (pl.col("result") == count.removesuffix("_count")).sum().cast(pl.Int64).alias(count)
            for count in OUTCOME_COUNTS
        )
    )


def _months(items: pl.LazyFrame, outcomes: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Each month from an account's first one on; of an account that has left, to the month of its end or last row."""
    left_in = month_of(pl.coalesce("churn_date", pl.when(~pl.col("is_active")).then("cancelled_date")))
    has_left_undated = (pl.col("account_status") == "churned") & pl.col("first_paid_date").is_null()
    until = pl.when(left_in.is_not_null() | has_left_undated).then(pl.max_horizontal("last", left_in)).otherwise(as_of)
    return (
        pl.concat([items.select("account_id", "month"), outcomes.select("account_id", "month")])
        .group_by("account_id")
        .agg(first=pl.col("month").min(), last=pl.col("month").max())
        .join(dim_account, on="account_id", how="inner", validate="1:1")  # who signs up later is no customer yet
        .select("account_id", "segment", month=pl.date_ranges("first", until, "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
    )


@identity(of=fact_workflow_monthly)
def months__without_gaps(fact_workflow_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """Each month of an account is followed by the next, so that the month before is the row before."""
    before = pl.col("month").shift(1).over("account_id", order_by="month")
    return fact_workflow_monthly.filter(before.dt.offset_by("1mo") != pl.col("month"))
