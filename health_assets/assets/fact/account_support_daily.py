"""What support each account needed in the days up to each day, and how it went.

Tickets one by one belong in fact/tickets.py, adherence by month in mart/support/sla_adherence.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Counted, Spans, counts_by_day
from health_assets.contracts.expressions import Period, local_date, percent, safe_ratio
from health_assets.contracts.history import end_of_validity
from health_assets.scoring.ticket_times import OPEN_STATUSES, RESOLVED, with_ticket_times
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

MONTH, QUARTER, YEAR, REFERENCE_WINDOW = 30, 90, 365, 31  # NovaCRM's published score counts D-30 ... D
REPORTED_OPEN = ["open", "escalated"]  # as NovaCRM counts them
NEVER, END_OF_QUARTER = "never", "end_of_quarter"
LOWEST, HIGHEST = 1, 5  # ratings


class AccountSupportDaily(Contract):
    """How much help did each account need in the days up to each day, and did it get it in time?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    ticket_count_30d = Count("Tickets created in 30 days")
    ticket_count_31d = Count("Tickets created in 31 days, D-30 ... D")
    ticket_count_90d = Count("Tickets created in 90 days")
    ticket_count_365d = Count("Tickets created in 365 days")
    escalated_ticket_count_90d = Count(
        "Of those, escalated by the day; null where no escalation is exported, and without their times before the first load",
        nullable=True,
    )
    mean_csat_90d = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Mean rating of tickets created in 90 days and resolved by the day; null = none rated",
    )
    sla_adherence_pct_90d = Pct("Met / (met + breached) of tickets created in 90 days, as of the day")
    first_response_adherence_pct_90d = Pct("The same of their first answers; null also where answers are not exported")
    open_ticket_count = Count("Tickets open at the end of the day, whenever created, reopened ones included")
    reported_open_ticket_count_31d = Count(
        "Of the tickets of 31 days, those that the file calls open or escalated on the day; null before the first load",
        nullable=True,
    )
    mean_csat_31d = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Mean rating of tickets created in 31 days, whenever given, as seen on the day; null before the first load",
    )
    ticket_count_to_date = Count("Tickets ever created")
    escalated_ticket_count_to_date = Count(
        "Of those, escalated by the day; null where no escalation is exported, and without their times before the first load",
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
    history_support_tickets: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first ticket day on, and the account's signup."""
    timed = with_ticket_times(staged_support_tickets, settings)
    tickets = _with_days(timed, history_support_tickets, settings.timezone)
    seen = _seen(tickets, history_support_tickets)
    counted = _tickets(tickets) | _targets(tickets) | _ratings(tickets) | _flags(seen) | _open_by_status(seen)
    met, breached = pl.col("met") - pl.col("met_reopened"), pl.col("breached") + pl.col("breached_by_status")
    answered_in_time = pl.col("answered_in_time")
    late = pl.col("answered_late") + pl.col("late_so_far") + pl.col("unanswered_by_status")
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .join(_feed(staged_support_tickets, history_support_tickets), how="cross")
        .pipe(while_fresh, "support_tickets", staged_support_tickets, "created_date", settings)
        .with_columns(
            as_of_date="day",
            open_ticket_count=pl.col("open_by_date") + pl.col("open_by_status"),
            sla_adherence_pct_90d=percent(met, met + breached),
            first_response_adherence_pct_90d=percent(answered_in_time, answered_in_time + late),
            escalated_ticket_count_90d=_escalated("90d"),
            escalated_ticket_count_to_date=_escalated("to_date"),
            mean_csat_90d=_mean_rating("90d"),
            mean_csat_to_date=_mean_rating("to_date"),
            mean_csat_31d=pl.when(pl.col("day") >= pl.col("seen_since")).then(_mean_rating("31d")),
            reported_open_ticket_count_31d=pl.when(pl.col("day") >= pl.col("reports_since")).then("reported_open"),
        )
        .select(AccountSupportDaily.column_names())
    )


