"""What drives the risk of the portfolio on the as-of day: the factors of churn risk, ranked by the revenue behind them.

The factors of one account are in mart/health/churn_risk.py. An account has as many drivers as raised factors, so the
drivers do not sum to the revenue at risk.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AsOfDate, Count, Money, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, percent
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.scoring.risk_score import AT_RISK
from health_assets.tables import identity, table


class RiskDrivers(Contract):
    """Which reasons put most revenue at risk?

    Factors that no account has raised have no row.
    """

    factor = dy.String(primary_key=True, description="Factor of churn risk")
    as_of_date = AsOfDate(primary_key=False)
    driver_rank = Count("1 = most MRR at risk, then most points, then most MRR touched, then by name")
    account_count = Count("Accounts that raise the factor")
    mrr_touched = Money("MRR of these accounts, as far as it is known")
    at_risk_account_count = Count("Of these accounts, those with high or critical churn risk")
    mrr_at_risk = Money("MRR of those with high or critical churn risk, as far as it is known")
    mrr_at_risk_pct = Pct("MRR at risk that the factor touches / all MRR at risk")

    @dy.rule()
    def mrr_at_risk__within_mrr_touched(cls) -> pl.Expr:
        """MRR at risk with a factor is part of the MRR of all accounts with that factor."""
        return pl.col("mrr_at_risk") <= pl.col("mrr_touched")


@table(RiskDrivers)
def mart_risk_drivers(mart_churn_risk: pl.LazyFrame) -> pl.LazyFrame:
    """One row per factor that any account raises."""
    total = mart_churn_risk.select(total_at_risk=pl.col("mrr").filter(is_at_risk()).sum())
    return (
        drivers_by(mart_churn_risk, ["as_of_date"])
        .join(total, how="cross")
        .with_columns(mrr_at_risk_pct=percent(pl.col("mrr_at_risk"), pl.col("total_at_risk")))
        .select(RiskDrivers.column_names())
    )


def drivers_by(risk: pl.LazyFrame, keys: list[str]) -> pl.LazyFrame:
    """The raised factors of each group of accounts, in the order of `driver_rank`.

    Args:
        risk: rows of mart.churn_risk.
        keys: what makes a group.
    """
    order = ["mrr_at_risk", "points", "mrr_touched", "factor"]
    return (
        risk.select(*keys, "risk_level", "mrr", "factors")
        .explode("factors", empty_as_null=False)
        .drop_nulls("factors")
        .with_columns(pl.col("factors").struct.field("factor", "points"))
        .group_by(*keys, "factor")
        .agg(
            account_count=pl.len().cast(pl.Int64),
            points=pl.col("points").first(),
            mrr_touched=sum_of(pl.col("mrr")),
            at_risk_account_count=is_at_risk().sum().cast(pl.Int64),
            mrr_at_risk=sum_of(pl.col("mrr").filter(is_at_risk())),
        )
        .sort(*keys, *order, descending=[False] * len(keys) + [True, True, True, False])
        .with_columns(driver_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(keys))
    )


def is_at_risk() -> pl.Expr:
    """Whether an account has high or critical churn risk."""
    return pl.col("risk_level").is_in(AT_RISK)


@identity(of=mart_risk_drivers)
def accounts__are_those_that_raise_factors(
    mart_risk_drivers: pl.LazyFrame, mart_churn_risk: pl.LazyFrame
) -> pl.LazyFrame:
    """Accounts and MRR of all factors are those of the accounts, each as often as it raises a factor."""
    raised = pl.col("factor_count")
    total = mart_churn_risk.select(raised=raised.sum(), total=(raised * pl.col("mrr")).sum())
    return (
        mart_risk_drivers.select(pl.col("account_count", "mrr_touched").sum())
        .join(total, how="cross")
        .filter(
            (pl.col("account_count") != pl.col("raised")) | ((pl.col("mrr_touched") - pl.col("total")).abs() >= CENT)
        )
    )
