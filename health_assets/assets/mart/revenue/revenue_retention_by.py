"""Retention of revenue by month, quarter and year: of all accounts, and by segment, product, owner and region.

The months of all accounts are those of mart/revenue/net_revenue_retention.py, which also has trailing 12 months.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import TOLERANCE, movement, waterfall
from health_assets.contracts.breakdowns import ALL, by_part
from health_assets.contracts.columns import Count, Money, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import percent
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.tables import identity, table

PERIODS = {"month": "1mo", "quarter": "1q", "year": "1y"}
PRODUCT = "product"
OF_ACCOUNTS = [ALL, "segment", "owner", "region"]
DIMENSIONS = [*OF_ACCOUNTS, PRODUCT]
PERIOD = ["period_type", "period_start"]
CHANGES = ["new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"]
SUMMED = ["previous_mrr", *CHANGES, "mrr"]


class RevenueRetentionBy(Contract):
    """Where is revenue retained, where does it grow, and where is it lost?

    A period compares its last measure day with that of the period before. Segment, owner and region are today's. By product, a
    product that an account adds is expansion, and one that it gives up contraction, as long as the account pays. Empty without
    subscriptions or paid invoices.
    """

    period_type = dy.Enum(list(PERIODS), primary_key=True, description="month, quarter or year of the calendar")
    period_start = dy.Date(primary_key=True, description="First day of the period", metadata={"available_from": True})
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="all, segment, owner, region or product")
    dimension_value = dy.String(
        primary_key=True,
        description="all, or the segment, owner, region or product; `unknown` where accounts have none",
    )
    starting_mrr = Money("MRR at the end of the period before")
    new_mrr = Money("MRR of accounts that pay at the end of a period for the first time")
    reactivation_mrr = Money("MRR of accounts that pay again and did not at the end of the period before")
    expansion_mrr = Money("Rise of MRR of accounts that pay at both ends")
    contraction_mrr = Money("Fall of MRR of accounts that pay at both ends")
    churned_mrr = Money("MRR at the start of accounts that pay nothing at the end")
    ending_mrr = Money("MRR at the end of the period, for the current one on the as-of day")
    nrr_pct = Pct("Starting MRR with expansion, less contraction and churn / starting MRR", max=None)
    grr_pct = Pct("Starting MRR less contraction and churn / starting MRR, never above 100")
    starting_account_count = Count("Accounts that pay at the start; by product, those that pay for it")
    churned_account_count = Count("Of these, those that pay nothing at the end; by product, nothing for it")
    logo_churn_pct = Pct("churned_account_count / starting_account_count")
    is_partial = dy.Bool(description="The current period, unless the as-of day is its last")

    @dy.rule()
    def waterfall__closes(cls) -> pl.Expr:
        """Starting MRR, new, expansion and reactivation less contraction and churn make the ending MRR."""
        return (waterfall(pl.col("starting_mrr")) - pl.col("ending_mrr")).abs() < TOLERANCE


@table(RevenueRetentionBy)
def mart_revenue_retention_by(
    fact_revenue_monthly: pl.LazyFrame, fact_product_revenue_monthly: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """One row per period and group that had MRR by then."""
    starting, lost = pl.col("starting_mrr"), pl.col("contraction_mrr") + pl.col("churned_mrr")
    kept = (starting - lost).clip(lower_bound=0)  # sums of floats may end just below 0
    accounts = _period_ends(fact_revenue_monthly).cache()
    products = _by_product(accounts, fact_product_revenue_monthly)
    groups = dim_account.select("account_id", "segment", "region", owner="account_owner")
    by_account = _with_changes(accounts).join(groups, on="account_id", how="left", validate="m:1")
    by_product = _with_changes(products).with_columns(dimension_type=pl.lit(PRODUCT), dimension_value="product_name")
    columns = [*PERIOD, pl.col("dimension_type").cast(pl.Enum(DIMENSIONS)), "dimension_value", *SUMMED, "is_partial"]
    groups_of_period = pl.concat([by_part(by_account, OF_ACCOUNTS).select(columns), by_product.select(columns)])
    return (
        groups_of_period.group_by(*PERIOD, "dimension_type", "dimension_value")
        .agg(
            sum_of(pl.col("previous_mrr")).alias("starting_mrr"),
            *(sum_of(pl.col(change)).alias(change) for change in CHANGES),
            sum_of(pl.col("mrr")).alias("ending_mrr"),
            (pl.col("previous_mrr") > 0).sum().cast(pl.Int64).alias("starting_account_count"),
            ((pl.col("previous_mrr") > 0) & (pl.col("mrr") == 0)).sum().cast(pl.Int64).alias("churned_account_count"),
            pl.col("is_partial").any(),
        )
        .with_columns(
            nrr_pct=percent(kept + pl.col("expansion_mrr"), starting),
            grr_pct=percent(kept, starting),
            logo_churn_pct=percent(pl.col("churned_account_count"), pl.col("starting_account_count")),
        )
        .sort(*PERIOD, "dimension_type", "dimension_value")
        .select(RevenueRetentionBy.column_names())
    )


def _period_ends(fact_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """MRR of each account at the end of each period and of the one before, and the movement between them.

    Grain: period_type x period_start x account_id; `month` is the last month of the period that has a row.
    """
    months = fact_revenue_monthly.filter(pl.col("movement").is_not_null())
    return pl.concat(
        months.group_by("account_id", period_start=pl.col("month").dt.truncate(length))
        .agg(pl.col("month").max(), pl.col("mrr", "is_partial").sort_by("month").last())
        .with_columns(
            period_type=pl.lit(name, pl.Enum(list(PERIODS))),
            previous_mrr=pl.col("mrr").shift(1, fill_value=0.0).over("account_id", order_by="period_start"),
            is_partial=pl.col("is_partial")
            | (pl.col("month").dt.offset_by("1mo").dt.truncate(length) == pl.col("period_start")),
        )
        .with_columns(movement=movement())
        for name, length in PERIODS.items()
    )


def _by_product(accounts: pl.LazyFrame, fact_product_revenue_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of `_period_ends` by product, with the movement of the account; from the first period with MRR on."""
    key = ["account_id", "product_name", "period_type"]
    products = fact_product_revenue_monthly.select("account_id", "product_name").unique()
    return (
        accounts.drop("mrr", "previous_mrr")
        .join(products, on="account_id", how="inner", validate="m:m")
        .join(fact_product_revenue_monthly, on=["account_id", "product_name", "month"], how="left", validate="m:1")
        .with_columns(pl.col("mrr").fill_null(0.0))
        .with_columns(previous_mrr=pl.col("mrr").shift(1, fill_value=0.0).over(key, order_by="period_start"))
        .filter(pl.col("mrr").cum_max().over(key, order_by="period_start") > 0)
    )


