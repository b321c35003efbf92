"""What each account bought, how often, and what it owed in the days up to each day.

Orders one by one belong in fact/orders.py, payments in fact/payments.py, late rates in mart/commerce/payment_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, days_between, relative_change, safe_ratio
from health_assets.scoring.order_amounts import is_order, net_amount
from health_assets.scoring.recurring_revenue import without_dust
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

MONTH, TWO_MONTHS, QUARTER, YEAR = 30, 60, 90, 365
GAPS_OF_A_RHYTHM = 2  # between three orders
ALL_BEFORE = 2**31 - 1  # a window that no history fills
NO_ORDERS = "null = orders are not connected, begin later, or are stale"
NO_PAYMENTS = "null = payments are not connected, begin later, or are stale"


class AccountCommerceDaily(Contract):
    """Did each account buy in the days up to each day, as often as usual, and does it pay in time?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    order_count_30d = Count(f"Orders in 30 days; {NO_ORDERS}", nullable=True)
    order_count_previous_30d = Count(f"Orders in the 30 days before those; {NO_ORDERS}", nullable=True)
    order_count_60d = Count(f"Orders in 60 days; {NO_ORDERS}", nullable=True)
    order_count_previous_60d = Count(f"Orders in the 60 days before those; {NO_ORDERS}", nullable=True)
    order_count_365d = Count(f"Orders in 365 days; {NO_ORDERS}", nullable=True)
    order_change_ratio_60d = dy.Float64(
        nullable=True,
        min=-1,
        description="Orders in 60 days / in the 60 days before - 1; null = fewer than `min_events` in the earlier "
        "window, or as order_count_60d",
    )
    spend_30d = Money(f"Net spend in 30 days: orders less refunds; {NO_ORDERS}", min=None, nullable=True)
    days_since_last_order = Count(
        f"Days since the latest order; null = no order yet, or {NO_ORDERS[7:]}", nullable=True
    )
    order_rhythm_days = dy.Float64(
        nullable=True,
        min=0,
        description="Median days from one day with an order to the next, up to the day: of the account if it ordered on 3 "
        f"days or more, else of all accounts; null = no account has ordered twice yet, or {NO_ORDERS[7:]}",
    )
    order_quiet_ratio = dy.Float64(
        nullable=True,
        min=0,
        description="Days since the latest order / order_rhythm_days: above 1 the account is quieter than usual; "
        "null where either is",
    )
    past_due_payment_count = Count(f"Payments due before the day and not paid by its end; {NO_PAYMENTS}", nullable=True)
    late_paid_payment_count_90d = Count(f"Payments made in 90 days, after they were due; {NO_PAYMENTS}", nullable=True)
    late_payment_count_90d = Count(f"Both of these: past due, or paid late in 90 days; {NO_PAYMENTS}", nullable=True)


OF_ORDERS = [
    "order_count_30d",
    "order_count_previous_30d",
    "order_count_60d",
    "order_count_previous_60d",
    "order_count_365d",
    "order_change_ratio_60d",
    "spend_30d",
    "days_since_last_order",
    "order_rhythm_days",
    "order_quiet_ratio",
]
OF_PAYMENTS = ["past_due_payment_count", "late_paid_payment_count_90d", "late_payment_count_90d"]


@table(
    AccountCommerceDaily,
    monthly=True,
    settings_sections=("stale_after_days", "min_events"),
    fed_by=("staged_orders", "staged_payments"),
)
def fact_account_commerce_daily(
    staged_accounts: pl.LazyFrame,
    staged_orders: pl.LazyFrame,
    staged_payments: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day from its signup on, on days on which either source is fresh."""
    counted = _of_orders(staged_orders) | _of_payments(staged_payments)
    counts = [name for name in counted if name != "spend_30d"]
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .pipe(with_freshness, "as_of_date", "orders", staged_orders, "order_date", settings)
        .pipe(with_freshness, "as_of_date", "payments", staged_payments, "known_date", settings)
        .filter(pl.col("has_orders") | pl.col("has_payments"))
        .with_columns(pl.col(counts).round().cast(pl.Int64), spend_30d=without_dust("spend_30d"))
        .pipe(_with_rhythm, staged_orders.filter(is_order()), period)
        .with_columns(
            order_change_ratio_60d=relative_change(
                pl.col("order_count_60d"), pl.col("order_count_previous_60d"), settings.min_events
            ),
            order_quiet_ratio=safe_ratio(pl.col("days_since_last_order"), pl.col("order_rhythm_days")),
            late_payment_count_90d=pl.col("past_due_payment_count") + pl.col("late_paid_payment_count_90d"),
        )
        .with_columns(pl.when("has_orders").then(pl.col(OF_ORDERS)), pl.when("has_payments").then(pl.col(OF_PAYMENTS)))
        .select(AccountCommerceDaily.column_names())
    )


def _of_orders(staged_orders: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is counted of orders -> orders with the days on which they count; refunds count in spend alone."""
    day, orders = pl.col("order_date"), staged_orders.filter(is_order())

    def between(rows: pl.LazyFrame, first: int, end: int, size: pl.Expr) -> pl.LazyFrame:
        return rows.select(
            "account_id", first_day=day.dt.offset_by(f"{first}d"), end_day=day.dt.offset_by(f"{end}d"), size=size
        )

    one = pl.lit(1.0)
    return {
        "order_count_30d": between(orders, 0, MONTH, one),
        "order_count_previous_30d": between(orders, MONTH, 2 * MONTH, one),
        "order_count_60d": between(orders, 0, TWO_MONTHS, one),
        "order_count_previous_60d": between(orders, TWO_MONTHS, 2 * TWO_MONTHS, one),
        "order_count_365d": between(orders, 0, YEAR, one),
        "spend_30d": between(staged_orders, 0, MONTH, net_amount()),
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


def _with_rhythm(panel: pl.LazyFrame, orders: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """The panel with `days_since_last_order` and `order_rhythm_days`, from orders up to each of its days."""
    order_days = (
        orders.select("account_id", "order_date")
        .unique()
        .sort("account_id", "order_date")
        .with_columns(gap=days_between(pl.col("order_date").shift(1).over("account_id"), pl.col("order_date")))
        .with_columns(
            own_rhythm=_median_so_far("gap", GAPS_OF_A_RHYTHM).over("account_id"), last_order_date="order_date"
        )
        .sort("order_date", "account_id")
    )
    company = (
        order_days.drop_nulls("gap")
        .with_columns(company_rhythm=_median_so_far("gap", 1))
        .unique("order_date", keep="last", maintain_order=True)  # that of the whole day
        .select("order_date", "company_rhythm")
    )
    days = pl.LazyFrame({"as_of_date": pl.date_range(period.first_day, period.last_day, eager=True)})
    by_day = days.join_asof(company, left_on="as_of_date", right_on="order_date").drop("order_date")
    return (
        panel.join(by_day, on="as_of_date", how="left", validate="m:1", maintain_order="left")
        .join_asof(
            order_days.drop("gap"),
            left_on="as_of_date",
            right_on="order_date",
            by="account_id",
            check_sortedness=False,  # the days of each account are in order
        )
        .with_columns(
            days_since_last_order=days_between(pl.col("last_order_date"), pl.col("as_of_date")),
            order_rhythm_days=pl.coalesce("own_rhythm", "company_rhythm"),
        )
    )


def _median_so_far(values: str, least: int) -> pl.Expr:
    """The median of a value and all before it; null while there are fewer than `least`."""
    return pl.col(values).cast(pl.Float64).rolling_median(ALL_BEFORE, min_samples=least)
