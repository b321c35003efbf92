"""What each account paid as of each day, with signs of trouble in its payments and contract.

Month-end revenue and its movements belong in fact/revenue_monthly.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.staged.accounts import CRM_STATUSES
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Counted, Latest, Spans, counts_by_day
from health_assets.contracts.expressions import ONCE, Period, days_between, safe_ratio
from health_assets.contracts.history import VALID_FROM, VALID_TO
from health_assets.scoring.invoice_payments import late_payment_days, overdue_days, paid_month_changes
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
        description="active while paying, churned after it; else the CRM status of the day; null = unknown",
    )
    crm_status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        description="CRM status of the day; null = unknown, or a day before the first load",
    )
    is_scored = dy.Bool(description="Active, trial or suspended: belongs to the scored population")
    is_suspended = dy.Bool(nullable=True, description="Suspended by the CRM; null where crm_status is")
    mrr = Money(
        "Recurring revenue on the day; without subscriptions and paid invoices the CRM's, from the first load on; null = unknown",
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
        "Invoices past due and unpaid at the end of the day; null before the first load when payment dates are not exported, and "
        "while invoices are stale",
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
        "null = nothing paid, stale invoices, or a day before the first load",
    )
    days_to_renewal = Count("Days to the next renewal of a paid subscription; null = none known", nullable=True)


@table(AccountRevenueDaily, monthly=True, settings_sections=("revenue", "stale_after_days"))
def fact_account_revenue_daily(
    staged_accounts: pl.LazyFrame,
    history_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    history_invoices: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period, from the account's signup and the first day on which anything is known."""
    subscriptions = price_periods(staged_subscriptions, history_subscriptions, settings)
    known, measured = (
        paid_periods(subscriptions, staged_invoices, settings, period.last_day, as_known=as_known)
        for as_known in (True, False)
    )
    counted = _counted(known, staged_invoices, history_invoices) | {
        "earlier_contractions": _contractions(measured, period)
    }
    first_paid = known.group_by("account_id").agg(first_paid_date=pl.col("start_date").min())
    since = _known_of_any(staged_accounts, history_accounts, staged_subscriptions, staged_invoices, period)
    known_since = _known_since(staged_subscriptions, staged_invoices, history_invoices, settings)
    latest = [
        Latest(_next_renewals(subscriptions, history_subscriptions), "as_of_date", ["renewal_date"]),
        Latest(paid_month_changes(staged_invoices, history_invoices, period), "as_of_date", ["paid_month_change_pct"]),
        Latest(_crm_versions(history_accounts), "as_of_date", ["crm_valid_to", "crm_status_then", "crm_mrr"]),
    ]
    return (
        counts_by_day(since, "since", counted, period, latest=latest)
        .rename({"day": "as_of_date"})
        .with_columns(without_dust("paid"), without_dust("earlier_mrr"), without_dust("last_month_mrr"))
        .join(first_paid, on="account_id", how="left", validate="m:1", maintain_order="left")
        .join(known_since, how="cross", maintain_order="left")
        .pipe(with_freshness, "as_of_date", "invoices", staged_invoices, "invoice_date", settings)
        .with_columns(**_what_is_known())
        .with_columns(**_amounts())
        .with_columns(account_status=account_status(_is_past(pl.col("first_paid_date"))))
        .with_columns(is_scored=pl.col("account_status").is_in(SCORED).fill_null(False))
        .select(AccountRevenueDaily.column_names())
    )


def _counted(
    periods: pl.LazyFrame, staged_invoices: pl.LazyFrame, history_invoices: pl.LazyFrame
) -> dict[str, pl.LazyFrame | Counted]:
    """What is added up for each account and day, with the days on which it counts."""
    start, end, mrr = pl.col("start_date"), pl.col("end_date"), pl.col("mrr")
    trend = f"{TREND_DAYS}d"
    overdue = overdue_days(staged_invoices, history_invoices)
    return {
        "paid": Spans(periods, start, end, mrr),
        "earlier_mrr": Spans(periods, start.dt.offset_by(trend), end.dt.offset_by(trend), mrr),
        "last_month_mrr": Spans(periods, _month_after(start), _month_after(end), mrr),  # MRR at its end
        "overdue_invoice_count": Spans(overdue, pl.col("first_day"), pl.col("end_day")),
        "overdue_amount": Spans(overdue, pl.col("first_day"), pl.col("end_day"), pl.col("amount")),
        "late_paid_invoice_count_90d": late_payment_days(staged_invoices, LATE_DAYS),
    }


def _month_after(day: pl.Expr) -> pl.Expr:
    """The first day of the month after that of a day."""
    return day.dt.truncate("1mo").dt.offset_by("1mo")


