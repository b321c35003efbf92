"""Support tickets as they stood on the evening of the as-of day, held against the target of their priority.

Shares by month belong in mart/support/sla_adherence.py, the history by account and day in fact/account_support_daily.py.
"""

from datetime import date, datetime

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.staged.support_tickets import PRIORITIES, RESOLVED
from health_assets.contracts.columns import AccountId, Day, Hours, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import (
    SLOW_TAIL,
    banded,
    end_of_day,
    first_match,
    local_date,
    month_of,
    safe_ratio,
    up_to,
)
from health_assets.settings import Settings
from health_assets.tables import table

SLA_STATES = ["met", "breached", "pending", "unknown"]
SPEEDS = ["fast", "on_time", "slow", "critical_breach", "unresolved"]
CSAT_TIERS = ["satisfied", "neutral", "dissatisfied", "no_rating"]
SECONDS_OF_AN_HOUR = 3600


class Tickets(Contract):
    """Who asked for help, and was the answer in time and to their satisfaction? As known on the as-of day."""

    ticket_id = dy.String(primary_key=True, description="Ticket")
    account_id = AccountId(of="staged_accounts")
    created_at = Moment("When it was opened", nullable=False)
    created_date = Day("Local day on which it was opened", nullable=False, metadata={"available_from": True})
    created_month = Day("First day of the month in which it was opened", nullable=False)
    resolved_at = Moment("When it was resolved; null = open on the as-of day, or not said when")
    resolution_hours = Hours("From opening to resolution; null = open, not said when, or resolved before it was opened")
    first_response_hours = Hours("From opening to the first answer; null = none yet, not exported, or before opening")
    priority = dy.Enum(PRIORITIES, nullable=True, description="p1 (most urgent) to p4; null = not known")
    category = dy.String(nullable=True, description="What it is about; null = not known")
    ticket_type = dy.String(nullable=True, description="Who raised it; null = not known")
    is_open = dy.Bool(nullable=True, description="Open on the as-of day; null = resolved, not said when")
    sla_target_hours = Hours("Calendar hours to resolution that the priority allows; null = priority not known")
    sla_state = dy.Enum(
        SLA_STATES,
        description="met = resolved within the target; breached = resolved after it, or open with the target past; "
        "pending = open and within it; unknown = resolved without a usable time, or without a target",
    )
    sla_ratio = dy.Float64(nullable=True, min=0, description="Resolution hours / target; null where either is")
    resolution_speed = dy.Enum(
        SPEEDS, nullable=True, description="By sla_ratio; unresolved = open; null = resolved, ratio not known"
    )
    satisfaction_score = dy.Float64(
        nullable=True, min=1, max=5, description="Rating 1-5; null = not rated, or not resolved by the as-of day"
    )
    csat_tier = dy.Enum(CSAT_TIERS, description="By rating, not rounded")
    is_escalated = dy.Bool(
        nullable=True,
        description="Escalated by the as-of day; without dates of escalation known on the load day only, else null",
    )
    escalated_at = Moment("When it was escalated; null = not by the as-of day, or not said when")
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account; null = not signed up yet")

    @dy.rule()
    def resolution_hours__only_of_resolved(cls) -> pl.Expr:
        return pl.col("resolution_hours").is_null() | ~pl.col("is_open")

    @dy.rule()
    def sla_state__agrees_with_ratio(cls) -> pl.Expr:
        return pl.col("sla_ratio").is_null() | ((pl.col("sla_ratio") <= 1) == (pl.col("sla_state") == "met"))


