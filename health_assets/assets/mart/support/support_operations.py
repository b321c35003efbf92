"""Support workload by month: tickets created, resolved and escalated; in total and by segment.

Rates are of the tickets created in a month, hours of those resolved in it. Targets kept and the share of satisfied
ratings are in mart/support/sla_adherence.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.fact.tickets import hours_by_month_of_resolution
from health_assets.contracts.breakdowns import by_part
from health_assets.contracts.columns import Count, Hours, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import safe_ratio
from health_assets.settings import Settings
from health_assets.tables import identity, table

DIMENSIONS = ["all", "segment"]


class SupportOperations(Contract):
    """How many tickets are there, how many are resolved, and how fast? As known on the as-of day."""

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="Dimension by which tickets are grouped")
    dimension_value = dy.String(primary_key=True, description="Its value; `unknown` where the account has no segment")
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")
    ticket_count = Count("Tickets created in the month")
    resolved_count = Count("Of those, resolved by the as-of day; null = not known of any ticket", nullable=True)
    resolution_rate = Share("Resolved by the as-of day / created, where it is known whether they are")
    escalated_count = Count("Of those, escalated by the as-of day; null = not known of any ticket", nullable=True)
    escalation_rate = Share("Escalated / created, of those of which it is known")
    rated_count = Count("Of those, with a rating")
    mean_csat = dy.Float64(
        nullable=True,
        min=1,
        max=5,
        description="Mean rating of the tickets created in the month, 1-5; null = none rated",
    )
    timed_count = Count("Tickets resolved in the month, whenever created, of which the hours are known")
    mean_resolution_hours = Hours("Their mean; null = none")
    median_resolution_hours = Hours("Their median, interpolated; null = none")
    p90_resolution_hours = Hours("Their 90th percentile, interpolated; null = none")

    @dy.rule()
    def ticket_count__at_least_its_subsets(cls) -> pl.Expr:
        """Resolved, escalated and rated tickets are among all tickets."""
        parts = ("resolved_count", "escalated_count", "rated_count")
        return pl.all_horizontal(pl.col("ticket_count") >= pl.col(part) for part in parts)


@table(SupportOperations)
def mart_support_operations(fact_tickets: pl.LazyFrame, settings: Settings, as_of: date) -> pl.LazyFrame:
    """One row per month and part in which a ticket was created or resolved."""
    tickets = by_part(fact_tickets, DIMENSIONS)
    key = ["month", "dimension_type", "dimension_value"]
    counts = ("ticket_count", "rated_count", "timed_count")
    return (
        _created(tickets)
        .join(
            hours_by_month_of_resolution(tickets, settings.timezone), on=key, how="full", coalesce=True, validate="1:1"
        )
        .with_columns(
            pl.col(counts).fill_null(0),
            resolution_rate=safe_ratio(pl.col("resolved_count"), pl.col("known_count")),
            escalation_rate=safe_ratio(pl.col("escalated_count"), pl.col("known_escalation_count")),
        )
        .with_columns(is_partial=pl.col("month").dt.month_end() > as_of)
        .sort(key)
        .select(SupportOperations.column_names())
    )


def _created(tickets: pl.LazyFrame) -> pl.LazyFrame:
    is_resolved, is_escalated, rating = ~pl.col("is_open"), pl.col("is_escalated"), pl.col("satisfaction_score")
    return tickets.group_by("dimension_type", "dimension_value", month="created_month").agg(
        ticket_count=pl.len().cast(pl.Int64),
        known_count=is_resolved.count().cast(pl.Int64),
        resolved_count=pl.when(is_resolved.is_not_null().any()).then(is_resolved.sum().cast(pl.Int64)),
        known_escalation_count=is_escalated.count().cast(pl.Int64),
        escalated_count=pl.when(is_escalated.is_not_null().any()).then(is_escalated.sum().cast(pl.Int64)),
        rated_count=rating.count().cast(pl.Int64),
        mean_csat=rating.mean(),
    )


@identity(of=mart_support_operations)
def ticket_count__is_that_of_all_tickets(
    mart_support_operations: pl.LazyFrame, fact_tickets: pl.LazyFrame
) -> pl.LazyFrame:
    """The tickets of each dimension, and those with hours, add up to those in fact.tickets."""
    tickets = fact_tickets.select(created=pl.len().cast(pl.Int64), timed=pl.col("resolution_hours").count())
    return (
        mart_support_operations.group_by("dimension_type")
        .agg(pl.col("ticket_count", "timed_count").sum())
        .join(tickets, how="cross")
        .filter((pl.col("ticket_count") != pl.col("created")) | (pl.col("timed_count") != pl.col("timed")))
    )