def _with_changes(ends: pl.LazyFrame) -> pl.LazyFrame:
    """The amount of each change; together they turn `previous_mrr` into `mrr`."""
    mrr, previous, movement = pl.col("mrr"), pl.col("previous_mrr"), pl.col("movement")
    rise = pl.when(movement.is_in(["expansion", "contraction", "retained"])).then(mrr - previous).otherwise(0.0)
    return ends.with_columns(
        new_mrr=pl.when(movement == "new").then(mrr).otherwise(0.0),
        reactivation_mrr=pl.when(movement == "reactivation").then(mrr).otherwise(0.0),
        expansion_mrr=rise.clip(lower_bound=0),
        contraction_mrr=(-rise).clip(lower_bound=0) + 0.0,
        churned_mrr=pl.when(movement == "churn").then(previous).otherwise(0.0),
    )


@identity(of=mart_revenue_retention_by)
def sums__match_all_accounts(mart_revenue_retention_by: pl.LazyFrame) -> pl.LazyFrame:
    """In each period the groups of a dimension together have the amounts of all accounts.

    By product expansion and contraction are compared as their difference: a product given up for another is both.
    """
    net_expansion = pl.col("expansion_mrr") - pl.col("contraction_mrr")
    compared = ["starting_mrr", "new_mrr", "reactivation_mrr", "net_expansion", "churned_mrr", "ending_mrr"]
    sums = (
        mart_revenue_retention_by.with_columns(net_expansion=net_expansion)
        .group_by(*PERIOD, "dimension_type")
        .agg(pl.col(compared).sum())
    )
    total = sums.filter(pl.col("dimension_type") == ALL).drop("dimension_type")
    differs = [(pl.col(name) - pl.col(f"{name}_right")).abs() >= TOLERANCE for name in compared]
    return sums.join(total, on=PERIOD, how="left", validate="m:1").filter(pl.any_horizontal(differs).fill_null(True))


@identity(of=mart_revenue_retention_by)
def months__match_net_revenue_retention(
    mart_revenue_retention_by: pl.LazyFrame, mart_net_revenue_retention: pl.LazyFrame
) -> pl.LazyFrame:
    """The months of all accounts are those of mart.net_revenue_retention."""
    months = mart_revenue_retention_by.filter(pl.col("period_type") == "month", pl.col("dimension_type") == ALL)
    compared = ["starting_mrr", *CHANGES, "ending_mrr"]
    both = mart_net_revenue_retention.filter(pl.col("starting_mrr").is_not_null()).join(
        months, left_on="month", right_on="period_start", how="full", validate="1:1"
    )
    differs = [(pl.col(name) - pl.col(f"{name}_right")).abs() >= TOLERANCE for name in compared]
    return both.filter(pl.any_horizontal(differs).fill_null(True))