def _known_of_any(
    staged_accounts: pl.LazyFrame,
    history_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    period: Period,
) -> pl.LazyFrame:
    """The accounts of the period, each `since` its signup, but not before revenue or a CRM status is known of any account."""
    days = (
        history_accounts.select(since=VALID_FROM),
        staged_subscriptions.select(since="start_date"),
        staged_invoices.select(since="invoice_date"),
    )
    first_day = pl.concat(days).select(pl.col("since").min()).drop_nulls()
    return (
        staged_accounts.select("account_id", "signup_date")
        .drop_nulls()
        .join(first_day, how="cross")
        .select("account_id", since=pl.max_horizontal("signup_date", "since"))
        .filter(pl.col("since") <= period.last_day)
    )


def _crm_versions(history_accounts: pl.LazyFrame) -> pl.LazyFrame:
    """CRM status and MRR from the load day on which they were first seen. Grain: account_id x as_of_date."""
    return history_accounts.select(
        "account_id",
        as_of_date=VALID_FROM,
        crm_valid_to=VALID_TO,
        crm_status_then="status",
        crm_mrr="monthly_recurring_revenue",
    )


def _known_since(
    staged_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    history_invoices: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """One row: the days from which revenue, dates of payment and statuses of invoices are known."""
    payment_dates = staged_invoices.select(payment_dates_since=pl.col("paid_date").min())
    statuses = history_invoices.select(statuses_since=pl.col(VALID_FROM).min())
    return (
        revenue_history_since(staged_subscriptions, staged_invoices, settings)
        .join(payment_dates, how="cross")
        .join(statuses, how="cross")
    )


def _is_past(since: pl.Expr) -> pl.Expr:
    """Whether a day is the row's or an earlier one; false for none."""
    return (since <= pl.col("as_of_date")).fill_null(False)


def _what_is_known() -> dict[str, pl.Expr]:
    """Which sources say something of the day."""
    crm_says = pl.col("crm_valid_to").is_null() | (pl.col("crm_valid_to") >= pl.col("as_of_date"))
    return {
        "has_history": _is_past(pl.col("revenue_history_since")),
        "has_payment_dates": pl.col("has_invoices") & _is_past(pl.col("payment_dates_since")),
        "has_statuses": pl.col("has_invoices") & _is_past(pl.col("statuses_since")),
        "crm_status": pl.when(crm_says).then("crm_status_then"),
        "crm_mrr": pl.when(crm_says).then("crm_mrr"),
    }


def _amounts() -> dict[str, pl.Expr]:
    """The columns of the contract that are null where their source says nothing of the day."""
    knows_overdue = pl.col("has_payment_dates") | pl.col("has_statuses")
    mrr = pl.when("has_history").then("paid").otherwise("crm_mrr")
    is_contraction = pl.col("paid").is_between(0, "last_month_mrr", closed="none")
    return {
        "mrr": mrr,
        "mrr_change_ratio_90d": safe_ratio(mrr, pl.col("earlier_mrr")) - 1,
        "is_suspended": pl.col("crm_status") == "suspended",
        "contraction_month_count_6m": pl.when("has_history").then(pl.col("earlier_contractions") + is_contraction),
        "overdue_invoice_count": pl.when(knows_overdue).then("overdue_invoice_count"),
        "overdue_amount": pl.when(knows_overdue).then(without_dust("overdue_amount")),
        "late_paid_invoice_count_90d": pl.when("has_payment_dates").then("late_paid_invoice_count_90d"),
        "paid_month_change_pct": pl.when("has_invoices").then("paid_month_change_pct"),
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


def _next_renewals(subscriptions: pl.LazyFrame, history_subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """The nearest renewal of the paid subscriptions, from each day on which one begins, ends, renews or is seen to change.

    The renewal date of the first load counts for all days before. Grain: account_id x as_of_date of change; null
    from the day on which no renewal is known.
    """
    first_seen, end_of_renewal = pl.col(VALID_FROM), pl.col("renewal_date").dt.offset_by("1d")
    is_first = first_seen == first_seen.min().over("subscription_id")
    seen = history_subscriptions.select(
        "subscription_id",
        seen_renewal="renewal_date",
        seen_from=pl.when(~is_first).then(first_seen),
        seen_until=first_seen.shift(-1).over("subscription_id", order_by=VALID_FROM),
    )
    running = (
        subscriptions.filter(is_ever_paid())
        .join(seen, on="subscription_id", how="left", validate="m:m")
        .with_columns(renewal_date=pl.coalesce("seen_renewal", "renewal_date"))
        .filter(pl.col("renewal_date").is_not_null())
        .select(
            "account_id",
            "renewal_date",
            first_day=pl.max_horizontal("first_paid_date", "seen_from"),
            end_day=pl.min_horizontal("end_date", end_of_renewal, "seen_until"),
        )
    )
    changes = pl.concat([running.select("account_id", day=edge) for edge in ("first_day", "end_day")]).unique()
    is_running = (pl.col("first_day") <= pl.col("day")) & (pl.col("end_day") > pl.col("day"))
    return (
        changes.join(running, on="account_id", how="inner", validate="m:m")
        .group_by("account_id", as_of_date="day")
        .agg(pl.col("renewal_date").filter(is_running).min())
    )
