"""Support of 30 days by segment of the accounts: ticket volume, speed, escalations.

Months and targets are in mart/support/sla_adherence.py, single accounts in mart/health/customer_success.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import Count, Hours, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import local_date, mean_of, percent, safe_ratio, up_to
from health_assets.settings import Settings
from health_assets.tables import identity, table

WINDOW = 30
SLA_STATUSES = ["excellent", "good", "acceptable", "needs_improvement"]


class SupportPerformance(Contract):
    """Which segments need the most support, and how good is it? Active accounts only; empty without a help desk."""

    segment = dy.Enum(SEGMENTS, primary_key=True, description="Segment of the account")
    account_count = Count("Active accounts")
    ticket_count_30d = Count("Tickets created in 30 days")
    tickets_per_account_30d = dy.Float64(min=0, description="Tickets of 30 days / active accounts")
    resolution_rate_30d = Share("Of these tickets, resolved by the as-of day")
    mean_resolution_hours_30d = Hours("Mean of the tickets resolved in 30 days; null = none")
    escalated_ticket_count_30d = Count(
        "Of the tickets created, escalated; null = not known of any ticket", nullable=True
    )
    escalated_account_count = Count("Accounts with such a ticket")
    escalated_account_pct = Pct("These accounts / active accounts")
    sla_status = dy.Enum(
        SLA_STATUSES, nullable=True, description="By the mean hours to resolution; null = none resolved"
    )


@table(SupportPerformance)
def mart_support_performance(
    dim_account: pl.LazyFrame, fact_tickets: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """One row per segment that has active accounts."""
    active = dim_account.filter("is_active").select("account_id", "segment")
    tickets = fact_tickets.drop("segment").join(active, on="account_id", how="inner", validate="m:1")
    escalated = ticket_measures(as_of, settings)["has_escalated_ticket_30d"].fill_null(False)
    by_account = tickets.group_by("segment", "account_id").agg(is_escalated=escalated)
    return (
        active.join(fact_tickets.select(has_tickets=pl.len() > 0), how="cross")
        .filter("has_tickets")
        .group_by("segment")
        .agg(account_count=pl.len().cast(pl.Int64))
        .join(
            tickets.group_by("segment").agg(**ticket_measures(as_of, settings)),
            on="segment",
            how="left",
            validate="1:1",
        )
        .join(
            by_account.group_by("segment").agg(escalated_account_count=pl.col("is_escalated").sum().cast(pl.Int64)),
            on="segment",
            how="left",
            validate="1:1",
        )
        .with_columns(  # a segment without a ticket has 0; what is known for no ticket stays null
            pl.when(pl.col("ticket_count_30d").is_null()).then(0).otherwise(pl.col(name)).alias(name)
            for name in ("ticket_count_30d", "escalated_ticket_count_30d", "escalated_account_count")
        )
        .with_columns(
            tickets_per_account_30d=safe_ratio(pl.col("ticket_count_30d"), pl.col("account_count")),
            escalated_account_pct=percent(pl.col("escalated_account_count"), pl.col("account_count")),
            sla_status=up_to(pl.col("mean_resolution_hours_30d"), settings.support.mean_hours, "needs_improvement"),
        )
        .sort("segment")
        .select(SupportPerformance.column_names())
    )


def ticket_measures(as_of: date, settings: Settings) -> dict[str, pl.Expr]:
    """What a group of tickets, of an account or a segment, comes to on the as-of day."""

    def created_in(days: int) -> pl.Expr:
        return pl.col("created_date") > as_of - timedelta(days=days)

    is_recent, is_open, escalated = created_in(WINDOW), pl.col("is_open"), pl.col("is_escalated")
    resolved_in_window = local_date(pl.col("resolved_at"), settings.timezone) > as_of - timedelta(days=WINDOW)
    counted = {f"ticket_count_{days}d": created_in(days).sum().cast(pl.Int64) for days in (30, 60, 90)}
    is_known = escalated.filter(is_recent).count() > 0
    return counted | {
        "resolution_rate_30d": (~is_open).filter(is_recent).mean(),
        "mean_resolution_hours_30d": mean_of(pl.col("resolution_hours").filter(resolved_in_window)),
        "escalated_ticket_count_30d": pl.when(is_known | ~is_recent.any()).then(
            escalated.filter(is_recent).sum().cast(pl.Int64)
        ),
        "has_escalated_ticket_30d": escalated.filter(is_recent).any(ignore_nulls=False),
    }


@identity(of=mart_support_performance)
def tickets__are_those_of_the_active_accounts(
    mart_support_performance: pl.LazyFrame, mart_customer_success: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """The segments have the active accounts, and the tickets that mart.customer_success has of these."""
    active = dim_account.filter("is_active").select("account_id")
    total = active.join(mart_customer_success, on="account_id", how="left", validate="1:1").select(
        accounts=pl.len(), tickets=pl.col("ticket_count_30d").sum()
    )
    parts = pl.col("account_count", "ticket_count_30d")
    return (
        mart_support_performance.select(parts.sum(), segments=pl.len())
        .filter(pl.col("segments") > 0)
        .join(total, how="cross")
        .filter((pl.col("account_count") != pl.col("accounts")) | (pl.col("ticket_count_30d") != pl.col("tickets")))
    )
