"""What each account has bought to date, and how it compares with others: rank, value segment, RFM scores.

How concentrated revenue is belongs in mart/commerce/revenue_concentration.py, whether accounts come back in
order_retention_monthly.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, days_between, first_match, month_of, safe_ratio
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.settings import Settings
from health_assets.tables import identity, table

VALUE_SEGMENTS = ["high", "medium", "low", "none"]
SHARE_DECIMALS = 9  # 0.1 x 30 accounts must not round up to 4


def Rfm(description: str) -> dy.Int64:  # noqa: N802
    """A score by rank among buyers; equal accounts have equal scores."""
    return dy.Int64(nullable=True, min=1, description=f"{description}, 1 (worst) upwards; null = no order")


class CustomerValue(Contract):
    """Which accounts does the shop's revenue depend on, and how much has each spent to date?"""

    account_id = AccountId(primary_key=True)
    company_name = CompanyName()
    account_owner = AccountOwner()
    region = dy.String(nullable=True, description="Sales region; null = unknown")
    signup_month = Day("First day of the month in which the account signed up", nullable=False)
    order_count = Count("Orders to date; refunds and cancelled orders are none")
    total_spend = Money("Net spend to date: orders less refunds; negative = more was paid back", min=None)
    gross_spend = Money("Amount of all orders to date, whether or not refunded later")
    lifetime_value = Money("Customer lifetime value to date: of a shop, the net spend", min=None)
    average_order_value = Money("Net spend / orders; null = no order", min=None, nullable=True)
    first_order_date = Day("First order; null = none")
    last_order_date = Day("Latest order; null = none")
    days_since_last_order = Count("Days since the latest order; null = none", nullable=True)
    is_repeat_buyer = dy.Bool(description="Ordered at least twice")
    spend_rank = dy.Int64(
        nullable=True, min=1, description="1 = the highest net spend; equal ones by account_id; null = no order"
    )
    value_segment = dy.Enum(
        VALUE_SEGMENTS,
        description="high and medium = the buyers of highest net spend, as many as `commerce.value_shares` says; low = the "
        "other buyers; none = no order",
    )
    recency_score = Rfm("How recent the latest order is, compared with other buyers")
    frequency_score = Rfm("How many orders, compared with other buyers")
    monetary_score = Rfm("How high the net spend is, compared with other buyers")

    @dy.rule()
    def value_segment__none_without_order(cls) -> pl.Expr:
        """The value segment is none for accounts without an order, and for no others."""
        return (pl.col("value_segment") == "none") == (pl.col("order_count") == 0)

    @dy.rule()
    def lifetime_value__is_total_spend(cls) -> pl.Expr:
        """The lifetime value is the total spend."""
        return pl.col("lifetime_value") == pl.col("total_spend")


@table(CustomerValue)
def mart_customer_value(
    fact_orders: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """Every account, once there are orders; without the source, none."""
    spends = fact_orders.group_by("account_id").agg(
        total_spend=sum_of(pl.col("net_amount")), gross_spend=sum_of(pl.col("gross_amount"))
    )
    return (
        dim_account.join(fact_orders.select(has_orders=pl.len() > 0), how="cross")
        .filter("has_orders")
        .join(spends, on="account_id", how="left", validate="1:1")
        .join(_buyers(fact_orders, settings, as_of), on="account_id", how="left", validate="1:1")
        .with_columns(
            pl.col("order_count").fill_null(0),
            pl.col("total_spend", "gross_spend").fill_null(0.0),
            pl.col("value_segment").fill_null("none"),
            signup_month=month_of(pl.col("signup_date")),
        )
        .with_columns(
            lifetime_value="total_spend",
            average_order_value=safe_ratio(pl.col("total_spend"), pl.col("order_count")),
            is_repeat_buyer=pl.col("order_count") >= 2,
        )
        .sort("account_id")
        .select(CustomerValue.column_names())
    )


def top_count(share: float) -> pl.Expr:
    """How many accounts a share of the rows is, rounded up."""
    return (share * pl.len()).round(SHARE_DECIMALS).ceil().cast(pl.Int64)


def _buyers(fact_orders: pl.LazyFrame, settings: Settings, as_of: date) -> pl.LazyFrame:
    """Accounts with an order, each with its rank among them."""
    groups, shares, rank = settings.commerce.rfm_groups, settings.commerce.value_shares, pl.col("spend_rank")
    high = top_count(shares["high"])
    return (
        fact_orders.group_by("account_id")
        .agg(
            order_count=pl.col("is_order").sum().cast(pl.Int64),
            net_spend=sum_of(pl.col("net_amount")),
            first_order_date=pl.col("order_date").filter("is_order").min(),
            last_order_date=pl.col("order_date").filter("is_order").max(),
        )
        .filter(pl.col("order_count") > 0)
        .sort("net_spend", "account_id", descending=[True, False])
        .with_columns(
            spend_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
            days_since_last_order=days_between(pl.col("last_order_date"), pl.lit(as_of)),
        )
        .with_columns(
            value_segment=first_match(
                [
                    (rank <= high, "high"),
                    (rank <= high + top_count(shares["medium"]), "medium"),
                    (pl.lit(True), "low"),
                ]
            ),
            recency_score=_place(pl.col("last_order_date"), groups),
            frequency_score=_place(pl.col("order_count"), groups),
            monetary_score=_place(pl.col("net_spend"), groups),
        )
        .drop("net_spend")
    )


def _place(value: pl.Expr, groups: int) -> pl.Expr:
    """1 + groups x the share of buyers with a lower value, rounded down."""
    return 1 + groups * (value.rank("min").cast(pl.Int64) - 1) // pl.len().cast(pl.Int64)


@identity(of=mart_customer_value)
def total_spend__is_that_of_the_orders(mart_customer_value: pl.LazyFrame, fact_orders: pl.LazyFrame) -> pl.LazyFrame:
    """The spend and the orders of all accounts add up to those in fact.orders."""
    ordered = fact_orders.select(
        net=pl.col("net_amount").sum(), gross=pl.col("gross_amount").sum(), orders=pl.col("is_order").sum()
    )
    spent = mart_customer_value.select(pl.col("total_spend", "gross_spend", "order_count").sum())
    return ordered.join(spent, how="cross").filter(
        ((pl.col("net") - pl.col("total_spend")).abs() >= CENT)
        | ((pl.col("gross") - pl.col("gross_spend")).abs() >= CENT)
        | (pl.col("orders") != pl.col("order_count"))
    )
