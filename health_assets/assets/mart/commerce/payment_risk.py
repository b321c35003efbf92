"""How each account pays: what was due, what was late.

Payments one by one belong in fact/payments.py; who needs attention in mart/commerce/commerce_flags.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import safe_ratio
from health_assets.tables import identity, table


class PaymentRisk(Contract):
    """Which accounts pay late, how often and by how much?"""

    account_id = AccountId(primary_key=True)
    due_payment_count = Count("Payments due before the as-of day")
    late_payment_count = Count("Of these, paid after the due day or not paid")
    past_due_payment_count = Count("Of these, not paid on the as-of day")
    late_payment_rate = Share("Late / due")
    mean_days_late = dy.Float64(
        nullable=True, min=0, description="Mean days from the due day to payment or the as-of day; null = none was late"
    )
    has_late_payment = dy.Bool(description="At least one payment was late")

    @dy.rule()
    def late_payment_count__within_due(cls) -> pl.Expr:
        """Late payments are among those that were due."""
        return pl.col("late_payment_count") <= pl.col("due_payment_count")

    @dy.rule()
    def past_due_payment_count__within_late(cls) -> pl.Expr:
        """Payments that are past due are among the late ones."""
        return pl.col("past_due_payment_count") <= pl.col("late_payment_count")


@table(PaymentRisk)
def mart_payment_risk(fact_payments: pl.LazyFrame, dim_account: pl.LazyFrame) -> pl.LazyFrame:
    """Every account, once there are payments; without the source, none."""
    is_late = pl.col("is_late")
    counts = ["due_payment_count", "late_payment_count", "past_due_payment_count"]
    by_account = fact_payments.group_by("account_id").agg(
        due_payment_count=pl.col("is_due").sum().cast(pl.Int64),
        late_payment_count=is_late.sum().cast(pl.Int64),
        past_due_payment_count=(is_late & pl.col("payment_date").is_null()).sum().cast(pl.Int64),
        mean_days_late=pl.col("days_late").filter(is_late).mean(),
    )
    return (
        dim_account.join(fact_payments.select(has_payments=pl.len() > 0), how="cross")
        .filter("has_payments")
        .join(by_account, on="account_id", how="left", validate="1:1")
        .with_columns(pl.col(counts).fill_null(0))
        .with_columns(
            late_payment_rate=safe_ratio(pl.col("late_payment_count"), pl.col("due_payment_count")),
            has_late_payment=pl.col("late_payment_count") > 0,
        )
        .sort("account_id")
        .select(PaymentRisk.column_names())
    )


@identity(of=mart_payment_risk)
def late_payment_count__is_that_of_the_payments(
    mart_payment_risk: pl.LazyFrame, fact_payments: pl.LazyFrame
) -> pl.LazyFrame:
    """The due and the late payments of all accounts add up to those in fact.payments."""
    payments = fact_payments.select(pl.col("is_due").sum(), pl.col("is_late").sum())
    accounts = mart_payment_risk.select(pl.col("due_payment_count").sum(), pl.col("late_payment_count").sum())
    return payments.join(accounts, how="cross").filter(
        (pl.col("is_due") != pl.col("due_payment_count")) | (pl.col("is_late") != pl.col("late_payment_count"))
    )