def _feed(staged_support_tickets: pl.LazyFrame, history_support_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """What the help desk exports at all, and since which load, one row."""
    dates = staged_support_tickets.select(dates_escalations=pl.col("escalated_at").is_not_null().any())
    reports, flags = (
        pl.col("status").is_not_null(),
        pl.col("is_escalated").is_not_null(),
    )  # flagged, or called escalated
    loads = history_support_tickets.select(
        seen_since=pl.col("valid_from").min(),
        reports_since=pl.col("valid_from").filter(reports).min(),
        flags_since=pl.col("valid_from").filter(flags).min(),
    )
    return dates.join(loads, how="cross")


def _with_days(tickets: pl.LazyFrame, history_support_tickets: pl.LazyFrame, timezone: str) -> pl.LazyFrame:
    """Tickets with the local days on which each became resolved, escalated, answered or late; not before they were opened."""
    opened, instant = pl.col("created_date"), pl.duration(microseconds=1)
    first_seen_resolved = (
        history_support_tickets.filter(pl.col("status").cast(pl.String).is_in(RESOLVED))
        .group_by("ticket_id")
        .agg(seen_resolved_date=pl.col("valid_from").min())
    )
    resolved_date = local_date(pl.col("resolved_at"), timezone)
    days = {
        "resolved_date": pl.when("is_undated").then("seen_resolved_date").otherwise(resolved_date),
        "escalated_date": local_date(pl.col("escalated_at"), timezone),
        "answered_date": local_date(pl.col("first_response_at"), timezone),
        "breach_date": local_date(pl.col("resolution_deadline") - instant, timezone),  # a deadline at midnight is past
        "late_answer_date": local_date(pl.col("first_response_deadline") - instant, timezone),
    }
    return tickets.join(first_seen_resolved, on="ticket_id", how="left", validate="1:1").with_columns(
        *(pl.when(day.is_not_null()).then(pl.max_horizontal(day, opened)).alias(name) for name, day in days.items()),
        pl.lit(None, pl.Date).alias(NEVER),
        _after(QUARTER).alias(END_OF_QUARTER),
        is_in_time=pl.col("resolution_hours") <= pl.col("sla_target_hours"),
        is_answered_in_time=pl.col("first_response_hours") <= pl.col("first_response_target_hours"),
        exports_answers=pl.col("first_response_at").is_not_null().any(),
    )


def _tickets(tickets: pl.LazyFrame) -> dict[str, Counted]:
    """What is counted -> tickets with the days from which and until which they count."""
    return {
        "ticket_count_30d": _since("created_date", tickets, _after(MONTH)),
        "ticket_count_31d": _since("created_date", tickets, _after(REFERENCE_WINDOW)),
        "ticket_count_90d": _since("created_date", tickets, END_OF_QUARTER),
        "ticket_count_365d": _since("created_date", tickets, _after(YEAR)),
        "ticket_count_to_date": _since("created_date", tickets, NEVER),
        "open_by_date": _since("created_date", tickets, "resolved_date", ~pl.col("is_undated")),
        "escalated_90d": _since("escalated_date", tickets, END_OF_QUARTER),
        "escalated_to_date": _since("escalated_date", tickets, NEVER),
    }


def _targets(tickets: pl.LazyFrame) -> dict[str, Counted]:
    """Tickets of 90 days by their targets: late ones from the deadline on, resolved or answered since or not."""
    in_time, answered_in_time = pl.col("is_in_time"), pl.col("is_answered_in_time")
    is_late = ~answered_in_time | (pl.col("exports_answers") & pl.col("answered_date").is_null())
    # resolved without an answer: unknown
    end_of_wait = pl.min_horizontal("answered_date", "resolved_date", END_OF_QUARTER)
    return {
        "met": _since("resolved_date", tickets, END_OF_QUARTER, in_time),
        "breached": _since("breach_date", tickets, END_OF_QUARTER, ~in_time | pl.col("resolved_date").is_null()),
        "answered_in_time": _since("answered_date", tickets, END_OF_QUARTER, answered_in_time),
        "answered_late": _since("answered_date", tickets, END_OF_QUARTER, is_late),
        "late_so_far": _since("late_answer_date", tickets, end_of_wait, is_late),
    }


def _ratings(tickets: pl.LazyFrame) -> dict[str, Counted]:
    rating = pl.col("satisfaction_score")
    is_rated = rating.is_not_null()
    return {
        "rating_count_90d": _since("resolved_date", tickets, END_OF_QUARTER, is_rated),
        "rating_sum_90d": _since("resolved_date", tickets, END_OF_QUARTER, is_rated, rating),
        "rating_count_to_date": _since("resolved_date", tickets, NEVER, is_rated),
        "rating_sum_to_date": _since("resolved_date", tickets, NEVER, is_rated, rating),
    }


def _seen(tickets: pl.LazyFrame, history_support_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """The versions of tickets, with the days on which each was seen: what the files say without a date."""
    return (
        history_support_tickets.rename({"satisfaction_score": "seen_rating"})
        .with_columns(
            end=end_of_validity(), is_first=pl.col("valid_from") == pl.col("valid_from").min().over("ticket_id")
        )
        .join(tickets.drop("status", "is_escalated"), on="ticket_id", how="inner", validate="m:1")
        .with_columns(pl.col("status").cast(pl.String), seen_date=pl.max_horizontal("valid_from", "created_date"))
    )


def _flags(seen: pl.LazyFrame) -> dict[str, Counted]:
    """What counts while it was seen, within the ticket's window."""
    is_flagged = pl.col("is_escalated") & pl.col("escalated_date").is_null()
    rating, is_rated = pl.col("seen_rating"), pl.col("seen_rating").is_not_null()
    end_of_reference = _after(REFERENCE_WINDOW)
    in_reference, in_quarter = pl.min_horizontal("end", end_of_reference), pl.min_horizontal("end", END_OF_QUARTER)
    return {
        "rating_count_31d": _since("seen_date", seen, in_reference, is_rated),
        "rating_sum_31d": _since("seen_date", seen, in_reference, is_rated, rating),
        "flagged_90d": _since("seen_date", seen, in_quarter, is_flagged),
        "flagged_to_date": _since("seen_date", seen, "end", is_flagged),
        "reported_open": _since("seen_date", seen, in_reference, pl.col("status").is_in(REPORTED_OPEN)),
    }


def _open_by_status(seen: pl.LazyFrame) -> dict[str, Counted]:
    """Tickets that their status calls open though they have been resolved: reopened, or resolved at an unknown time."""
    open_again = seen.filter(pl.col("status").is_in(OPEN_STATUSES), pl.col("resolved_date").is_not_null()).with_columns(
        open_date=pl.when(pl.col("is_undated") & pl.col("is_first"))  # it has been open since it was created
        .then("created_date")
        .when("is_undated")
        .then("seen_date")
        .otherwise(pl.max_horizontal("seen_date", "resolved_date"))
    )
    in_quarter = pl.min_horizontal("end", END_OF_QUARTER)
    overdue_date, late_answer_date = pl.max_horizontal("open_date", "breach_date"), pl.col("late_answer_date")
    is_overdue = (pl.col("is_in_time") | pl.col("is_undated")) & pl.col("breach_date").is_not_null()
    is_unanswered = pl.col("exports_answers") & pl.col("answered_date").is_null() & late_answer_date.is_not_null()
    # until it was resolved it counts as any other late one
    unanswered_date = pl.max_horizontal("open_date", late_answer_date, "resolved_date")
    return {
        "open_by_status": _since("open_date", open_again, "end"),
        "met_reopened": _since("open_date", open_again, in_quarter, pl.col("is_in_time")),
        "breached_by_status": _since(overdue_date, open_again, in_quarter, is_overdue),
        "unanswered_by_status": _since(unanswered_date, open_again, in_quarter, is_unanswered),
    }


def _since(
    first: str | pl.Expr,
    tickets: pl.LazyFrame,
    end: str | pl.Expr,
    where: pl.Expr | None = None,
    size: pl.Expr | None = None,
) -> Spans:
    """Tickets that count from the day `first` until the day `end`."""
    first_day, end_day = (pl.col(day) if isinstance(day, str) else day for day in (first, end))
    return Spans(tickets, first_day if where is None else pl.when(where).then(first_day), end_day, size)


def _after(days: int) -> pl.Expr:
    """The day so many days after the ticket was opened."""
    return pl.col("created_date").dt.offset_by(f"{days}d")


def _escalated(window: str) -> pl.Expr:
    """Escalations with a time, and from the first load on those that are only flagged; null where neither is exported."""
    dated = pl.col(f"escalated_{window}")
    is_flagged = pl.col("day") >= pl.col("flags_since")
    return pl.when(is_flagged).then(dated + pl.col(f"flagged_{window}")).when("dates_escalations").then(dated)


def _mean_rating(window: str) -> pl.Expr:
    return safe_ratio(pl.col(f"rating_sum_{window}"), pl.col(f"rating_count_{window}"))