@table(Tickets)
def fact_tickets(
    staged_support_tickets: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings, as_of: date, load_day: date
) -> pl.LazyFrame:
    """Tickets opened by the as-of day."""
    evening = end_of_day(as_of, settings.timezone)
    satisfaction = {"satisfied": settings.support.satisfied_from, "neutral": settings.support.neutral_from}
    return (
        staged_support_tickets.filter(pl.col("created_date") <= as_of)
        .with_columns(
            resolved_at=resolved_at(),
            is_undated=resolved_at().is_null() & is_resolved_in_the_file(),
            is_escalated_at_some_time=pl.col("escalated_at").is_not_null(),
            exports_escalations=pl.col("escalated_at").is_not_null().any(),
            sla_target_hours=sla_target_hours(settings),
        )
        .with_columns(
            pl.when(pl.col(moment) < evening).then(moment).alias(moment)
            for moment in ("resolved_at", "first_response_at", "escalated_at")
        )
        .with_columns(
            created_month=month_of(pl.col("created_date")),
            is_open=pl.when(pl.col("resolved_at").is_not_null() | (pl.col("is_undated") & pl.lit(as_of == load_day)))
            .then(False)
            .when(~pl.col("is_undated"))
            .then(True),
            is_escalated=_is_escalated(is_load_day=as_of == load_day),
            resolution_hours=hours_since_creation("resolved_at"),
            first_response_hours=hours_since_creation("first_response_at"),
        )
        .with_columns(
            sla_ratio=safe_ratio(pl.col("resolution_hours"), pl.col("sla_target_hours")),
            sla_state=_sla_state(evening),
            satisfaction_score=pl.when(~pl.col("is_open")).then("satisfaction_score"),
        )
        .with_columns(
            resolution_speed=pl.when("is_open")
            .then(pl.lit("unresolved"))
            .otherwise(up_to(pl.col("sla_ratio"), settings.support.speed, "critical_breach")),
            csat_tier=banded(pl.col("satisfaction_score"), satisfaction | {"dissatisfied": 0.0}).fill_null("no_rating"),
        )
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .sort("ticket_id")
        .select(Tickets.column_names())
    )


def is_resolved_in_the_file() -> pl.Expr:
    """Whether the status of the load day says that the ticket is done."""
    return pl.col("status").is_in(RESOLVED).fill_null(False)


def resolved_at() -> pl.Expr:
    """When a ticket was resolved; from the hours of the file where only these are given and the ticket is done."""
    after = pl.duration(microseconds=(pl.col("resolution_time_hours") * SECONDS_OF_AN_HOUR * 1_000_000).round())
    return pl.coalesce("resolved_at", pl.when(is_resolved_in_the_file()).then(pl.col("created_at") + after))


def sla_target_hours(settings: Settings) -> pl.Expr:
    """Hours to resolution that the ticket's priority allows; null without one."""
    targets = settings.support.sla_hours
    return pl.col("priority").cast(pl.String).replace_strict(targets, default=None, return_dtype=pl.Float64)


def hours_since_creation(moment: str) -> pl.Expr:
    """Hours from opening to a moment of the ticket; null where that lies before it."""
    hours = (pl.col(moment) - pl.col("created_at")).dt.total_microseconds() / (SECONDS_OF_AN_HOUR * 1_000_000)
    return pl.when(hours >= 0).then(hours)


def deadline() -> pl.Expr:
    """The moment until which a ticket may be resolved in time."""
    return pl.col("created_at") + pl.duration(
        microseconds=(pl.col("sla_target_hours") * SECONDS_OF_AN_HOUR * 1_000_000).round()
    )


def hours_by_month_of_resolution(parts: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    """How long the tickets took that were resolved in a month, whenever they were created.

    Args:
        parts: tickets of this fact with the part that each belongs to (parts.by_part).
        timezone: of the company, whose month it is.

    Returns:
        grain: month x dimension_type x dimension_value; months in which none was resolved with known hours are absent.
    """
    hours = pl.col("resolution_hours")
    return (
        parts.filter(hours.is_not_null())
        .group_by("dimension_type", "dimension_value", month=month_of(local_date(pl.col("resolved_at"), timezone)))
        .agg(
            timed_count=pl.len().cast(pl.Int64),
            mean_resolution_hours=hours.mean(),
            median_resolution_hours=hours.median(),
            p90_resolution_hours=hours.quantile(SLOW_TAIL, interpolation="linear"),
        )
    )


def _sla_state(evening: datetime) -> pl.Expr:
    hours, target = pl.col("resolution_hours"), pl.col("sla_target_hours")
    is_open = pl.col("is_open").fill_null(False)
    return first_match(
        [
            (hours <= target, "met"),
            (hours > target, "breached"),
            (is_open & (deadline() <= evening), "breached"),
            (is_open & (deadline() > evening), "pending"),
            (pl.lit(True), "unknown"),
        ]
    )


def _is_escalated(*, is_load_day: bool) -> pl.Expr:
    flagged = pl.coalesce("is_escalated", pl.col("status") == "escalated")
    undated = flagged if is_load_day else pl.when(~flagged.fill_null(False) & pl.col("exports_escalations")).then(False)
    return pl.when("is_escalated_at_some_time").then(pl.col("escalated_at").is_not_null()).otherwise(undated)
