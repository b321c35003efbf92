"""What support each account needed in the days up to each day, and how it went.

Tickets one by one belong in fact/tickets.py, adherence by month in mart/support/sla_adherence.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.fact.tickets import (
    deadline,
    hours_since_creation,
    is_resolved_in_the_file,
    resolved_at,
    sla_target_hours,
)
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import Period, counts_by_day, local_date, percent, safe_ratio
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

MONTH, QUARTER, REFERENCE_WINDOW = 30, 90, 31  # NovaCRM's published score counts D-30 ... D
REPORTED_OPEN = ["open", "escalated"]
FOR_EVER = pl.lit(None, pl.Date)
LOWEST, HIGHEST = 1, 5  # ratings


class AccountSupportDaily(Contract):
    """How much help did each account need in the days up to each day, and did it get it in time?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    ticket_count_30d = Count("Tickets created in 30 days")
    ticket_count_31d = Count("Tickets created in 31 days, D-30 ... D")
    ticket_count_90d = Count("Tickets created in 90 days")
    escalated_ticket_count_90d = Count(
        "Of those, escalated by the day; null where moments of escalation are not exported, but on the load day",
        nullable=True,
    )
    mean_csat_90d = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Mean rating of tickets created in 90 days and resolved by the day; null = none rated",
    )
    sla_adherence_pct_90d = Pct("Met / (met + breached) of tickets created in 90 days, as of the day")
    open_ticket_count = Count("Tickets open at the end of the day, whenever created")
    reported_open_ticket_count_31d = Count(
        "Of the tickets of 31 days, those that the file calls open or escalated; null but on the load day",
        nullable=True,
    )
    mean_csat_31d = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Mean rating of tickets created in 31 days, whenever given; null but on the load day, or none rated",
    )
    ticket_count_to_date = Count("Tickets ever created")
    escalated_ticket_count_to_date = Count(
        "Of those, escalated by the day; null where moments of escalation are not exported, but on the load day",
        nullable=True,
    )
    mean_csat_to_date = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Mean rating of tickets ever created and resolved by the day; null = none rated",
    )


@table(
    AccountSupportDaily,
    monthly=True,
    settings_sections=("support", "timezone", "stale_after_days"),
    fed_by=("staged_support_tickets",),
)
def fact_account_support_daily(
    staged_accounts: pl.LazyFrame,
    staged_support_tickets: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first ticket day on, and the account's signup."""
    counted = _counted(_dated(staged_support_tickets, settings, load_day), load_day)
    is_load_day = pl.col("day") == load_day
    feed = staged_support_tickets.select(
        dates_escalations=pl.col("escalated_at").is_not_null().any(),
        flags_escalations=(pl.col("is_escalated").is_not_null() | pl.col("status").is_not_null()).any(),
    )
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .join(feed, how="cross")
        .pipe(while_fresh, "support_tickets", staged_support_tickets, "created_date", settings)
        .with_columns(pl.col(name).round().cast(pl.Int64) for name in counted if not name.startswith("rating_sum"))
        .with_columns(
            as_of_date="day",
            escalated_ticket_count_90d=pl.when(
                is_load_day & pl.any_horizontal("dates_escalations", "flags_escalations")
            )
            .then(pl.col("dated_escalations") + pl.col("undated_escalations"))
            .when("dates_escalations")
            .then("dated_escalations"),
            mean_csat_90d=_mean_rating("rating_sum_90d", "ratings_90d"),
            escalated_ticket_count_to_date=pl.when(
                is_load_day & pl.any_horizontal("dates_escalations", "flags_escalations")
            )
            .then(pl.col("dated_escalations_to_date") + pl.col("undated_escalations_to_date"))
            .when("dates_escalations")
            .then("dated_escalations_to_date"),
            mean_csat_to_date=_mean_rating("rating_sum_to_date", "ratings_to_date"),
            sla_adherence_pct_90d=percent(pl.col("met"), pl.col("met") + pl.col("breached")),
            reported_open_ticket_count_31d=pl.when(is_load_day).then("reported_open"),
            mean_csat_31d=pl.when(is_load_day).then(_mean_rating("rating_sum_31d", "ratings_31d")),
        )
        .select(AccountSupportDaily.column_names())
    )


