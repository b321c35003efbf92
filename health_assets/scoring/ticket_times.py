"""When a ticket was answered and resolved, how many hours that took, and when it was due.

Shared by fact.tickets and fact.account_support_daily. Which of it is known on a given day is decided by these tables.
"""

from collections.abc import Mapping

import polars as pl

from health_assets.contracts.business_hours import business_days, hours_between, moment_after
from health_assets.settings import Settings
from health_assets.settings.support import Priority

CLOCKS = ("calendar", "business")  # hours run always, or in business hours only
OPEN_STATUSES = ["new", "open", "in_progress", "pending", "on_hold", "escalated"]
RESOLVED = ["resolved", "closed"]


def with_ticket_times(staged_support_tickets: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Tickets with the times, hours and deadlines that follow from their timestamps.

    Each is given in calendar hours and in business hours, which are null where the settings have none; without a prefix it is
    in those that `support.hours` names. The hours that a file gives are calendar hours.

    Adds:
        resolved_at: from the hours of the file where only these are given and the ticket is done.
        is_undated: resolved by its status, at a time that the file does not give.
        sla_target_hours, first_response_target_hours: what the priority allows; null without a target.
        resolution_hours, first_response_hours: from opening on; null where it was earlier.
        resolution_deadline, first_response_deadline: the moment until which each is in time.
        The last four also with the prefix calendar_ and business_.
    """
    support = settings.support
    created, is_done = pl.col("created_at"), pl.col("status").is_in(RESOLVED).fill_null(False)
    after_the_hours_of_the_file = moment_after(created, pl.col("resolution_time_hours"), None)
    return staged_support_tickets.with_columns(
        resolved_at=pl.coalesce("resolved_at", pl.when(is_done).then(after_the_hours_of_the_file)),
        sla_target_hours=_by_priority(support.sla_hours),
        first_response_target_hours=_by_priority(support.first_response_hours),
    ).with_columns(
        is_undated=pl.col("resolved_at").is_null() & is_done,
        **_times("", support.hours, settings),
        **{name: time for clock in CLOCKS for name, time in _times(f"{clock}_", clock, settings).items()},
    )


def _times(prefix: str, clock: str, settings: Settings) -> dict[str, pl.Expr]:
    """Hours and deadlines by one clock; null by the business clock where there are no business hours."""
    hours, created = settings.support.business_hours, pl.col("created_at")
    calendar = business_days(hours, settings.timezone) if clock == "business" and hours else None
    times = {
        "resolution_hours": hours_between(created, pl.col("resolved_at"), calendar),
        "first_response_hours": hours_between(created, pl.col("first_response_at"), calendar),
        "resolution_deadline": moment_after(created, pl.col("sla_target_hours"), calendar),
        "first_response_deadline": moment_after(created, pl.col("first_response_target_hours"), calendar),
    }
    is_known = pl.lit(clock == "calendar" or hours is not None)
    return {prefix + name: pl.when(is_known).then(time) for name, time in times.items()}


def _by_priority(hours: Mapping[Priority, float]) -> pl.Expr:
    return pl.col("priority").cast(pl.String).replace_strict(hours, default=None, return_dtype=pl.Float64)
