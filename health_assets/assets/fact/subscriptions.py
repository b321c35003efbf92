"""Price periods of subscriptions as of the as-of day, with their price per month.

What an account pays in total is in fact/revenue_monthly.py, by day in fact/account_revenue_daily.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.staged.subscriptions import SUBSCRIPTION_STATUSES
from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.history import valid_on
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.prices import INTERVALS
from health_assets.scoring.recurring_revenue import is_paid_on
from health_assets.settings import Settings
from health_assets.tables import table


class Subscriptions(Contract):
    """Which prices does each account pay, and from when to when?

    One row per price: a subscription has several where it was paused, or where `changes: new_period` makes a price that was
    overwritten in the file a new one.
    """

    subscription_id = dy.String(primary_key=True, description="Subscription, or price period, as the file names it")
    price_number = Count("Number of the price of this subscription, from 1 in the order of time", primary_key=True)
    account_id = AccountId()
    product_name = dy.String(nullable=True, description="Product; null = not named")
    plan_tier = dy.String(nullable=True, description="Plan, lower case; null = not named")
    mrr = Money("Price per month")
    start_date = Day("First day, of the trial where there is one", nullable=False, metadata={"available_from": True})
    first_paid_date = Day("First paid day of this price; null = a trial whose end is unknown")
    end_date = Day("First unpaid day of this price; null = it runs on the as-of day")
    scheduled_end_date = Day(
        "First day on which this price will no longer be paid, where the file schedules its end and no later price of the "
        "product follows it; null = no end within `renewal_forecast.horizon_days`, or a day before the load"
    )
    is_paid = dy.Bool(description="Paid on the as-of day: trials, pauses and ended periods are not")
    status = dy.Enum(
        SUBSCRIPTION_STATUSES,
        nullable=True,
        description="Status in the file on the as-of day; null = unknown, or a day before the first load",
    )
    trial_end_date = Day("First day after the trial; null = no trial, or its end is unknown")
    renewal_date = Day("Day on which it renews; null = unknown")
    seats = Count("Seats paid for; null = unknown", nullable=True)
    amount = dy.Float64(
        nullable=True,
        min=0,
        description="Price of all units for one interval, in the currency of the file; null = not in the file",
    )
    interval = dy.Enum(
        INTERVALS, nullable=True, description="Interval of the price in the file; null = not in the file"
    )
    interval_count = Count("Number of intervals that the price pays for")
    currency = dy.String(description="Currency of the amounts in the file")


@table(Subscriptions)
def fact_subscriptions(
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    load_day: date,
) -> pl.LazyFrame:
    """Price periods that began by the as-of day, of accounts that signed up by then."""
    status = valid_on(history_subscriptions, as_of).select("subscription_id", "status")
    last_day = as_of + timedelta(days=settings.renewal_forecast.horizon_days)
    order = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("subscription_id", order_by="first_paid_date")
    return (
        price_periods(staged_subscriptions, history_subscriptions, settings)
        .with_columns(next_price_from=_next_price_from(as_of))
        .filter(pl.col("start_date") <= as_of)
        .join(dim_account, on="account_id", how="semi")
        .drop("status")
        .join(status, on="subscription_id", how="left", validate="m:1")
        .with_columns(
            mrr="mrr_amount",
            price_number=order,
            is_paid=is_paid_on(as_of).fill_null(False),
            end_date=pl.when(pl.col("end_date") <= as_of).then("end_date"),
            scheduled_end_date=pl.when(
                is_paid_on(as_of),
                pl.col("end_date").is_between(as_of, last_day, closed="right"),
                pl.lit(as_of >= load_day),
            ).then(pl.when((pl.col("next_price_from") > pl.col("end_date")).fill_null(True)).then("end_date")),
            interval=pl.col("interval").cast(pl.Enum(INTERVALS), strict=False),
        )
        .sort("subscription_id", "price_number")
        .select(Subscriptions.column_names())
    )


def _next_price_from(as_of: date) -> pl.Expr:
    """First day of the next price that the account will pay for the product, where the file has one already."""
    first_day = pl.col("first_paid_date")
    return first_day.filter(first_day > as_of).min().over("account_id", "product_name")
