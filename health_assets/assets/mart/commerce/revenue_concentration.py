"""How much of the shop's revenue comes from its best accounts, in total and by region.

The accounts themselves are in mart/commerce/customer_value.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.mart.commerce.customer_value import top_count
from health_assets.contracts.breakdowns import by_part
from health_assets.contracts.columns import Count, Money, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, percent, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.settings import Settings
from health_assets.tables import identity, table

DIMENSIONS = ["all", "region"]


class RevenueConcentration(Contract):
    """How much of the revenue depends on a few accounts? Accounts without an order are left out."""

    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="All buyers, or those of a region")
    dimension_value = dy.String(primary_key=True, description="all, or the region; unknown = no value")
    buyer_count = Count("Accounts with an order")
    total_spend = Money(
        "Net spend to date of buyers: orders less refunds; a buyer with more refunds than orders counts 0"
    )
    top_account_count = Count("`commerce.concentration_share` of the buyers, rounded up")
    top_spend = Money("Net spend of that many buyers, those of the highest")
    top_share_pct = Pct("Top spend / total spend")
    gini = Share(
        "Gini coefficient of net spend: 0 = all buyers spend the same, towards 1 = one buyer spends everything"
    )

    @dy.rule()
    def top_account_count__within_buyers(cls) -> pl.Expr:
        """The top accounts are among the buyers."""
        return pl.col("top_account_count") <= pl.col("buyer_count")


@table(RevenueConcentration)
def mart_revenue_concentration(mart_customer_value: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """One row for all buyers, and one per region with buyers."""
    buyers = mart_customer_value.filter(pl.col("order_count") > 0).with_columns(pl.col("total_spend").clip(0))
    top = top_count(settings.commerce.concentration_share)
    return (
        by_part(buyers, DIMENSIONS)
        .sort("total_spend")
        .group_by("dimension_type", "dimension_value", maintain_order=True)
        .agg(
            sum_of(pl.col("total_spend")),
            buyer_count=pl.len().cast(pl.Int64),
            top_account_count=top,
            top_spend=sum_of(pl.col("total_spend").tail(top)),
            gini=_gini(pl.col("total_spend")),
        )
        .with_columns(
            top_share_pct=percent(pl.col("top_spend"), pl.col("total_spend")).clip(0, 100),  # rounding errors
        )
        .sort("dimension_type", "dimension_value")
        .select(RevenueConcentration.column_names())
    )


def _gini(ascending: pl.Expr) -> pl.Expr:
    """2 x sum(i x_i) / (n x sum(x)) - (n + 1) / n, with i = 1 for the lowest; null when nothing was spent."""
    place, count = pl.int_range(1, pl.len() + 1, dtype=pl.Int64), pl.len().cast(pl.Float64)
    return (safe_ratio(2 * (place * ascending).sum(), count * ascending.sum()) - (count + 1) / count).clip(0, 1)


@identity(of=mart_revenue_concentration)
def total_spend__of_each_dimension_is_that_of_the_accounts(
    mart_revenue_concentration: pl.LazyFrame, mart_customer_value: pl.LazyFrame
) -> pl.LazyFrame:
    """The spend of all buyers, and of the regions together, adds up to that of the accounts."""
    dimensions = mart_revenue_concentration.group_by("dimension_type").agg(pl.col("total_spend").sum())
    buyers = mart_customer_value.filter(pl.col("order_count") > 0)
    accounts = buyers.select(account_spend=pl.col("total_spend").clip(0).sum())
    return dimensions.join(accounts, how="cross").filter(
        (pl.col("total_spend") - pl.col("account_spend")).abs() >= CENT
    )
