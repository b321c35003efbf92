"""Retention of revenue by month: the waterfall of all accounts, net and gross retention, logo churn.

Movements of single accounts are in fact/revenue_monthly.py, retention of groups in mart/revenue/revenue_retention_by.py,
cohorts in mart/revenue/revenue_cohorts.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import TOLERANCE, waterfall
from health_assets.contracts.columns import Count, Money, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import DECIMALS_OF_MONEY, percent, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.tables import identity, table

MOVED = ["new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"]


class NetRevenueRetention(Contract):
    """Does the revenue of existing accounts grow or shrink?

    Without subscriptions or paid invoices there is one row, with the CRM's MRR of the as-of day and no movements.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    starting_mrr = Money("MRR at the end of the month before; null = no history", nullable=True)
    new_mrr = Money("MRR of accounts in the first month in which they ever pay; null = no history", nullable=True)
    reactivation_mrr = Money(
        "MRR of accounts that pay again after a month without MRR; null = no history", nullable=True
    )
    expansion_mrr = Money("Rise of MRR of accounts that also paid a month before; null = no history", nullable=True)
    contraction_mrr = Money("Fall of MRR of accounts that still pay; null = no history", nullable=True)
    churned_mrr = Money(
        "MRR of accounts that paid a month before and pay nothing now; null = no history", nullable=True
    )
    ending_mrr = Money("MRR at month end, for the as-of month on the as-of day")
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
        "Accounts that paid a month before and pay nothing now; null = no history", nullable=True
    )
    came_and_went_account_count = Count(
        "Accounts that paid within the month, but neither at its end nor at the end of the month before; they are not part of "
        "the waterfall; null = no history",
        nullable=True,
    )
    came_and_went_mrr = Money(
        "Highest MRR of a day of each of these accounts, summed; null = no history", nullable=True
    )
    logo_churn_pct = Pct("Churned accounts / accounts paying at the month's start")
    trailing_12m_nrr_pct = Pct("MRR now / then, of accounts that paid 12 months ago", max=None)
    trailing_12m_grr_pct = Pct("As trailing_12m_nrr_pct, each account counted with at most its MRR then")
    trailing_12m_logo_churn_pct = Pct("Accounts that paid 12 months ago and pay nothing now / accounts that paid then")
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def waterfall__closes(cls) -> pl.Expr:
        """Starting MRR, new, expansion and reactivation less contraction and churn make the ending MRR."""
        return (waterfall(pl.col("starting_mrr")) - pl.col("ending_mrr")).abs() < TOLERANCE


@table(NetRevenueRetention)
def mart_net_revenue_retention(fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """One row per month, from the first month with revenue to the as-of month."""
    starting, lost = pl.col("starting_mrr"), pl.col("contraction_mrr") + pl.col("churned_mrr")
    kept = (starting - lost).clip(lower_bound=0)  # sums of floats may end just below 0
    return (
        _months(fact_revenue_monthly)
        .join(trailing_year(fact_revenue_monthly, ["month"]), on="month", how="left", validate="1:1")
        .with_columns(
            arr=(12 * pl.col("ending_mrr")).round(DECIMALS_OF_MONEY),
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
    flows = {"starting_mrr": "previous_mrr"} | {name: name for name in [*MOVED, "came_and_went_mrr"]}
    counts = {
        "churned_account_count": pl.col("movement") == "churn",
        "came_and_went_account_count": pl.col("came_and_went_mrr") > 0,
    }
    return fact_revenue_monthly.group_by("month").agg(
        *(pl.when(has_history).then(sum_of(pl.col(amount))).alias(name) for name, amount in flows.items()),
        *(pl.when(has_history).then(rows.sum().cast(pl.Int64)).alias(name) for name, rows in counts.items()),
        sum_of(pl.col("mrr")).alias("ending_mrr"),
        (pl.col("mrr") > 0).sum().cast(pl.Int64).alias("paying_account_count"),
        (pl.col("previous_mrr") > 0).sum().alias("starting_account_count"),
        pl.col("is_partial").any(),
    )


def trailing_year(fact_revenue_monthly: pl.LazyFrame, by: list[str]) -> pl.LazyFrame:
    """Retention of the accounts that paid 12 months ago, for each group of rows.

    Each of these accounts has a row in every month since, up to the as-of month.
    """
    year_ago = fact_revenue_monthly.filter(pl.col("mrr") > 0).select(
        "account_id", month=pl.col("month").dt.offset_by("12mo"), mrr_then="mrr"
    )
    mrr_then = sum_of(pl.col("mrr_then"))
    return (
        fact_revenue_monthly.join(year_ago, on=["account_id", "month"], how="inner", validate="1:1")
        .group_by(by)
        .agg(
            trailing_12m_nrr_pct=percent(sum_of(pl.col("mrr")), mrr_then),
            trailing_12m_grr_pct=percent(sum_of(pl.min_horizontal("mrr", "mrr_then")), mrr_then),
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
