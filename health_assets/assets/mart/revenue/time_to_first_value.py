"""How long accounts take from the signup to the first use of the product and to the first payment.

How far they have adopted the product since is in mart/engagement/.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between, month_of
from health_assets.tables import table


class TimeToFirstValue(Contract):
    """How many days after the signup does an account first use the product, and first pay?

    A column whose feed is not connected is null throughout.
    """

    account_id = AccountId(primary_key=True)
    signup_date = Day("First contract or trial", nullable=False, metadata={"available_from": True})
    signup_month = dy.Date(description="First day of the month of the signup")
    segment = dy.Enum(
        SEGMENTS, description="By plan tier, or by the number of employees; see `segments` in the settings"
    )
    plan_tier = dy.String(nullable=True, description="Plan on the load day, lower case")
    first_event_date = Day("Day of the first event; null = none by the as-of day, or usage events are not connected")
    days_to_first_event = Count(
        "Days from the signup to the first event, 0 where there were events before it; null where first_event_date is null",
        nullable=True,
    )
    first_paid_date = Day("First paid day; null = never paid, or no revenue history")
    days_to_first_payment = Count(
        "Days from the signup to the first paid day, 0 where it was before; null where first_paid_date is null",
        nullable=True,
    )


@table(TimeToFirstValue, fed_by=("dim_account",))
def mart_time_to_first_value(dim_account: pl.LazyFrame, fact_usage_daily: pl.LazyFrame) -> pl.LazyFrame:
    """One row per account."""
    first_events = fact_usage_daily.group_by("account_id").agg(first_event_date=pl.col("activity_date").min())
    signup = pl.col("signup_date")
    return (
        dim_account.join(first_events, on="account_id", how="left", validate="1:1")
        .with_columns(
            signup_month=month_of(signup),
            days_to_first_event=days_between(signup, pl.col("first_event_date")).clip(lower_bound=0),
            days_to_first_payment=days_between(signup, pl.col("first_paid_date")).clip(lower_bound=0),
        )
        .sort("account_id")
        .select(TimeToFirstValue.column_names())
    )
