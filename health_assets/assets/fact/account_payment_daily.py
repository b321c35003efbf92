"""What each account bought and what it owed in the days up to each day.

Payments one by one belong in fact/payments.py, late rates in mart/commerce/payment_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, counts_by_day, days_between
from health_assets.scoring.recurring_revenue import without_dust
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

MONTH, QUARTER = 30, 90
OF_ORDERS = ["order_count_30d", "order_count_previous_30d", "spend_30d", "days_since_last_order"]
OF_PAYMENTS = ["past_due_payment_count", "late_paid_payment_count_90d"]


class AccountPaymentDaily(Contract):
    """Did each account buy in the days up to each day, and does it pay in time?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    order_count_30d = Count(
        "Orders in 30 days; null = orders are not connected, begin later, or are stale", nullable=True
    )
    order_count_previous_30d = Count("Orders in the 30 days before those; null as order_count_30d", nullable=True)
    spend_30d = Money("Amount of the orders of 30 days; null as order_count_30d", nullable=True)
    days_since_last_order = Count("Days since the latest order; null = never one, or as order_count_30d", nullable=True)
    past_due_payment_count = Count(
        "Payments due before the day and not paid by its end; null = payments are not connected, begin later, or are stale",
        nullable=True,
    )
    late_paid_payment_count_90d = Count(
        "Payments made in 90 days, after they were due; null as past_due_payment_count", nullable=True
    )

    @dy.rule()
    def spend_30d__only_with_orders(cls) -> pl.Expr:
        return (pl.col("order_count_30d") > 0) | (pl.col("spend_30d") == 0)


@table(
    AccountPaymentDaily,
    monthly=True,
    settings_sections=("stale_after_days",),
    fed_by=("staged_orders", "staged_payments"),
)
def fact_account_payment_daily(
    staged_accounts: pl.LazyFrame,
    staged_orders: pl.LazyFrame,
    staged_payments: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day from its signup on, on days on which either source is there."""
    counted = _of_orders(staged_orders) | _of_payments(staged_payments)
    counts = [name for name in counted if name != "spend_30d"]
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .pipe(with_freshness, "as_of_date", "orders", staged_orders, "order_date", settings)
        .pipe(with_freshness, "as_of_date", "payments", staged_payments, "known_date", settings)
        .filter(pl.col("has_orders") | pl.col("has_payments"))
        .with_columns(pl.col(counts).round().cast(pl.Int64))
        .with_columns(
            spend_30d=pl.when(pl.col("order_count_30d") > 0).then(without_dust("spend_30d").clip(0)).otherwise(0.0)
        )
        .join_asof(
            _last_orders(staged_orders),
            left_on="as_of_date",
            right_on="order_date",
            by="account_id",
            check_sortedness=False,  # the days of each account are in order
        )
        .with_columns(days_since_last_order=days_between(pl.col("last_order_date"), pl.col("as_of_date")))
        .with_columns(pl.when("has_orders").then(pl.col(OF_ORDERS)), pl.when("has_payments").then(pl.col(OF_PAYMENTS)))
        .select(AccountPaymentDaily.column_names())
    )


def _of_orders(staged_orders: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted of orders -> orders with the days on which they count."""
    day = pl.col("order_date")

    def between(first: int, end: int, size: pl.Expr) -> pl.LazyFrame:
        return staged_orders.select(
            "account_id", first_day=day.dt.offset_by(f"{first}d"), end_day=day.dt.offset_by(f"{end}d"), size=size
        )

    return {
        "order_count_30d": between(0, MONTH, pl.lit(1.0)),
        "order_count_previous_30d": between(MONTH, 2 * MONTH, pl.lit(1.0)),
        "spend_30d": between(0, MONTH, pl.col("total_amount")),
    }


def _of_payments(staged_payments: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted of payments -> payments with the days on which they count; paid on a day is paid that evening."""
    due, paid = pl.col("payment_due_date"), pl.col("payment_date")
    late = staged_payments.filter(paid > due)
    return {
        "past_due_payment_count": staged_payments.select(
            "account_id", first_day=due.dt.offset_by("1d"), end_day=paid, size=pl.lit(1.0)
        ),
        "late_paid_payment_count_90d": late.select(
            "account_id", first_day=paid, end_day=paid.dt.offset_by(f"{QUARTER}d"), size=pl.lit(1.0)
        ),
    }


def _last_orders(staged_orders: pl.LazyFrame) -> pl.LazyFrame:
    return (
        staged_orders.select("account_id", "order_date", last_order_date="order_date")
        .unique()
        .sort("order_date", "account_id")
    )
