"""Orders and refunds, parsed: amounts in the reporting currency. A negative amount is a refund and keeps its row."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day, Money
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.scoring.order_amounts import REFUNDED, is_refund
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged

ORDER_STATUSES = ["paid", "pending", "cancelled", "refunded"]


class Orders(Contract):
    """What was bought or paid back, when, and for how much?"""

    order_id = dy.String(primary_key=True, description="Order")
    account_id = AccountId(of="staged_accounts")
    order_date = Day("Day of the order", nullable=False, metadata={"available_from": True})
    total_amount = Money("Amount of the whole order; negative = refund", min=None)
    refunded_amount = Money(
        "What was paid back of the order, counted on the order's day; null = not said",
        nullable=True,
        metadata={"decides": False},
    )
    currency = dy.String(description="Currency of the source amount")
    status = dy.Enum(
        ORDER_STATUSES,
        nullable=True,
        metadata={"words": words.ORDER_STATUS},
        description="paid and pending count as orders, cancelled does not, refunded counts but adds nothing to net spend; "
        "null = unknown, which counts as paid",
    )


@staged(Orders)
def staged_orders(raw_orders: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed orders."""
    return (
        raw_orders.pipe(parsed, Orders, settings, "orders")
        .with_columns(pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency))
        .with_columns(
            total_amount=in_reporting_currency("total_amount", settings),
            refunded_amount=in_reporting_currency("refunded_amount", settings),
        )
    )


@identity(of=staged_orders, severity=WARN)
def order_date__not_before_signup(staged_orders: pl.LazyFrame, staged_accounts: pl.LazyFrame) -> pl.LazyFrame:
    """No account ordered before it signed up; such an order counts as spend, but in no month of its cohort."""
    signups = staged_accounts.select("account_id", "signup_date")
    return staged_orders.join(signups, on="account_id", how="inner", validate="m:1").filter(
        pl.col("order_date") < pl.col("signup_date")
    )


@identity(of=staged_orders, severity=WARN)
def refunds__counted_once(staged_orders: pl.LazyFrame) -> pl.LazyFrame:
    """No account has both an order of status refunded, or of a refunded amount, and a refund that may be the same money.

    Both lower net spend. If they are the same refund, leave one of them out with `where`, map the status refunded to paid
    with `values`, or do not map refunded_amount.
    """
    said_back = pl.when(pl.col("status") == REFUNDED).then("total_amount")
    paid_back = pl.when(pl.col("refunded_amount") > 0).then("refunded_amount").otherwise(said_back)
    refunds = staged_orders.filter(is_refund()).select("account_id", paid_back=-pl.col("total_amount")).unique()
    refunded_orders = staged_orders.filter(~is_refund()).with_columns(paid_back=paid_back)
    return refunded_orders.join(refunds, on=["account_id", "paid_back"], how="semi").drop("paid_back")
