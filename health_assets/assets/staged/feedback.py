"""Survey responses, parsed and brought to one scale: 0-10 to recommend, 1-5 satisfaction."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

LIKELIHOODS = ["low", "medium", "high"]


class Feedback(Contract):
    """What did accounts answer in surveys?"""

    feedback_id = dy.String(primary_key=True, description="Response")
    account_id = AccountId(of="staged_accounts")
    feedback_date = Day("Local day of the response", nullable=False, metadata={"available_from": True})
    nps_score = dy.Float64(
        nullable=True, min=0, max=10, description="How likely they are to recommend us, 0-10; null = not answered"
    )
    satisfaction_score = dy.Float64(
        nullable=True,
        min=1,
        max=5,
        metadata={"words": words.SATISFACTION},
        description="How satisfied they are, 1-5; null = not answered",
    )
    likelihood_to_renew = dy.Enum(
        LIKELIHOODS,
        nullable=True,
        metadata={"words": words.LIKELIHOOD},
        description="As they say themselves; null = not answered",
    )


@staged(Feedback)
def staged_feedback(raw_feedback: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed responses."""
    return raw_feedback.pipe(parsed, Feedback, settings, "feedback")
