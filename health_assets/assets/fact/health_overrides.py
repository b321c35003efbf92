"""Scores and bands that a person has set, one by one, whether they still hold or not.

What applies on the as-of day is in mart/health/customer_health.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Score
from health_assets.contracts.contract import Contract
from health_assets.tables import table


class HealthOverrides(Contract):
    """Whose health was set by hand, when, by whom, and why?"""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    valid_from = Day("First day on which it holds", nullable=False, primary_key=True, metadata={"available_from": True})
    expiry_date = Day("Last day on which it holds", nullable=False)
    score = Score("Score set by hand; null = only the band is")
    band = dy.String(nullable=True, description="Band set by hand; null = the one that the score falls in")
    reason = dy.String(description="Why")
    author = dy.String(description="Who set it")


@table(HealthOverrides, fed_by=("staged_health_overrides",))
def fact_health_overrides(staged_health_overrides: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Overrides that began by the as-of day."""
    return (
        staged_health_overrides.filter(pl.col("valid_from") <= as_of)
        .sort(HealthOverrides.primary_key())
        .select(HealthOverrides.column_names())
    )
