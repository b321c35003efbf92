"""Orders and refunds one by one; each order with its place in the life of the account.

What an account has spent in total belongs in mart/commerce/customer_value.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.orders import ORDER_STATUSES
from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between, month_of, month_offset
from health_assets.scoring.order_amounts import gross_amount, is_order, is_refund, net_amount
from health_assets.tables import table

NO_ORDER = "null = the row is not an order"


class Orders(Contract):
    """What was bought or paid back, and was it the account's first order or one of many? Rows up to the as-of day."""

    order_id = dy.String(primary_key=True, description="Order, or refund")
    account_id = AccountId()
    order_date = Day("Day of the order or refund", nullable=False, metadata={"available_from": True})
    order_month = Day("First day of that month", nullable=False)
    status = dy.Enum(ORDER_STATUSES, nullable=True, description="Status in the file; null = not given")
    total_amount = Money("Amount in the file; negative = refund", min=None)
    refunded_amount = Money("What was paid back of the order, as the file says; null = not said", nullable=True)
    is_refund = dy.Bool(
        description="Whether the amount is negative: money paid back, which is neither order nor activity"
    )
    is_order = dy.Bool(description="Whether the row counts as an order: not a refund and not cancelled")
    gross_amount = Money("Amount of an order, refunded later or not; 0 for rows that are not orders")
    net_amount = Money(
        "What the row adds to net spend: the amount of an order less what was paid back of it, a negative amount for a refund, "
        "0 if cancelled, or refunded by an amount that is not said",
        min=None,
    )
    signup_month = Day("First day of the month in which the account signed up: its cohort", nullable=False)
    months_since_signup = dy.Int64(description="Months from signup month to order month; negative = before signup")
    order_number = Count(
        f"1 = the account's first order, 2 = its second; ties of a day by order_id; {NO_ORDER}", nullable=True
    )
    days_since_previous_order = Count(
        f"Days since the account's previous order; null for its first; {NO_ORDER}", nullable=True
    )

    @dy.rule()
    def days_since_previous_order__null_for_the_first(cls) -> pl.Expr:
        """Only the first order of an account has no order before it."""
        return pl.col("days_since_previous_order").is_null() == (pl.col("order_number").fill_null(1) == 1)

    @dy.rule()
    def order_number__only_of_orders(cls) -> pl.Expr:
        """Only what counts as an order has a number."""
        return pl.col("order_number").is_not_null() == pl.col("is_order")


@table(Orders)
def fact_orders(staged_orders: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Orders and refunds of accounts that had signed up by the as-of day."""
    signups = dim_account.select("account_id", signup_month=month_of(pl.col("signup_date")))
    orders_of_account = ["account_id", "is_order"]
    return (
        staged_orders.filter(pl.col("order_date") <= as_of)
        .join(signups, on="account_id", how="inner", validate="m:1")
        .with_columns(
            is_refund=is_refund(),
            is_order=is_order(),
            gross_amount=gross_amount(),
            net_amount=net_amount(),
            order_month=month_of(pl.col("order_date")),
        )
        .sort("account_id", "order_date", "order_id")
        .with_columns(
            order_number=pl.when("is_order").then(
                pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(orders_of_account)
            ),
            days_since_previous_order=pl.when("is_order").then(
                days_between(pl.col("order_date").shift(1).over(orders_of_account), pl.col("order_date"))
            ),
            months_since_signup=month_offset(pl.col("signup_month"), pl.col("order_month")),
        )
        .sort("order_id")
        .select(Orders.column_names())
    )
