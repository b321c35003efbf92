"""How many minutes each step of an incident took, and when a response was due.

Shared by fact.incidents and fact.account_security_daily. Which of it is known on a given day is decided by these tables.
"""

import polars as pl

from health_assets.settings import Settings

MICROSECONDS_OF_A_MINUTE = 60_000_000


def with_incident_times(staged_security_incidents: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Incidents with the minutes and deadlines that follow from their timestamps.

    Adds:
        sla_minutes: minutes to respond that the severity allows; null without a target or severity.
        minutes_to_detect, minutes_to_respond, minutes_to_contain: null where the timestamps are out of order.
        response_deadline: the moment until which a response is in time.
    """
    target = (
        pl.col("severity")
        .cast(pl.String)
        .replace_strict(settings.security.sla_minutes, default=None, return_dtype=pl.Float64)
    )
    return staged_security_incidents.with_columns(
        sla_minutes=target,
        minutes_to_detect=_minutes("occurred_at", "detected_at"),
        minutes_to_respond=_minutes("detected_at", "responded_at"),
        minutes_to_contain=_minutes("detected_at", "contained_at"),
        response_deadline=pl.col("detected_at") + pl.duration(microseconds=(target * MICROSECONDS_OF_A_MINUTE).round()),
    )


def _minutes(earlier: str, later: str) -> pl.Expr:
    minutes = (pl.col(later) - pl.col(earlier)).dt.total_microseconds() / MICROSECONDS_OF_A_MINUTE
    return pl.when(minutes >= 0).then(minutes)
