"""What support each account needed in the days up to each day, and how it went.

Tickets one by one belong in fact/tickets.py, adherence by month in mart/sla_adherence.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.support_tickets import RESOLVED
from health_assets.columns import AccountId, AsOfDate, Count, Pct
from health_assets.contracts import Contract
from health_assets.expressions import Period, percent
from health_assets.settings import Settings
from health_assets.tables import table

MONTH, QUARTER, REFERENCE_WINDOW = 30, 90, 31  # NovaCRM's published score counts D-30 ... D
MILLISECONDS_OF_AN_HOUR = 3_600_000


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
        min=1,
        max=5,
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
        min=1,
        max=5,
        description="Mean rating of tickets created in 31 days, whenever given; null but on the load day, or none rated",
    )


@table(AccountSupportDaily, monthly=True, settings_sections=("support", "timezone"))
def fact_account_support_daily(
    staged_accounts: pl.LazyFrame,
    staged_support_tickets: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first ticket day on, and the account's signup."""
    day = pl.col("as_of_date")
    is_load_day = day == load_day
    days = pl.LazyFrame({"as_of_date": pl.date_range(period.first_day, period.last_day, eager=True)})
    feed = staged_support_tickets.select(
        first_ticket_date=pl.col("created_date").min(), dates_escalations=pl.col("escalated_at").is_not_null().any()
    )
    return (
        staged_accounts.select("account_id", "signup_date")
        .join(days, how="cross")
        .join(feed, how="cross")
        .filter(day >= pl.col("signup_date"), day >= pl.col("first_ticket_date"))
        .join(_by_account_and_day(staged_support_tickets, days, settings), on=["account_id", "as_of_date"], how="left")
        .with_columns(
            pl.col("ticket_count_30d", "ticket_count_31d", "ticket_count_90d", "open_ticket_count").fill_null(0),
            escalated_ticket_count_90d=pl.when("dates_escalations")
            .then(pl.col("dated_escalation_count_90d").fill_null(0))
            .when(is_load_day)
            .then(pl.col("reported_escalation_count_90d").fill_null(0)),
            reported_open_ticket_count_31d=pl.when(is_load_day).then(
                pl.col("reported_open_ticket_count_31d").fill_null(0)
            ),
            mean_csat_31d=pl.when(is_load_day).then("mean_csat_31d"),
        )
        .select(AccountSupportDaily.column_names())
    )


def _by_account_and_day(tickets: pl.LazyFrame, days: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Tickets seen from the end of each day: one resolved later is open then, and its rating not known yet."""
    day = pl.col("as_of_date")
    end_of_day = day.dt.offset_by("1d").cast(pl.Datetime("us"))
    if settings.timezone != "UTC":
        end_of_day = end_of_day.dt.replace_time_zone(settings.timezone, non_existent="null", ambiguous="earliest")
        end_of_day = end_of_day.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    target = (
        pl.col("priority")
        .cast(pl.String)
        .replace_strict(settings.support.sla_hours, default=None, return_dtype=pl.Float64)
    )
    due_at = pl.col("created_at") + pl.duration(milliseconds=target * MILLISECONDS_OF_AN_HOUR)
    is_resolved = (pl.col("resolved_at") < end_of_day).fill_null(False)
    is_recent = {window: pl.col("created_date") > day.dt.offset_by(f"-{window}d") for window in (30, 31, 90)}
    says_resolved = pl.col("status").is_in(RESOLVED).fill_null(False) & pl.col("resolved_at").is_null()
    is_in_order = (pl.col("resolved_at") >= pl.col("created_at")).fill_null(True)
    hours_given = pl.col("resolution_time_hours")
    is_met = pl.when(is_resolved).then(pl.col("resolved_at") <= due_at).when(says_resolved).then(hours_given <= target)
    is_breached = (
        pl.when(is_resolved)
        .then(pl.col("resolved_at") > due_at)
        .when(says_resolved)
        .then(hours_given > target)
        .otherwise(due_at <= end_of_day)
    )
    rating = pl.col("satisfaction_score")
    is_open = ~is_resolved & ~says_resolved
    return (
        tickets.join(days, how="cross")
        .filter(pl.col("created_date") <= day, is_recent[QUARTER] | is_open)
        .with_columns(
            is_met=is_met & is_in_order, is_breached=is_breached & is_in_order, is_open=is_open, is_resolved=is_resolved
        )
        .group_by("account_id", "as_of_date")
        .agg(
            *(is_recent[window].sum().cast(pl.Int64).alias(f"ticket_count_{window}d") for window in is_recent),
            open_ticket_count=pl.col("is_open").sum().cast(pl.Int64),
            dated_escalation_count_90d=((pl.col("escalated_at") < end_of_day) & is_recent[QUARTER])
            .sum()
            .cast(pl.Int64),
            reported_escalation_count_90d=(pl.col("is_escalated") & is_recent[QUARTER]).sum().cast(pl.Int64),
            mean_csat_90d=rating.filter(is_recent[QUARTER], pl.col("is_resolved") | ~pl.col("is_open")).mean(),
            met_count=(pl.col("is_met") & is_recent[QUARTER]).sum(),
            breached_count=(pl.col("is_breached") & is_recent[QUARTER]).sum(),
            reported_open_ticket_count_31d=(pl.col("status").is_in(["open", "escalated"]) & is_recent[REFERENCE_WINDOW])
            .sum()
            .cast(pl.Int64),
            mean_csat_31d=rating.filter(is_recent[REFERENCE_WINDOW]).mean(),
        )
        .with_columns(
            sla_adherence_pct_90d=percent(pl.col("met_count"), pl.col("met_count") + pl.col("breached_count"))
        )
    )
