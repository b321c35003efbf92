"""Support tickets, parsed. A ticket that was resolved before it was created keeps its row; its hours are null."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day, Hours, Moment
from health_assets.contracts.contract import ON_LOAD_DAY, WARN, Contract
from health_assets.contracts.expressions import local_date
from health_assets.contracts.history import REMEMBERED
from health_assets.scoring.ticket_times import OPEN_STATUSES, RESOLVED
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged

TICKET_STATUSES = [*OPEN_STATUSES, *RESOLVED]
SECONDS_OF_AN_HOUR = 3600
MOST_HOURS = 876_000.0  # in a century: a longer time is none that can be meant
PRIORITIES = ["p1", "p2", "p3", "p4"]


class SupportTickets(Contract):
    """Who contacted support, when, and with what outcome?"""

    ticket_id = dy.String(primary_key=True, description="Ticket")
    account_id = AccountId(of="staged_accounts")
    created_at = Moment("When it was opened", nullable=False)
    created_date = Day("Local day on which it was opened", nullable=False, metadata={"available_from": True})
    first_response_at = Moment(
        "When it was first answered, or that many hours after it was opened; null = not yet, or not exported"
    )
    first_response_time_hours = Hours("Time to the first answer as the file has it")
    resolved_at = Moment("When it was resolved; null while open, or where only the hours are exported")
    resolution_time_hours = Hours("Time to resolution as the file has it", metadata={"effective_from": "resolved_at"})
    priority = dy.Enum(
        PRIORITIES,
        nullable=True,
        description="p1 (most urgent) to p4; null = unknown",
        metadata={"words": words.PRIORITY},
    )
    category = dy.String(nullable=True, description="What it is about")
    status = dy.Enum(
        TICKET_STATUSES,
        nullable=True,
        description="As known on the load day",
        metadata=ON_LOAD_DAY | {"words": words.TICKET_STATUS},
    )
    is_escalated = dy.Bool(nullable=True, description="Escalated, as known on the load day", metadata=ON_LOAD_DAY)
    escalated_at = Moment("When it was escalated")
    ticket_type = dy.String(nullable=True, description="Who raised it")
    satisfaction_score = dy.Float64(
        nullable=True,
        min=1,
        max=5,
        description="Rating after resolution, 1-5; null = not rated",
        metadata={"effective_from": "resolved_at", "words": words.SATISFACTION} | REMEMBERED,
    )
    related_incident_id = dy.String(nullable=True, description="Security incident behind it")


@staged(SupportTickets)
def staged_support_tickets(raw_support_tickets: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed tickets."""
    return raw_support_tickets.pipe(parsed, SupportTickets, settings, "support_tickets").with_columns(
        first_response_at=pl.coalesce("first_response_at", _opened_and_answered_after_hours()),
        created_date=local_date(pl.col("created_at"), settings.timezone),
        is_escalated=pl.col("is_escalated") | (pl.col("status") == "escalated").fill_null(False),
    )


def _opened_and_answered_after_hours() -> pl.Expr:
    hours = pl.col("first_response_time_hours")
    seconds = (pl.when(hours <= MOST_HOURS).then(hours) * SECONDS_OF_AN_HOUR).round().cast(pl.Int64)
    return pl.col("created_at") + pl.duration(seconds=seconds)


@identity(of=staged_support_tickets, severity=WARN)
def resolved_at__not_before_created(staged_support_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """No ticket was resolved before it was created; of one that was, the hours and the SLA state are unknown."""
    return staged_support_tickets.filter(pl.col("resolved_at") < pl.col("created_at"))
