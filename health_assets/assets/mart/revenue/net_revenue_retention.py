"""Retention of revenue by month: the waterfall of all accounts, net and gross retention, logo churn.

Who moved is in fact/revenue_monthly.py; retention by the month in which accounts began is in mart/revenue/revenue_cohorts.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import TOLERANCE, waterfall
from health_assets.contracts.columns import Count, Money, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import percent, safe_ratio
from health_assets.tables import identity, table

MOVED = ["new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"]


class NetRevenueRetention(Contract):
    """Does the revenue we have grow by itself, or leak?

    Months without a past (only the CRM's MRR is known) have an ending MRR and no movements.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    starting_mrr = Money("MRR at the end of the month before; null = no history", nullable=True)
    new_mrr = Money("MRR of accounts that pay for the first time; null = no history", nullable=True)
    reactivation_mrr = Money("MRR of accounts that pay again; null = no history", nullable=True)
    expansion_mrr = Money("Rise of MRR of accounts that paid before; null = no history", nullable=True)
    contraction_mrr = Money("Fall of MRR of accounts that go on paying; null = no history", nullable=True)
    churned_mrr = Money("MRR of accounts that pay no longer; null = no history", nullable=True)
    ending_mrr = Money("MRR at month end, in the as-of month on the as-of day")
    arr = Money("Ending MRR x 12")
    nrr_pct = Pct("Starting MRR with expansion, less contraction and churn / starting MRR", max=None)
    grr_pct = Pct("Starting MRR less contraction and churn / starting MRR, never above 100")
    nrr_incl_reactivation_pct = Pct("NRR with reactivation added, shown apart, never instead", max=None)
    quick_ratio = dy.Float64(
        nullable=True,
        min=0,
        description="(new + expansion + reactivation) / (contraction + churned); null without losses",
    )
    paying_account_count = Count("Accounts that pay at month end")
    churned_account_count = Count(
        "Accounts that paid a month before and no longer do; null = no history", nullable=True
    )
    logo_churn_pct = Pct("Churned accounts / accounts paying at the month's start")
    trailing_12m_nrr_pct = Pct("MRR now / then, of accounts that paid 12 months ago", max=None)
    trailing_12m_grr_pct = Pct("The same, each account counted with no more than its MRR then")
    trailing_12m_logo_churn_pct = Pct("Of the accounts that paid 12 months ago, those that do not now")
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def waterfall__closes(cls) -> pl.Expr:
        return (waterfall(pl.col("starting_mrr")) - pl.col("ending_mrr")).abs() < TOLERANCE


@table(NetRevenueRetention)
def mart_net_revenue_retention(fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """One row a month, from the first paid one to the as-of month."""
    starting, lost = pl.col("starting_mrr"), pl.col("contraction_mrr") + pl.col("churned_mrr")
    kept = (starting - lost).clip(lower_bound=0)  # sums of floats may end a hair below 0
    return (
        _months(fact_revenue_monthly)
        .join(trailing_year(fact_revenue_monthly, ["month"]), on="month", how="left", validate="1:1")
        .with_columns(
            arr=12 * pl.col("ending_mrr"),
            nrr_pct=percent(kept + pl.col("expansion_mrr"), starting),
            grr_pct=percent(kept, starting),
            nrr_incl_reactivation_pct=percent(kept + pl.col("expansion_mrr") + pl.col("reactivation_mrr"), starting),
            quick_ratio=safe_ratio(pl.col("new_mrr") + pl.col("expansion_mrr") + pl.col("reactivation_mrr"), lost),
            logo_churn_pct=percent(pl.col("churned_account_count"), pl.col("starting_account_count")),
        )
        .sort("month")
        .select(NetRevenueRetention.column_names())
    )


def _months(fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """The waterfall of all accounts; null where no account has a past."""
    has_history = pl.col("movement").is_not_null().any()
    return fact_revenue_monthly.group_by("month").agg(
        pl.when(has_history).then(pl.col("previous_mrr").sum()).alias("starting_mrr"),
        *(pl.when(has_history).then(pl.col(moved).sum()).alias(moved) for moved in MOVED),
        pl.col("mrr").sum().alias("ending_mrr"),
        (pl.col("mrr") > 0).sum().cast(pl.Int64).alias("paying_account_count"),
        pl.when(has_history).then((pl.col("movement") == "churn").sum().cast(pl.Int64)).alias("churned_account_count"),
        (pl.col("previous_mrr") > 0).sum().alias("starting_account_count"),
        pl.col("is_partial").any(),
    )


def trailing_year(fact_revenue_monthly: pl.LazyFrame, by: list[str]) -> pl.LazyFrame:
    """Retention, for each group of rows, of the accounts that paid 12 months ago.

    Each still has a row, as the spine runs to the as-of month.
    """
    year_ago = fact_revenue_monthly.filter(pl.col("mrr") > 0).select(
        "account_id", month=pl.col("month").dt.offset_by("12mo"), mrr_then="mrr"
    )
    mrr_then = pl.col("mrr_then").sum()
    return (
        fact_revenue_monthly.join(year_ago, on=["account_id", "month"], how="inner", validate="1:1")
        .group_by(by)
        .agg(
            trailing_12m_nrr_pct=percent(pl.col("mrr").sum(), mrr_then),
            trailing_12m_grr_pct=percent(pl.min_horizontal("mrr", "mrr_then").sum(), mrr_then),
            trailing_12m_logo_churn_pct=percent((pl.col("mrr") == 0).sum(), pl.len()),
        )
    )


@identity(of=mart_net_revenue_retention)
def ending_mrr__is_that_of_the_accounts(
    mart_net_revenue_retention: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """The MRR of a month is the sum over its accounts."""
    by_account = fact_revenue_monthly.group_by("month").agg(mrr=pl.col("mrr").sum())
    both = mart_net_revenue_retention.join(by_account, on="month", how="full", coalesce=True, validate="1:1")
    return both.filter((pl.col("ending_mrr").fill_null(0) - pl.col("mrr").fill_null(0)).abs() >= TOLERANCE)


@identity(of=mart_net_revenue_retention)
def starting_mrr__is_the_ending_of_the_month_before(mart_net_revenue_retention: pl.LazyFrame) -> pl.LazyFrame:
    """A month starts with what the one before it ended with."""
    before = pl.col("ending_mrr").shift(1).over(pl.lit(1), order_by="month")
    return mart_net_revenue_retention.filter((pl.col("starting_mrr") - before).abs() >= TOLERANCE)


@identity(of=mart_net_revenue_retention)
def waterfall__closes_by_segment(fact_revenue_monthly: pl.LazyFrame, dim_account: pl.LazyFrame) -> pl.LazyFrame:
    """Starting + new + reactivation + expansion - contraction - churned = ending, in each segment."""
    return (
        fact_revenue_monthly.filter(pl.col("movement").is_not_null())
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .group_by("month", "segment")
        .agg(pl.col("previous_mrr", *MOVED, "mrr").sum())
        .filter((waterfall(pl.col("previous_mrr")) - pl.col("mrr")).abs() >= TOLERANCE)
    )
