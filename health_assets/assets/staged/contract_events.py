"""What happened to contracts, parsed. An unknown type becomes `other`; the event is kept."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

CONTRACT_EVENT_TYPES = ["signed", "renewed", "upgraded", "downgraded", "cancelled", "other"]


class ContractEvents(Contract):
    """What happened to the contracts of the accounts, and how did it change revenue?"""

    event_id = dy.String(primary_key=True, description="Event")
    account_id = AccountId(of="staged_accounts")
    event_date = Day("Local day of the event", nullable=False, metadata={"available_from": True})
    event_type = dy.Enum(
        CONTRACT_EVENT_TYPES,
        description="Type of the event; other = none of the others, or not given",
        metadata={"words": words.CONTRACT_EVENT, "otherwise": "other"},
    )
    revenue_impact = dy.Float64(
        nullable=True,
        metadata={"money": True},
        description="Change of revenue by the event, from the CRM, in the reporting currency; null = not given",
    )


@staged(ContractEvents)
def staged_contract_events(raw_contract_events: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed events."""
    return raw_contract_events.pipe(parsed, ContractEvents, settings, "contract_events").with_columns(
        pl.col("event_type").fill_null("other")
    )
