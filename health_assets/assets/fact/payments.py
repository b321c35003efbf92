"""Payments as of the end of the as-of day: paid or not, in time or late.

How often an account is late belongs in mart/commerce/payment_risk.py, its history by day in
fact/account_commerce_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.tables import table


class Payments(Contract):
    """What was to be paid, and did it come in time? As known on the as-of day."""

    payment_id = dy.String(primary_key=True, description="Payment")
    account_id = AccountId()
    payment_due_date = Day("Day by which it is to be paid", nullable=False)
    payment_date = Day("Day of payment; null = not paid by the as-of day")
    known_date = Day("Day of payment or due day, the earlier", metadata={"available_from": True})
    amount_paid = Money("Amount paid; null = not paid by the as-of day, or not said", min=None, nullable=True)
    is_due = dy.Bool(description="Due before the as-of day; what is due on the day itself may still be paid")
    is_late = dy.Bool(description="Paid after the due day, or due before the as-of day and not paid")
    days_late = Count("Days from the due day to payment, or to the as-of day while it is not paid; 0 = not late")

    @dy.rule()
    def is_late__only_of_due(cls) -> pl.Expr:
        """Only payments that were due can be late."""
        return pl.col("is_due") | ~pl.col("is_late")

    @dy.rule()
    def days_late__agrees_with_is_late(cls) -> pl.Expr:
        """A payment is late if it has days late, and only then."""
        return (pl.col("days_late") > 0) == pl.col("is_late")


@table(Payments)
def fact_payments(staged_payments: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Payments of accounts that had signed up by the as-of day, if due or paid by it."""
    is_paid = (pl.col("payment_date") <= as_of).fill_null(False)
    return (
        staged_payments.filter(pl.col("known_date") <= as_of)
        .join(dim_account.select("account_id"), on="account_id", how="semi")
        .with_columns(pl.when(is_paid).then(pl.col("payment_date", "amount_paid")))
        .with_columns(
            is_due=pl.col("payment_due_date") < as_of,
            days_late=days_between(pl.col("payment_due_date"), pl.col("payment_date").fill_null(as_of)).clip(0),
        )
        .with_columns(is_late=pl.col("days_late") > 0)
        .sort("payment_id")
        .select(Payments.column_names())
    )
