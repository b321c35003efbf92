"""Calls, mails and reviews of the customer success team up to the as-of day, one by one.

Days since the last one, by account and day, are in fact/account_relationship_daily.py; what they changed is in
mart/health/intervention_effect.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, Count, Day, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between, month_of
from health_assets.tables import table


class Touchpoints(Contract):
    """Who contacted which account, when, and how did it go?"""

    touchpoint_id = dy.String(primary_key=True, description="Touchpoint")
    account_id = AccountId(of="staged_accounts")
    occurred_at = Moment("When it took place", nullable=False)
    occurred_date = Day("Local day on which it took place", nullable=False, metadata={"available_from": True})
    occurred_month = Day("First day of that month", nullable=False)
    kind = dy.String(
        nullable=True, description="email, call, business_review, training ..., lower case; null = not said"
    )
    owner = dy.String(nullable=True, description="Member of the team; null = not said")
    result = dy.String(nullable=True, description="How it went, lower case; null = not said")
    note = dy.String(nullable=True, description="What was said; null = not written down")
    touchpoint_number = Count("1 = the account's first touchpoint, 2 = its second; of one moment by touchpoint_id")
    days_since_previous_touchpoint = Count(
        "Days since the account's touchpoint before; null = its first", nullable=True
    )
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account; null = not signed up yet")


@table(Touchpoints, fed_by=("staged_touchpoints",))
def fact_touchpoints(staged_touchpoints: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Touchpoints that took place by the as-of day."""
    before = pl.col("occurred_date").shift(1).over("account_id")
    return (
        staged_touchpoints.filter(pl.col("occurred_date") <= as_of)
        .sort("account_id", "occurred_at", "touchpoint_id")
        .with_columns(
            occurred_month=month_of(pl.col("occurred_date")),
            touchpoint_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("account_id"),
            days_since_previous_touchpoint=days_between(before, pl.col("occurred_date")),
        )
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .sort("touchpoint_id")
        .select(Touchpoints.column_names())
    )
