"""How each account's workflow did in the month that closed last, by day: the flags of the health score.

The months themselves belong in fact/workflow_monthly.py, each flag in mart/operations/operations_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, month_of
from health_assets.scoring.workflow_flags import BEFORE, with_flags
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

ONE = pl.lit(1.0)


class AccountOperationsDaily(Contract):
    """Did each account's workflow get worse in the month that closed last before each day?

    As known on the day: an outcome dated later changes nothing.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    operations_flag_count = Count(
        "Flags that the last closed month raised, 0-4; null where none could be measured", nullable=True, max=4
    )
    denial_rate_change = dy.Float64(
        nullable=True,
        min=-1,
        max=1,
        description="Denial rate of the last closed month - that of the month before; null = no outcomes, or fewer than "
        "`min_events` decided in the month before",
    )


@table(
    AccountOperationsDaily,
    monthly=True,
    settings_sections=("workflow", "min_events", "stale_after_days"),
    fed_by=("staged_workflow_items",),
)
def fact_account_operations_daily(
    staged_accounts: pl.LazyFrame,
    staged_workflow_items: pl.LazyFrame,
    staged_outcomes: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first item on, and the account's signup."""
    items, outcomes = _items(staged_workflow_items), _outcomes(staged_outcomes, staged_workflow_items)
    counted = {
        f"{name}{suffix}": _in_month_after(rows, months)
        for name, rows in (items | outcomes).items()
        for suffix, months in (("", 1), (BEFORE, 2))
    }
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .pipe(while_fresh, "workflow_items", staged_workflow_items, "started_date", settings)
        .pipe(with_flags, settings)
        .select(
            "account_id",
            as_of_date="day",
            operations_flag_count="risk_score",
            denial_rate_change="denial_change",
        )
    )


def _items(staged_workflow_items: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted of items -> the items, with the day that it belongs to."""
    done = staged_workflow_items.drop_nulls("completed_date").select(
        "account_id",
        "has_data_error",
        day="completed_date",
        superseded_date=pl.lit(None, pl.Date),
        size=ONE,
        minutes=(pl.col("completed_at") - pl.col("started_at")).dt.total_minutes(fractional=True),
    )
    timed = done.filter(pl.col("minutes") >= 0)
    return {
        "tickets_processed": done,
        "processing_minutes": timed.with_columns(size="minutes"),
        "timed_count": timed,
        "data_error_count": done.filter("has_data_error"),
        "data_checked_count": done.drop_nulls("has_data_error"),
    }


def _outcomes(staged_outcomes: pl.LazyFrame, staged_workflow_items: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted of outcomes -> the outcomes, each until the day of the item's next one."""
    decided = (
        staged_outcomes.join(
            staged_workflow_items.select("item_id", "account_id"), on="item_id", how="inner", validate="m:1"
        )
        .sort("item_id", "outcome_date", "outcome_id")
        .select(
            "account_id",
            "result",
            day="outcome_date",
            superseded_date=pl.col("outcome_date").shift(-1).over("item_id"),
            size=ONE,
        )
        .filter(pl.col("result") != "failed")
    )
    return {"denied_count": decided.filter(pl.col("result") == "denied"), "decided_count": decided}


def _in_month_after(rows: pl.LazyFrame, months: int) -> pl.LazyFrame:
    """Rows that count on the days of the month that is so many months after their own, until they are superseded."""
    first_day = month_of(pl.col("day")).dt.offset_by(f"{months}mo")
    return rows.select(
        "account_id",
        "size",
        first_day=first_day,
        end_day=pl.min_horizontal(first_day.dt.offset_by("1mo"), "superseded_date"),
    )
