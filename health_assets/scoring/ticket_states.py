"""Whether a ticket was answered and resolved in time, by calendar and by business hours, on the evening of a day.

Hours and deadlines come from scoring/ticket_times.py.
"""

from datetime import datetime

import polars as pl

from health_assets.contracts.expressions import first_match
from health_assets.scoring.ticket_times import CLOCKS
from health_assets.settings import Settings

SLA_STATES = ["met", "breached", "pending", "unknown"]


def states_by_each_clock(settings: Settings, evening: datetime) -> dict[str, pl.Expr]:
    """The states of the resolution and of the first answer; null by the business clock where there are no business hours.

    They read is_open, first_response_at, exports_responses (whether any ticket of the feed has an answer), and the hours,
    targets and deadlines by each clock, as known on the evening.
    """
    found: dict[str, pl.Expr] = {}
    for clock in CLOCKS:
        is_known = pl.lit(clock == "calendar" or settings.support.business_hours is not None)
        hours, target = pl.col(f"{clock}_resolution_hours"), pl.col("sla_target_hours")
        resolution = _state(hours, target, pl.col(f"{clock}_resolution_deadline"), evening)
        found[f"{clock}_sla_state"] = pl.when(is_known).then(resolution)
        found[f"{clock}_first_response_state"] = pl.when(is_known).then(_first_response_state(clock, evening))
    return found


def _state(hours: pl.Expr, target: pl.Expr, deadline: pl.Expr, evening: datetime) -> pl.Expr:
    is_open = pl.col("is_open").fill_null(False)
    return first_match(
        [
            (hours <= target, "met"),
            (hours > target, "breached"),
            (is_open & (deadline <= evening), "breached"),
            (is_open & (deadline > evening), "pending"),
            (pl.lit(True), "unknown"),
        ]
    )


def _first_response_state(clock: str, evening: datetime) -> pl.Expr:
    """Unknown for an open ticket that was answered before it was opened, or where the feed exports no answers."""
    hours, is_answered = pl.col(f"{clock}_first_response_hours"), pl.col("first_response_at").is_not_null()
    deadline = pl.col(f"{clock}_first_response_deadline")
    state = _state(hours, pl.col("first_response_target_hours"), deadline, evening)
    is_known = hours.is_not_null() | (pl.col("exports_responses") & ~is_answered)
    return pl.when(is_known).then(state).otherwise(pl.lit("unknown"))
