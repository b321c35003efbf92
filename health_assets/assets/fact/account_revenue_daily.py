"""What each account paid as of each day, with signs of trouble in its payments and contract.

Month-end revenue and its movements belong in fact/revenue_monthly.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.accounts import CRM_STATUSES
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import ONCE, Period, days_between, safe_ratio
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import (
    account_status,
    is_ever_paid,
    month_end_mrr,
    paid_periods,
    revenue_history_since,
    without_dust,
)
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

SCORED = ["active", "trial", "suspended"]
TREND_DAYS, LATE_DAYS, CONTRACTION_MONTHS = 90, 90, 6  # the windows in the column names


class AccountRevenueDaily(Contract):
    """What did each account pay as of each day, and was there trouble with its payments or contract?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    account_status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        description="active while paying, churned after it; else the CRM status, on the load day only; null = unknown",
    )
    crm_status = dy.Enum(CRM_STATUSES, nullable=True, description="CRM status; null on every day but the load day")
    is_scored = dy.Bool(description="Active, trial or suspended: belongs to the scored population")
    is_suspended = dy.Bool(nullable=True, description="Suspended by the CRM; null on every day but the load day")
    mrr = Money(
        "Recurring revenue on the day; without subscriptions the CRM's, on the load day only; null = unknown",
        nullable=True,
    )
    mrr_change_ratio_90d = dy.Float64(
        nullable=True, min=-1, description="MRR / MRR 90 days before - 1; null when nothing was paid then"
    )
    contraction_month_count_6m = Count(
        "Months of 6 (the day's, measured on the day, and the 5 before it) with an MRR below that of the month before, above "
        "0; null = no history",
        nullable=True,
    )
    overdue_invoice_count = Count(
        "Invoices past due and unpaid at the end of the day; null on past days when payment dates are not exported, and while "
        "invoices are stale",
        nullable=True,
    )
    overdue_amount = Money("Amount of these invoices; null as their count", nullable=True)
    late_paid_invoice_count_90d = Count(
        "Invoices paid in 90 days, after they were due; null without payment dates, and while invoices are stale",
        nullable=True,
    )
    paid_month_change_pct = dy.Float64(
        nullable=True,
        description="Latest month with paid invoices against the paid month before, in %; a first month counts as +100; "
        "null = nothing paid, stale invoices, or another day than the load day",
    )
    days_to_renewal = Count(
        "Days to the next renewal of a subscription that is paid for; null = none known", nullable=True
    )


@table(AccountRevenueDaily, monthly=True, settings_sections=("revenue", "stale_after_days"))
def fact_account_revenue_daily(
    staged_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period, from the account's signup on."""
    subscriptions = price_periods(staged_subscriptions, history_subscriptions, settings)
    known, measured = (
        paid_periods(subscriptions, staged_invoices, settings, period.last_day, as_known=as_known)
        for as_known in (True, False)
    )
    counted = _counted(known, staged_invoices) | {"earlier_contractions": _contractions(measured, period)}
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .with_columns(without_dust("paid"), without_dust("earlier_mrr"), without_dust("last_month_mrr"))
        .join_asof(
            _next_renewals(subscriptions).rename({"day": "as_of_date"}),
            on="as_of_date",
            by="account_id",
            check_sortedness=False,  # the days of each account are in order
        )
        .join(
            _undated(staged_accounts, known, staged_invoices, load_day),
            on="account_id",
            how="left",
            validate="m:1",
            maintain_order="left",
        )
        .join(_known_since(staged_subscriptions, staged_invoices, settings), how="cross", maintain_order="left")
        .pipe(with_freshness, "as_of_date", "invoices", staged_invoices, "invoice_date", settings)
        .with_columns(**_what_is_known(load_day))
        .with_columns(**_amounts())
        .with_columns(
            account_status=account_status((pl.col("first_paid_date") <= pl.col("as_of_date")).fill_null(False))
        )
        .with_columns(is_scored=pl.col("account_status").is_in(SCORED).fill_null(False))
        .select(AccountRevenueDaily.column_names())
    )


