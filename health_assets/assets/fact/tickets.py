"""Support tickets as of the end of the as-of day, compared with the targets of their priority.

Shares by month belong in mart/support/sla_adherence.py, the history by account and day in fact/account_support_daily.py.
"""

from datetime import date, datetime

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.staged.support_tickets import PRIORITIES
from health_assets.contracts.columns import AccountId, AccountOwner, Day, Hours, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import (
    SLOW_TAIL,
    banded,
    end_of_day,
    local_date,
    month_of,
    percent,
    safe_ratio,
    up_to,
)
from health_assets.contracts.history import valid_on
from health_assets.scoring.ticket_states import SLA_STATES, states_by_each_clock
from health_assets.scoring.ticket_times import CLOCKS, OPEN_STATUSES, with_ticket_times
from health_assets.settings import Settings
from health_assets.tables import table

SPEEDS = ["fast", "on_time", "slow", "critical_breach", "unresolved"]
CSAT_TIERS = ["satisfied", "neutral", "dissatisfied", "no_rating"]
TIMES = ("resolution_hours", "first_response_hours")
STATES = ("sla_state", "first_response_state")


class Tickets(Contract):
    """Was each ticket answered and resolved in time, and was the account satisfied? As known on the as-of day."""

    ticket_id = dy.String(primary_key=True, description="Ticket")
    account_id = AccountId(of="staged_accounts")
    created_at = Moment("When it was opened", nullable=False)
    created_date = Day("Local day on which it was opened", nullable=False, metadata={"available_from": True})
    created_month = Day("First day of the month in which it was opened", nullable=False)
    first_response_at = Moment("When it was first answered; null = not by the as-of day, or not exported")
    resolved_at = Moment("When it was resolved; null = open on the as-of day, or the time is unknown")
    resolution_hours = Hours(
        "From opening to resolution, as `support.hours` says; null = open, time unknown, or resolved before it was opened"
    )
    first_response_hours = Hours(
        "From opening to the first answer, as `support.hours` says; null = none yet, not exported, or before opening"
    )
    priority = dy.Enum(PRIORITIES, nullable=True, description="p1 (most urgent) to p4; null = unknown")
    category = dy.String(nullable=True, description="What it is about; null = unknown")
    ticket_type = dy.String(nullable=True, description="Who raised it; null = unknown")
    is_open = dy.Bool(
        nullable=True, description="Open on the as-of day; null = resolved at an unknown time, before the first load"
    )
    is_reopened = dy.Bool(description="Resolved before, but open again by the status seen on the as-of day")
    sla_target_hours = Hours("Hours to resolution, `support.sla_hours` of the priority; null = priority unknown")
    sla_state = dy.Enum(
        SLA_STATES,
        description="met = resolved within the target; breached = resolved after it, or open with the target past; "
        "pending = open and within it; unknown = resolved without a usable time, or without a target",
    )
    first_response_target_hours = Hours(
        "Hours to the first answer, `support.first_response_hours` of the priority; null = priority unknown"
    )
    first_response_state = dy.Enum(
        SLA_STATES,
        description="Of the first answer, as sla_state; unknown = no target, resolved without an answer, or not exported",
    )
    sla_ratio = dy.Float64(nullable=True, min=0, description="Resolution hours / target; null where either is")
    resolution_speed = dy.Enum(
        SPEEDS,
        nullable=True,
        description="By sla_ratio; unresolved = open; null = resolved, but the ratio is unknown",
    )
    satisfaction_score = dy.Float64(
        nullable=True,
        min=1,
        max=5,
        description="Rating 1-5; null = not rated, or not resolved yet by the as-of day",
    )
    csat_tier = dy.Enum(CSAT_TIERS, description="By rating, not rounded")
    is_escalated = dy.Bool(
        nullable=True,
        description="Escalated by the as-of day; without its date as first seen in a load; null before the first load, or not exported",
    )
    escalated_at = Moment("When it was escalated; null = not by the as-of day, or not said when")
    calendar_resolution_hours = Hours("As resolution_hours, in calendar hours")
    business_resolution_hours = Hours(
        "As resolution_hours, in business hours; null also without `support.business_hours`"
    )
    calendar_sla_state = dy.Enum(SLA_STATES, description="As sla_state, in calendar hours")
    business_sla_state = dy.Enum(
        SLA_STATES, nullable=True, description="As sla_state, in business hours; null = no `support.business_hours`"
    )
    calendar_first_response_hours = Hours("As first_response_hours, in calendar hours")
    business_first_response_hours = Hours(
        "As first_response_hours, in business hours; null also without `support.business_hours`"
    )
    calendar_first_response_state = dy.Enum(SLA_STATES, description="As first_response_state, in calendar hours")
    business_first_response_state = dy.Enum(
        SLA_STATES,
        nullable=True,
        description="As first_response_state, in business hours; null = no `support.business_hours`",
    )
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account; null = not signed up yet")
    account_owner = AccountOwner()

    @dy.rule()
    def resolution_hours__only_of_resolved(cls) -> pl.Expr:
        """Only resolved tickets have a resolution time."""
        return pl.col("resolution_hours").is_null() | ~pl.col("is_open")

    @dy.rule()
    def sla_state__agrees_with_ratio(cls) -> pl.Expr:
        """The target is met if no more than the target time was used, and only then."""
        return pl.col("sla_ratio").is_null() | ((pl.col("sla_ratio") <= 1) == (pl.col("sla_state") == "met"))

    @dy.rule()
    def business_hours__at_most_calendar_hours(cls) -> pl.Expr:
        """Business hours are a part of calendar hours."""
        return pl.all_horizontal(
            pl.col(f"business_{name}").is_null() | (pl.col(f"business_{name}") <= pl.col(f"calendar_{name}"))
            for name in TIMES
        )

    @dy.rule()
    def business_sla_state__met_where_calendar_hours_meet(cls) -> pl.Expr:
        """What is in time in calendar hours is in time in business hours, and what is late in business hours is late."""
        calendar, business = pl.col("calendar_sla_state"), pl.col("business_sla_state")
        return business.is_null() | (
            ((calendar != "met") | (business == "met")) & ((business != "breached") | (calendar == "breached"))
        )

    @dy.rule()
    def hours__of_one_of_the_clocks(cls) -> pl.Expr:
        """The hours and states that count are the calendar or the business ones."""
        return pl.any_horizontal(
            pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{clock}_{name}")) for name in (*TIMES, *STATES))
            for clock in CLOCKS
        )


