"""Workflow items, parsed. One that was completed before it was started keeps its row; its minutes are unknown."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Moment
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged


class WorkflowItems(Contract):
    """What was processed for which account, when, and was its data in order?"""

    item_id = dy.String(primary_key=True, description="Item")
    account_id = AccountId(of="staged_accounts")
    started_at = Moment("When work on it began", nullable=False)
    started_date = Day("Local day on which work began", nullable=False, metadata={"available_from": True})
    completed_at = Moment("When it was done; null = not yet, or given up")
    completed_date = Day("Local day on which it was done; null as that is")
    has_data_error = dy.Bool(nullable=True, description="Whether its data were faulty; null = unknown")


@staged(WorkflowItems)
def staged_workflow_items(raw_workflow_items: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed items."""
    return raw_workflow_items.pipe(parsed, WorkflowItems, settings, "workflow_items").with_columns(
        started_date=local_date(pl.col("started_at"), settings.timezone),
        completed_date=local_date(pl.col("completed_at"), settings.timezone),
    )


@identity(of=staged_workflow_items, severity=WARN)
def completed_at__not_before_started(staged_workflow_items: pl.LazyFrame) -> pl.LazyFrame:
    """No item was done before work on it began; for one that was, the minutes are unknown."""
    return staged_workflow_items.filter(pl.col("completed_at") < pl.col("started_at"))
