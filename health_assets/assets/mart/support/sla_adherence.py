"""Support by month: targets met, hours, ratings; in total and by priority, segment, category and account owner.

Tickets belong to the month in which they were opened, hours to resolution to the month of the resolution. Single tickets
belong in fact/tickets.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.fact.tickets import csat_pct, hours_by_month_of_resolution, sla_adherence_pct
from health_assets.contracts.breakdowns import by_part, miscounted, unequal_parts
from health_assets.contracts.columns import Count, Hours, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import safe_ratio
from health_assets.scoring.ticket_states import SLA_STATES
from health_assets.scoring.ticket_times import CLOCKS
from health_assets.settings import Settings
from health_assets.tables import identity, table

DIMENSIONS = ["all", "priority", "segment", "category", "account_owner"]


class SlaAdherence(Contract):
    """Do we answer and resolve tickets within their targets, how fast, and are customers satisfied? As of the as-of day."""

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="Dimension by which tickets are grouped")
    dimension_value = dy.String(
        primary_key=True, description="Value of the dimension; `unknown` where the ticket has none"
    )
    ticket_count = Count("Tickets opened in the month; counts and shares refer to these")
    reopened_count = Count("Tickets that were resolved and are open again")
    met_count = Count("Tickets resolved within their target")
    breached_count = Count("Tickets resolved after their target, or open past it")
    pending_count = Count("Open tickets whose target is not past")
    unknown_count = Count("Tickets resolved without a usable time, or without a target")
    sla_adherence_pct = Pct("Met / (met + breached)")
    first_response_met_count = Count("Tickets first answered within their target")
    first_response_breached_count = Count("Tickets first answered after their target, or unanswered past it")
    first_response_adherence_pct = Pct("Of the first answers: met / (met + breached)")
    median_first_response_hours = Hours("Median from opening to the first answer, interpolated; null = none answered")
    mean_resolution_hours = Hours("Mean of tickets resolved in the month, whenever opened; null = none resolved")
    median_resolution_hours = Hours("Their median, interpolated; null = none resolved")
    p90_resolution_hours = Hours("Their 90th percentile, interpolated; null = none resolved")
    rated_count = Count("Tickets with a rating")
    csat_pct = Pct("Satisfied / rated")
    response_rate = Share("Rated / tickets")
    calendar_met_count = Count("As met_count, in calendar hours")
    calendar_breached_count = Count("As breached_count, in calendar hours")
    calendar_sla_adherence_pct = Pct("As sla_adherence_pct, in calendar hours")
    calendar_first_response_adherence_pct = Pct("As first_response_adherence_pct, in calendar hours")
    calendar_median_first_response_hours = Hours("As median_first_response_hours, in calendar hours")
    calendar_median_resolution_hours = Hours("As median_resolution_hours, in calendar hours")
    business_met_count = Count("As met_count, in business hours; null = no `support.business_hours`", nullable=True)
    business_breached_count = Count(
        "As breached_count, in business hours; null = no `support.business_hours`", nullable=True
    )
    business_sla_adherence_pct = Pct("As sla_adherence_pct, in business hours; null also without them")
    business_first_response_adherence_pct = Pct(
        "As first_response_adherence_pct, in business hours; null also without them"
    )
    business_median_first_response_hours = Hours(
        "As median_first_response_hours, in business hours; null also without them"
    )
    business_median_resolution_hours = Hours("As median_resolution_hours, in business hours; null also without them")

    @dy.rule()
    def ticket_count__is_the_sum_of_states(cls) -> pl.Expr:
        """Each ticket counts as met, breached, pending or unknown, and once."""
        return pl.col("ticket_count") == pl.sum_horizontal(
            "met_count", "breached_count", "pending_count", "unknown_count"
        )

    @dy.rule()
    def business_hours__meet_at_least_what_calendar_hours_meet(cls) -> pl.Expr:
        """In business hours no fewer tickets are in time than in calendar hours, and no more are late."""
        return pl.col("business_met_count").is_null() | (
            (pl.col("business_met_count") >= pl.col("calendar_met_count"))
            & (pl.col("business_breached_count") <= pl.col("calendar_breached_count"))
        )


@table(SlaAdherence)
def mart_sla_adherence(fact_tickets: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """One row per month and dimension value with a ticket opened or resolved."""
    state, response = pl.col("sla_state"), pl.col("first_response_state")
    tickets, key = by_part(fact_tickets, DIMENSIONS), ["month", "dimension_type", "dimension_value"]
    opened = tickets.group_by("dimension_type", "dimension_value", month="created_month").agg(
        ticket_count=pl.len().cast(pl.Int64),
        reopened_count=pl.col("is_reopened").sum().cast(pl.Int64),
        **{f"{name}_count": (state == name).sum().cast(pl.Int64) for name in SLA_STATES},
        **{f"first_response_{name}_count": (response == name).sum().cast(pl.Int64) for name in ("met", "breached")},
        rated_count=pl.col("satisfaction_score").count().cast(pl.Int64),
        sla_adherence_pct=sla_adherence_pct(state),
        first_response_adherence_pct=sla_adherence_pct(response),
        median_first_response_hours=pl.col("first_response_hours").median(),
        csat_pct=csat_pct(pl.col("csat_tier")),
        **_by_each_clock(),
    )
    resolved = hours_by_month_of_resolution(tickets, settings.timezone)
    return (
        opened.join(resolved, on=key, how="full", coalesce=True, validate="1:1")
        .with_columns(pl.col("^.*_count$").fill_null(0))
        .with_columns(
            pl.when(settings.support.business_hours is not None).then(pl.col("^business_.*_count$")),
            response_rate=safe_ratio(pl.col("rated_count"), pl.col("ticket_count")),
        )
        .sort(key)
        .select(SlaAdherence.column_names())
    )


def _by_each_clock() -> dict[str, pl.Expr]:
    """What depends on the hours that count, in calendar and in business hours."""
    found: dict[str, pl.Expr] = {}
    for clock in CLOCKS:
        state = pl.col(f"{clock}_sla_state")
        found |= {f"{clock}_{name}_count": (state == name).sum().cast(pl.Int64) for name in ("met", "breached")}
        found[f"{clock}_sla_adherence_pct"] = sla_adherence_pct(state)
        responses = pl.col(f"{clock}_first_response_state")
        found[f"{clock}_first_response_adherence_pct"] = sla_adherence_pct(responses)
        found[f"{clock}_median_first_response_hours"] = pl.col(f"{clock}_first_response_hours").median()
    return found


@identity(of=mart_sla_adherence)
def ticket_count__is_that_of_the_tickets(mart_sla_adherence: pl.LazyFrame, fact_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """In each month, the tickets of each dimension add up to those that were opened in it."""
    return miscounted(mart_sla_adherence, "ticket_count", fact_tickets, "created_month", DIMENSIONS)


@identity(of=mart_sla_adherence)
def states__of_each_dimension_are_those_of_all(mart_sla_adherence: pl.LazyFrame) -> pl.LazyFrame:
    """In each month the tickets of each state, and the rated ones, of a dimension add up to those of all."""
    states = ["met_count", "breached_count", "pending_count", "unknown_count", "reopened_count", "rated_count"]
    responses = ["first_response_met_count", "first_response_breached_count"]
    return unequal_parts(mart_sla_adherence, ["month"], [*states, *responses])
