"""The value of a month's work for each account, compared with its fee.

The unit values are assumptions of the settings, not measurements. Volume and quality belong in operations_kpis.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import DECIMALS_OF_MONEY, safe_ratio
from health_assets.settings import Settings
from health_assets.tables import table

TOLERANCE = 0.005  # half a cent


class OperationsRoi(Contract):
    """Is the workflow worth its fee to each account?"""

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account")
    tickets_processed = Count("Items completed in the month")
    throughput_value = Money("Items x their unit value")
    quality_value = Money(
        "Items x share with sound data x unit value; null = share unknown, or no item's data ever checked yet",
        nullable=True,
    )
    outcome_value = Money(
        "Items x share not denied x unit value; null = share unknown, or nothing ever decided yet", nullable=True
    )
    value = Money("Throughput, quality and outcome together; null = one of them is", nullable=True)
    repair_cost = Money(
        "Items with faulty data, denied or failed x unit costs of the settings, 0 as shipped; null = no outcomes",
        nullable=True,
    )
    fee = Money("MRR of the account in the month; 0 = pays nothing, null = unknown", nullable=True)
    net_value = Money("Value - fee - repair cost; null = one is, or the month is not over", min=None, nullable=True)
    value_to_cost = dy.Float64(
        nullable=True,
        min=0,
        description="Value / (fee + repair cost); null = that is 0, one is not known, or the month is not over",
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def value__sum_of_its_parts(cls) -> pl.Expr:
        """The value is the sum of the values of throughput, quality and outcomes."""
        parts = pl.col("throughput_value") + pl.col("quality_value") + pl.col("outcome_value")
        return (pl.col("value") - parts).abs() < TOLERANCE

    @dy.rule()
    def net_value__is_value_less_cost(cls) -> pl.Expr:
        """The net value is the value less the fee and the repair cost."""
        cost = pl.col("fee") + pl.col("repair_cost")
        return (pl.col("value") - cost - pl.col("net_value")).abs() < TOLERANCE


@table(OperationsRoi, fed_by=("fact_workflow_monthly",))
def mart_operations_roi(
    fact_workflow_monthly: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """One row per account and month of the workflow."""
    worth, repair = settings.workflow.unit_values, settings.workflow.unit_costs
    decided, items = pl.col("approved_count") + pl.col("denied_count"), pl.col("tickets_processed")
    cost, is_closed = pl.col("fee") + pl.col("repair_cost"), ~pl.col("is_partial")
    return (
        _with_fee(fact_workflow_monthly, fact_revenue_monthly)
        .with_columns(
            throughput_value=_money(items * worth.throughput),
            quality_value=_money(
                _of_the_good_ones(pl.col("data_error_count"), pl.col("data_checked_count")) * worth.quality
            ),
            outcome_value=_money(_of_the_good_ones(pl.col("denied_count"), decided) * worth.outcome),
            repair_cost=_money(
                pl.col("data_error_count") * repair.data_error
                + pl.col("denied_count") * repair.denied
                + pl.col("failed_count") * repair.failed
            ),
        )
        .with_columns(value=_money(pl.col("throughput_value") + pl.col("quality_value") + pl.col("outcome_value")))
        .with_columns(
            net_value=pl.when(is_closed).then(_money(pl.col("value") - cost)),
            value_to_cost=pl.when(is_closed).then(safe_ratio(pl.col("value"), cost)),
        )
        .sort("account_id", "month")
        .select(OperationsRoi.column_names())
    )


def _money(amount: pl.Expr) -> pl.Expr:
    return amount.round(DECIMALS_OF_MONEY)


def _with_fee(fact_workflow_monthly: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """The months with their MRR: 0 where an account has none in a company whose revenue is known."""
    has_history = fact_revenue_monthly.select(has_history=pl.col("movement").is_not_null().any())
    return (
        fact_workflow_monthly.join(
            fact_revenue_monthly.select("account_id", "month", fee="mrr"),
            on=["account_id", "month"],
            how="left",
            validate="1:1",
        )
        .join(has_history, how="cross")
        .with_columns(fee=pl.coalesce("fee", pl.when("has_history").then(0.0)))
    )


def _of_the_good_ones(bad: pl.Expr, known: pl.Expr) -> pl.Expr:
    """The items of the month that are good, if all are as those that are known: 0 of none, once any was ever known."""
    items, month = pl.col("tickets_processed"), pl.col("month")
    of_none = pl.when(month >= month.filter(known > 0).min()).then(0.0)
    return pl.when(items == 0).then(of_none).otherwise(safe_ratio(items * (known - bad), known))
