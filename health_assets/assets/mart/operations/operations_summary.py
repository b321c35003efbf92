"""The workflow of all accounts by month, on one line.

What each account does belongs in the other tables of this folder; this one only adds them up.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Minutes, Money, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, safe_ratio
from health_assets.tables import identity, table


class OperationsSummary(Contract):
    """How is the workflow doing overall: volume, quality, accounts at risk, value for money?"""

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    account_count = Count("Accounts that use the workflow, those without an item in the month included")
    working_account_count = Count("Of these, with an item completed in the month")
    at_risk_account_count = Count(
        "Accounts that reach `workflow.at_risk_from` flags; null = no flag could be measured", nullable=True
    )
    tickets_processed = Count("Items completed")
    avg_processing_minutes = Minutes("Mean over all items; null = none")
    data_error_rate = Share("Faulty / known over all items; null also while the month runs")
    denial_rate = Share("Denied / decided over all items; null also while the month runs")
    valued_account_count = Count("Accounts whose value and fee are both known")
    value = Money("Their value; null = no such account", nullable=True)
    fee = Money("Their fee; null = no such account", nullable=True)
    repair_cost = Money("Their repair cost; null = no such account", nullable=True)
    net_value = Money("Value - fee - repair cost; null also while the month runs", min=None, nullable=True)
    value_to_cost = dy.Float64(
        nullable=True, min=0, description="Value / (fee + repair cost); null = that is 0, or while the month runs"
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def accounts__parts_of_all(cls) -> pl.Expr:
        """Working, at-risk and valued accounts are among all accounts."""
        parts = pl.max_horizontal("working_account_count", "at_risk_account_count", "valued_account_count")
        return parts <= pl.col("account_count")


@table(OperationsSummary)
def mart_operations_summary(
    fact_workflow_monthly: pl.LazyFrame, mart_operations_risk: pl.LazyFrame, mart_operations_roi: pl.LazyFrame
) -> pl.LazyFrame:
    """One row per month in which an account uses the workflow."""
    cost, is_closed = pl.col("fee") + pl.col("repair_cost"), ~pl.col("is_partial")
    decided = pl.col("approved_count") + pl.col("denied_count")
    return (
        _work(fact_workflow_monthly)
        .join(_risk(mart_operations_risk), on="month", how="left", validate="1:1")
        .join(_worth(mart_operations_roi), on="month", how="left", validate="1:1")
        .with_columns(
            avg_processing_minutes=safe_ratio(pl.col("processing_minutes"), pl.col("timed_count")),
            data_error_rate=pl.when(is_closed).then(
                safe_ratio(pl.col("data_error_count"), pl.col("data_checked_count"))
            ),
            denial_rate=pl.when(is_closed).then(safe_ratio(pl.col("denied_count"), decided)),
            valued_account_count=pl.col("valued_account_count").fill_null(0),
            net_value=pl.when(is_closed).then(pl.col("value") - cost),
            value_to_cost=pl.when(is_closed).then(safe_ratio(pl.col("value"), cost)),
        )
        .sort("month")
        .select(OperationsSummary.column_names())
    )


def _work(fact_workflow_monthly: pl.LazyFrame) -> pl.LazyFrame:
    summed = ["tickets_processed", "processing_minutes", "timed_count", "data_checked_count", "data_error_count"]
    return fact_workflow_monthly.group_by("month").agg(
        pl.col(*summed, "approved_count", "denied_count").sum(),
        account_count=pl.len().cast(pl.Int64),
        working_account_count=(pl.col("tickets_processed") > 0).sum().cast(pl.Int64),
        is_partial=pl.col("is_partial").any(),
    )


def _risk(mart_operations_risk: pl.LazyFrame) -> pl.LazyFrame:
    return (
        mart_operations_risk.filter(pl.col("is_at_risk").is_not_null())
        .group_by("month")
        .agg(at_risk_account_count=pl.col("is_at_risk").sum().cast(pl.Int64))
    )


def _worth(mart_operations_roi: pl.LazyFrame) -> pl.LazyFrame:
    """Over accounts whose value and fee are both known, so that neither is counted without the other."""
    return (
        mart_operations_roi.drop_nulls(["value", "fee"])
        .group_by("month")
        .agg(pl.col("value", "fee", "repair_cost").sum(), valued_account_count=pl.len().cast(pl.Int64))
    )


@identity(of=mart_operations_summary)
def tickets_processed__are_those_completed(
    mart_operations_summary: pl.LazyFrame, mart_operations_kpis: pl.LazyFrame
) -> pl.LazyFrame:
    """The items of a month are the sum over its accounts."""
    by_account = mart_operations_kpis.group_by("month").agg(of_accounts=pl.col("tickets_processed").sum())
    both = mart_operations_summary.join(by_account, on="month", how="full", coalesce=True, validate="1:1")
    return both.filter(pl.col("tickets_processed").fill_null(0) != pl.col("of_accounts").fill_null(0))


@identity(of=mart_operations_summary)
def value__is_that_of_the_accounts(
    mart_operations_summary: pl.LazyFrame, mart_operations_roi: pl.LazyFrame
) -> pl.LazyFrame:
    """Value, fee and repair cost of all months are those of the accounts of which all three are known."""
    money = pl.col("value", "fee", "repair_cost")
    total = mart_operations_roi.drop_nulls(["value", "fee"]).select(money.sum().name.prefix("total_"))
    off = [(pl.col(name) - pl.col(f"total_{name}")).abs() >= CENT for name in ("value", "fee", "repair_cost")]
    return mart_operations_summary.select(money.sum()).join(total, how="cross").filter(pl.any_horizontal(off))