@table(Tickets)
def fact_tickets(
    staged_support_tickets: pl.LazyFrame,
    history_support_tickets: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Tickets opened by the as-of day."""
    evening = end_of_day(as_of, settings.timezone)
    seen = valid_on(history_support_tickets, as_of).select(
        "ticket_id", seen_status=pl.col("status").cast(pl.String), seen_escalated="is_escalated"
    )
    exported = history_support_tickets.filter(pl.col("valid_from") <= as_of).select(
        exports_escalations=pl.col("is_escalated").is_not_null().any()
    )
    return (
        with_ticket_times(staged_support_tickets.filter(pl.col("created_date") <= as_of), settings)
        .join(seen, on="ticket_id", how="left", validate="1:1")
        .join(exported, how="cross")
        .with_columns(
            is_reopened=_is_reopened(evening),
            is_escalated=_is_escalated(evening),
            exports_responses=pl.col("first_response_at").is_not_null().any(),
        )
        .with_columns(is_open=_is_open(evening))
        .with_columns(
            _by(evening, "first_response_at", "first_response_at", *_on_each_clock("first_response_hours")),
            _by(evening, "escalated_at", "escalated_at"),
            pl.when((pl.col("resolved_at") < evening) & ~pl.col("is_open")).then(
                pl.col("resolved_at", *_on_each_clock("resolution_hours"))
            ),
            created_month=month_of(pl.col("created_date")),
            satisfaction_score=pl.when(~pl.col("is_open") | pl.col("is_reopened")).then("satisfaction_score"),
        )
        .with_columns(
            sla_ratio=safe_ratio(pl.col("resolution_hours"), pl.col("sla_target_hours")),
            csat_tier=_csat_tier(settings),
            **states_by_each_clock(settings, evening),
        )
        .with_columns(
            resolution_speed=_resolution_speed(settings),
            **{state: pl.col(f"{settings.support.hours}_{state}") for state in STATES},
        )
        .join(dim_account.select("account_id", "segment", "account_owner"), on="account_id", how="left", validate="m:1")
        .sort("ticket_id")
        .select(Tickets.column_names())
    )


def sla_adherence_pct(states: pl.Expr) -> pl.Expr:
    """Met / (met + breached) of a group of tickets, by their states; null where neither is known of any."""
    met, breached = (states == "met").sum(), (states == "breached").sum()
    return percent(met, met + breached)


def csat_pct(tiers: pl.Expr) -> pl.Expr:
    """Satisfied / rated of a group of tickets, by their tiers; null where none is rated."""
    return percent((tiers == "satisfied").sum(), (tiers != "no_rating").sum())


def hours_by_month_of_resolution(tickets: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    """How long the tickets took that were resolved in a month, whenever they were created.

    Args:
        tickets: of this fact, each with the dimension that it belongs to (breakdowns.by_part).
        timezone: of the company, whose month it is.

    Returns:
        grain: month x dimension_type x dimension_value; months in which none was resolved with known hours are absent.
    """
    hours = pl.col("resolution_hours")
    return (
        tickets.filter(hours.is_not_null())
        .group_by("dimension_type", "dimension_value", month=month_of(local_date(pl.col("resolved_at"), timezone)))
        .agg(
            timed_count=pl.len().cast(pl.Int64),
            **{f"{clock}_median_resolution_hours": pl.col(f"{clock}_resolution_hours").median() for clock in CLOCKS},
            mean_resolution_hours=hours.mean(),
            median_resolution_hours=hours.median(),
            p90_resolution_hours=hours.quantile(SLOW_TAIL, interpolation="linear"),
        )
    )


def _on_each_clock(name: str) -> list[str]:
    return [name, *(f"{clock}_{name}" for clock in CLOCKS)]


def _by(evening: datetime, moment: str, *columns: str) -> pl.Expr:
    """Columns that are known from a point in time on, and null at the end of an earlier day."""
    return pl.when(pl.col(moment) < evening).then(pl.col(columns))


def _is_reopened(evening: datetime) -> pl.Expr:
    """Resolved by its time of resolution, but open by the status seen on the as-of day."""
    is_resolved, is_open = pl.col("resolved_at") < evening, pl.col("seen_status").is_in(OPEN_STATUSES)
    return (is_resolved & is_open).fill_null(False)


def _is_open(evening: datetime) -> pl.Expr:
    """By the status seen on the as-of day, where the file does not give the time of resolution."""
    is_resolved = (pl.col("resolved_at") < evening).fill_null(False)
    by_status = pl.col("seen_status").is_in(OPEN_STATUSES)
    return pl.when("is_undated").then(by_status).otherwise(~is_resolved | pl.col("is_reopened"))


def _is_escalated(evening: datetime) -> pl.Expr:
    """By the time of escalation; without one by what was seen on the day, or no where the feed exports such times.

    Null where the feed has never flagged a ticket either way, and called none escalated: it may not export escalations.
    """
    moment, flag = pl.col("escalated_at"), pl.col("is_escalated").fill_null(False)
    seen = pl.coalesce("seen_escalated", pl.when("exports_escalations").then(pl.col("seen_status") == "escalated"))
    never = pl.when(moment.is_not_null().any() & ~flag).then(pl.lit(False))
    return pl.when(moment.is_not_null()).then(moment < evening).otherwise(pl.coalesce(seen, never))


def _csat_tier(settings: Settings) -> pl.Expr:
    floors = {
        "satisfied": settings.support.satisfied_from,
        "neutral": settings.support.neutral_from,
        "dissatisfied": 0.0,
    }
    return banded(pl.col("satisfaction_score"), floors).fill_null("no_rating")


def _resolution_speed(settings: Settings) -> pl.Expr:
    of_resolved = up_to(pl.col("sla_ratio"), settings.support.speed, "critical_breach")
    return pl.when("is_open").then(pl.lit("unresolved")).otherwise(of_resolved)