def _dated(staged_support_tickets: pl.LazyFrame, settings: Settings, load_day: date) -> pl.LazyFrame:
    """Tickets with the local days from which something is true of them; what has no date is true from the load day."""
    return (
        staged_support_tickets.with_columns(
            resolved_at=resolved_at(),
            is_undated=resolved_at().is_null() & is_resolved_in_the_file(),
            sla_target_hours=sla_target_hours(settings),
        )
        .with_columns(
            resolution_hours=hours_since_creation("resolved_at"),
            resolved_date=pl.when("is_undated")
            .then(pl.lit(load_day))
            .otherwise(local_date(pl.col("resolved_at"), settings.timezone)),
        )
        .with_columns(
            is_in_time=pl.col("resolution_hours") <= pl.col("sla_target_hours"),
            is_unresolved=pl.col("resolved_date").is_null(),
            escalated_date=local_date(pl.col("escalated_at"), settings.timezone),
            breach_date=local_date(deadline() - pl.duration(microseconds=1), settings.timezone),  # at midnight is past
        )
    )


def _counted(tickets: pl.LazyFrame, load_day: date) -> dict[str, pl.LazyFrame]:
    """What is counted -> tickets with `first_day` and `end_day` (the first day no longer; null: for ever) and `size`."""
    escalated, resolved, rating = pl.col("escalated_date"), pl.col("resolved_date"), pl.col("satisfaction_score")
    flagged = tickets.filter("is_escalated", escalated.is_null())
    rated = tickets.filter(rating.is_not_null())
    recent = tickets.filter(pl.col("status").cast(pl.String).is_in(REPORTED_OPEN))
    late = tickets.filter(~pl.col("is_in_time") | pl.col("is_unresolved"))  # overdue from the deadline on, not later
    opened = pl.col("created_date")

    def not_before_opened(day: pl.Expr) -> pl.Expr:
        return pl.when(day.is_not_null()).then(pl.max_horizontal(day, opened))

    def days(those: pl.LazyFrame, first: pl.Expr, end: pl.Expr | int, size: pl.Expr | None = None) -> pl.LazyFrame:
        """Tickets that count from `first` until `end`, or for so many days after they were opened."""
        return those.select(
            "account_id",
            first_day=not_before_opened(first),
            end_day=opened.dt.offset_by(f"{end}d") if isinstance(end, int) else not_before_opened(end),
            size=pl.lit(1.0) if size is None else size,
        ).drop_nulls("first_day")

    return {
        "ticket_count_30d": days(tickets, opened, MONTH),
        "ticket_count_31d": days(tickets, opened, REFERENCE_WINDOW),
        "ticket_count_90d": days(tickets, opened, QUARTER),
        "open_ticket_count": days(tickets.filter(~pl.col("is_undated")), opened, resolved),
        "dated_escalations": days(tickets, escalated, QUARTER),
        "undated_escalations": days(flagged, pl.lit(load_day), QUARTER),
        "ratings_90d": days(rated, resolved, QUARTER),
        "rating_sum_90d": days(rated, resolved, QUARTER, rating),
        "met": days(tickets.filter("is_in_time"), resolved, QUARTER),
        "breached": days(late, pl.col("breach_date"), QUARTER),
        "reported_open": days(recent, opened, REFERENCE_WINDOW),
        "ratings_31d": days(rated, opened, REFERENCE_WINDOW),
        "rating_sum_31d": days(rated, opened, REFERENCE_WINDOW, rating),
        "ticket_count_to_date": days(tickets, opened, FOR_EVER),
        "dated_escalations_to_date": days(tickets, escalated, FOR_EVER),
        "undated_escalations_to_date": days(flagged, pl.lit(load_day), FOR_EVER),
        "ratings_to_date": days(rated, resolved, FOR_EVER),
        "rating_sum_to_date": days(rated, resolved, FOR_EVER, rating),
    }


def _mean_rating(total: str, count: str) -> pl.Expr:
    return safe_ratio(pl.col(total), pl.col(count))
