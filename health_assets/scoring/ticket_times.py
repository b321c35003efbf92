"""When a ticket was answered and resolved, how many hours that took, and when it was due.

Shared by fact.tickets and fact.account_support_daily. Which of it is known on a given day is decided by these tables.
"""

from datetime import timedelta

import polars as pl

from health_assets.settings import Settings

RESOLVED = ["resolved", "closed"]
HOUR = timedelta(hours=1)


def with_ticket_times(staged_support_tickets: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Tickets with the times, hours and deadlines that follow from their timestamps.

    Adds:
        resolved_at: from the hours of the file where only these are given and the ticket is done.
        is_undated: resolved by its status, at a time that the file does not give.
        sla_target_hours: hours to resolution that the priority allows; null without a priority.
        resolution_hours, first_response_hours: from opening on; null where the moment lies before it.
        resolution_deadline: the moment until which a resolution is in time.
    """
    targets = settings.support.sla_hours
    is_done = pl.col("status").is_in(RESOLVED).fill_null(False)
    after_the_hours_of_the_file = pl.col("created_at") + _hours(pl.col("resolution_time_hours"))
    return staged_support_tickets.with_columns(
        resolved_at=pl.coalesce("resolved_at", pl.when(is_done).then(after_the_hours_of_the_file)),
        sla_target_hours=pl.col("priority")
        .cast(pl.String)
        .replace_strict(targets, default=None, return_dtype=pl.Float64),
    ).with_columns(
        is_undated=pl.col("resolved_at").is_null() & is_done,
        resolution_hours=_hours_since_creation("resolved_at"),
        first_response_hours=_hours_since_creation("first_response_at"),
        resolution_deadline=pl.col("created_at") + _hours(pl.col("sla_target_hours")),
    )


def _hours(count: pl.Expr) -> pl.Expr:
    return pl.duration(microseconds=(count * (HOUR / timedelta(microseconds=1))).round())


def _hours_since_creation(moment: str) -> pl.Expr:
    hours = (pl.col(moment) - pl.col("created_at")).dt.total_microseconds() / (HOUR / timedelta(microseconds=1))
    return pl.when(hours >= 0).then(hours)
