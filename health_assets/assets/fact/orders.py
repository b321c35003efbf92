"""Orders one by one, each with its place in the life of the account.

What an account has spent in all belongs in mart/commerce/customer_value.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between, month_of, month_offset
from health_assets.tables import table


class Orders(Contract):
    """What was bought, and was it the account's first order or one of many? Orders up to the as-of day."""

    order_id = dy.String(primary_key=True, description="Order")
    account_id = AccountId()
    order_date = Day("Day of the order", nullable=False, metadata={"available_from": True})
    order_month = Day("First day of the month of the order", nullable=False)
    total_amount = Money("Amount of the whole order")
    signup_month = Day("First day of the month in which the account signed up: its cohort", nullable=False)
    months_since_signup = dy.Int64(description="Months from signup month to order month; negative = ordered before")
    order_number = Count("1 = the account's first order, 2 = its second; orders of one day by order_id")
    days_since_previous_order = Count("Days since the account's order before; null = its first", nullable=True)

    @dy.rule()
    def days_since_previous_order__null_for_the_first(cls) -> pl.Expr:
        return pl.col("days_since_previous_order").is_null() == (pl.col("order_number") == 1)


@table(Orders)
def fact_orders(staged_orders: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Orders of accounts that had signed up by the as-of day."""
    signups = dim_account.select("account_id", signup_month=month_of(pl.col("signup_date")))
    return (
        staged_orders.filter(pl.col("order_date") <= as_of)
        .join(signups, on="account_id", how="inner", validate="m:1")
        .sort("account_id", "order_date", "order_id")
        .with_columns(
            order_month=month_of(pl.col("order_date")),
            order_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account_id"),
            days_since_previous_order=days_between(
                pl.col("order_date").shift(1).over("account_id"), pl.col("order_date")
            ),
        )
        .with_columns(months_since_signup=month_offset(pl.col("signup_month"), pl.col("order_month")))
        .sort("order_id")
        .select(Orders.column_names())
    )