def _counted(periods: pl.LazyFrame, staged_invoices: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """What is added up for each account and day, with the days on which it counts."""
    paid = periods.select("account_id", first_day="start_date", end_day="end_date", size="mrr")
    edges = pl.col("first_day", "end_day")
    return {
        "paid": paid,
        "earlier_mrr": paid.with_columns(edges.dt.offset_by(f"{TREND_DAYS}d")),
        "last_month_mrr": paid.with_columns(edges.dt.truncate("1mo").dt.offset_by("1mo")),  # MRR at its end
        "overdue_invoice_count": _overdue(staged_invoices, ONCE),
        "overdue_amount": _overdue(staged_invoices, pl.col("amount")),
        "late_paid_invoice_count_90d": _paid_late(staged_invoices),
    }


def _undated(
    staged_accounts: pl.LazyFrame, periods: pl.LazyFrame, staged_invoices: pl.LazyFrame, load_day: date
) -> pl.LazyFrame:
    """What the files say of each account without a day, and its first paid day."""
    first_paid = periods.group_by("account_id").agg(first_paid_date=pl.col("start_date").min())
    return (
        staged_accounts.select("account_id", "status", "monthly_recurring_revenue")
        .join(first_paid, on="account_id", how="left", validate="1:1")
        .join(_paid_month_change(staged_invoices, load_day), on="account_id", how="left", validate="1:1")
    )


def _known_since(staged_subscriptions: pl.LazyFrame, staged_invoices: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """One row: the days from which revenue and dates of payment are known."""
    payment_dates = staged_invoices.select(payment_dates_since=pl.col("paid_date").min())
    return revenue_history_since(staged_subscriptions, staged_invoices, settings).join(payment_dates, how="cross")


def _what_is_known(load_day: date) -> dict[str, pl.Expr]:
    """Which sources say something of the day."""
    day = pl.col("as_of_date")
    return {
        "is_load_day": day == load_day,
        "has_history": (pl.col("revenue_history_since") <= day).fill_null(False),
        "has_payment_dates": pl.col("has_invoices") & (pl.col("payment_dates_since") <= day).fill_null(False),
        "crm_status": pl.when(day == load_day).then(pl.col("status").cast(pl.Enum(CRM_STATUSES))),
    }


def _amounts() -> dict[str, pl.Expr]:
    """The columns of the contract that are null where their source says nothing of the day."""
    knows_overdue = pl.col("has_payment_dates") | (pl.col("has_invoices") & pl.col("is_load_day"))
    from_the_crm = pl.when("is_load_day").then("monthly_recurring_revenue")
    mrr = pl.when("has_history").then("paid").otherwise(from_the_crm)
    is_contraction = pl.col("paid").is_between(0, "last_month_mrr", closed="none")
    return {
        "mrr": mrr,
        "mrr_change_ratio_90d": safe_ratio(mrr, pl.col("earlier_mrr")) - 1,
        "is_suspended": pl.col("crm_status") == "suspended",
        "contraction_month_count_6m": pl.when("has_history").then(pl.col("earlier_contractions") + is_contraction),
        "overdue_invoice_count": pl.when(knows_overdue).then("overdue_invoice_count"),
        "overdue_amount": pl.when(knows_overdue).then(without_dust("overdue_amount")),
        "late_paid_invoice_count_90d": pl.when("has_payment_dates").then("late_paid_invoice_count_90d"),
        "paid_month_change_pct": pl.when(pl.col("is_load_day") & pl.col("has_invoices")).then("paid_month_change_pct"),
        "days_to_renewal": days_between(pl.col("as_of_date"), pl.col("renewal_date")),
    }


def _contractions(periods: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """Months that ended lower than the month before: each counts in the five months after it."""
    earlier_month = pl.col("month").shift(1).over("account_id", order_by="month")
    earlier_mrr = pl.col("mrr").shift(1).over("account_id", order_by="month")
    return (
        month_end_mrr(periods, period.last_day)
        .with_columns(earlier_month=earlier_month, earlier_mrr=earlier_mrr)
        .filter(pl.col("mrr") < pl.col("earlier_mrr"), pl.col("earlier_month") == pl.col("month").dt.offset_by("-1mo"))
        .select(
            "account_id",
            first_day=pl.col("month").dt.offset_by("1mo"),
            end_day=pl.col("month").dt.offset_by(f"{CONTRACTION_MONTHS}mo"),
            size=ONCE,
        )
    )


def _overdue(staged_invoices: pl.LazyFrame, size: pl.Expr) -> pl.LazyFrame:
    """The days on which each invoice is past due and unpaid; none for an invoice settled on an unknown day."""
    is_settled = pl.col("status").is_in(["paid", "credited", "refunded"]).fill_null(False)
    return (
        _due(staged_invoices)
        .filter(pl.col("paid_date").is_not_null() | ~is_settled)
        .select(
            "account_id",
            first_day=pl.max_horizontal("invoice_date", pl.col("due_date").dt.offset_by("1d")),
            end_day="paid_date",
            size=size,
        )
        .filter(pl.col("end_day").is_null() | (pl.col("end_day") > pl.col("first_day")))
    )


def _paid_late(staged_invoices: pl.LazyFrame) -> pl.LazyFrame:
    """The days on which each late payment counts."""
    return (
        _due(staged_invoices)
        .filter(pl.col("paid_date") > pl.col("due_date"))
        .select(
            "account_id",
            first_day=pl.max_horizontal("invoice_date", "paid_date"),
            end_day=pl.col("paid_date").dt.offset_by(f"{LATE_DAYS}d"),
            size=ONCE,
        )
        .filter(pl.col("end_day") > pl.col("first_day"))
    )


def _due(staged_invoices: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices that are to be paid: no credit notes, drafts or void invoices."""
    return staged_invoices.filter(pl.col("amount") > 0, ~pl.col("status").is_in(["void", "draft"]).fill_null(False))


def _paid_month_change(staged_invoices: pl.LazyFrame, load_day: date) -> pl.LazyFrame:
    """The latest month with paid invoices against the paid month before it, as in NovaCRM's published score."""
    return (
        staged_invoices.filter(pl.col("status") == "paid", pl.col("invoice_date") <= load_day)
        .group_by("account_id", "invoice_month")
        .agg(pl.col("amount").sum())
        .sort("account_id", "invoice_month")
        .group_by("account_id", maintain_order=True)
        .agg(latest=pl.col("amount").last(), before=pl.col("amount").get(-2, null_on_oob=True))
        .select(
            "account_id",
            paid_month_change_pct=pl.when(pl.col("before").is_null())
            .then(100.0)
            .otherwise(100 * (safe_ratio(pl.col("latest"), pl.col("before")) - 1)),
        )
    )


def _next_renewals(subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """The nearest renewal of the paid subscriptions, from each day on which one begins, ends or renews.

    Grain: account_id x day of change, sorted by day; null from the day on which no renewal is known.
    """
    day_after = pl.col("renewal_date").dt.offset_by("1d")
    running = subscriptions.filter(is_ever_paid(), pl.col("renewal_date").is_not_null()).select(
        "account_id", "renewal_date", first_day="first_paid_date", end_day=pl.min_horizontal("end_date", day_after)
    )
    changes = pl.concat([running.select("account_id", day=edge) for edge in ("first_day", "end_day")]).unique()
    is_running = (pl.col("first_day") <= pl.col("day")) & (pl.col("end_day") > pl.col("day"))
    return (
        changes.join(running, on="account_id", how="inner", validate="m:m")
        .group_by("account_id", "day")
        .agg(pl.col("renewal_date").filter(is_running).min())
        .sort("day", "account_id")
    )
