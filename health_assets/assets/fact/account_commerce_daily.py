"""What each account bought, how often, and what it owed in the days up to each day.

Orders one by one belong in fact/orders.py, payments in fact/payments.py, late rates in mart/commerce/payment_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Latest, Spans, counts_by_day
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
    order_days = _order_days(staged_orders.filter(is_order()))
    counted = _of_orders(staged_orders) | _of_payments(staged_payments)
    latest = [Latest(order_days, "order_date", ["last_order_date", "own_rhythm"])]
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period, latest=latest)
        .rename({"day": "as_of_date"})
        .pipe(with_freshness, "as_of_date", "orders", staged_orders, "order_date", settings)
        .pipe(with_freshness, "as_of_date", "payments", staged_payments, "known_date", settings)
        .filter(pl.col("has_orders") | pl.col("has_payments"))
        .join(_company_rhythm(order_days, period), on="as_of_date", how="left", validate="m:1", maintain_order="left")
        .with_columns(
            days_since_last_order=days_between(pl.col("last_order_date"), pl.col("as_of_date")),
            order_rhythm_days=pl.coalesce("own_rhythm", "company_rhythm"),
            spend_30d=without_dust("spend_30d"),
        )
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


def _of_orders(staged_orders: pl.LazyFrame) -> dict[str, Spans]:
    """What is counted of orders, on which days; refunds count in spend alone."""
    orders = staged_orders.filter(is_order())

    def between(first: int, end: int) -> Spans:
        return Spans(orders, _after("order_date", first), _after("order_date", end))

    return {
        "order_count_30d": between(0, MONTH),
        "order_count_previous_30d": between(MONTH, 2 * MONTH),
        "order_count_60d": between(0, TWO_MONTHS),
        "order_count_previous_60d": between(TWO_MONTHS, 2 * TWO_MONTHS),
        "order_count_365d": between(0, YEAR),
        "spend_30d": Spans(staged_orders, pl.col("order_date"), _after("order_date", MONTH), net_amount()),
    }


def _of_payments(staged_payments: pl.LazyFrame) -> dict[str, Spans]:
    """What is counted of payments, on which days; paid on a day is paid that evening."""
    due, paid = pl.col("payment_due_date"), pl.col("payment_date")
    paid_late = pl.when(paid > due).then(paid)
    return {
        "past_due_payment_count": Spans(staged_payments, _after("payment_due_date", 1), paid),
        "late_paid_payment_count_90d": Spans(staged_payments, paid_late, _after("payment_date", QUARTER)),
    }


def _after(day: str, days: int) -> pl.Expr:
    return pl.col(day).dt.offset_by(f"{days}d")


def _order_days(orders: pl.LazyFrame) -> pl.LazyFrame:
    """Each day on which an account ordered, the days since the one before, and the rhythm of the account by then."""
    return (
        orders.select("account_id", "order_date")
        .unique()
        .sort("account_id", "order_date")
        .with_columns(gap=days_between(pl.col("order_date").shift(1).over("account_id"), pl.col("order_date")))
        .with_columns(
            own_rhythm=_median_so_far("gap", GAPS_OF_A_RHYTHM).over("account_id"), last_order_date="order_date"
        )
        .sort("order_date", "account_id")
    )


def _company_rhythm(order_days: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """The rhythm of all accounts together by each day of a period."""
    rhythms = (
        order_days.drop_nulls("gap")
        .select("order_date", company_rhythm=_median_so_far("gap", 1))
        .unique("order_date", keep="last", maintain_order=True)  # that of the whole day
    )
    days = pl.LazyFrame({"as_of_date": pl.date_range(period.first_day, period.last_day, eager=True)})
    return days.join_asof(rhythms, left_on="as_of_date", right_on="order_date").drop("order_date")


def _median_so_far(values: str, least: int) -> pl.Expr:
    """The median of a value and all before it; null while there are fewer than `least`."""
    return pl.col(values).cast(pl.Float64).rolling_median(ALL_BEFORE, min_samples=least)
