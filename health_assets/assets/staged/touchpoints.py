"""Calls, mails and reviews of the customer success team, parsed."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class Touchpoints(Contract):
    """Who contacted which account, when, and how did it go?"""

    touchpoint_id = dy.String(primary_key=True, description="Touchpoint")
    account_id = AccountId(of="staged_accounts")
    occurred_at = Moment("When it took place", nullable=False)
    occurred_date = Day("Local day on which it took place", nullable=False, metadata={"available_from": True})
    kind = dy.String(nullable=True, description="email, call, business_review, training ..., lower case")
    owner = dy.String(nullable=True, description="Who of us it was")
    result = dy.String(nullable=True, description="How it went, lower case; null = not said")
    note = dy.String(nullable=True, description="What was said; null = not written down")


@staged(Touchpoints)
def staged_touchpoints(raw_touchpoints: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed touchpoints."""
    return raw_touchpoints.pipe(parsed, Touchpoints, settings, "touchpoints").with_columns(
        pl.col("kind", "result").str.to_lowercase(),
        occurred_date=local_date(pl.col("occurred_at"), settings.timezone),
    )
