"""Scores and bands set by hand, parsed. Which of them applies on a day is decided in mart/health/customer_health.py."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Score
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class HealthOverrides(Contract):
    """Which scores or bands are set by hand, why, and until when?

    Of one account and first day the last row of the file counts; an override without an end is not accepted.
    """

    account_id = AccountId(primary_key=True, of="staged_accounts")
    valid_from = Day("First day on which it holds", nullable=False, primary_key=True, metadata={"available_from": True})
    expiry_date = Day("Last day on which it holds", nullable=False)
    score = Score("Score set by hand; null = only the band is")
    band = dy.String(nullable=True, description="Band set by hand, lower case; null = the one that the score falls in")
    reason = dy.String(description="Why")
    author = dy.String(description="Who set it")

    @dy.rule()
    def score__or_band_given(cls) -> pl.Expr:
        """An override sets a score or a band."""
        return pl.col("score").is_not_null() | pl.col("band").is_not_null()

    @dy.rule()
    def expiry_date__not_before_first_day(cls) -> pl.Expr:
        """No override expires before its first day."""
        return pl.col("expiry_date") >= pl.col("valid_from")


@staged(HealthOverrides)
def staged_health_overrides(raw_health_overrides: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed overrides."""
    return raw_health_overrides.pipe(parsed, HealthOverrides, settings, "health_overrides").with_columns(
        pl.col("band").str.to_lowercase()
    )
