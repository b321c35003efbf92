"""Outcomes of workflow items, parsed. One whose item does not exist is quarantined."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import Day
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

RESULTS = ["approved", "denied", "failed"]


class Outcomes(Contract):
    """What became of which item, and when was that decided?"""

    outcome_id = dy.String(primary_key=True, description="Outcome")
    item_id = dy.String(description="Workflow item", metadata={"references": "staged_workflow_items.item_id"})
    outcome_date = Day("Local day of the decision", nullable=False, metadata={"available_from": True})
    result = dy.Enum(
        RESULTS,
        description="approved or denied by a decision, or failed before one",
        metadata={"words": words.OUTCOME},
    )


@staged(Outcomes)
def staged_outcomes(raw_outcomes: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed outcomes."""
    return raw_outcomes.pipe(parsed, Outcomes, settings, "outcomes")
