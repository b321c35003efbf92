"""What each account paid as of each day, and whether payment or contract gave cause for worry.

Month-end revenue and its movements belong in fact/revenue_monthly.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.accounts import CRM_STATUSES
from health_assets.columns import AccountId, AsOfDate, Count, Money
from health_assets.contracts import Contract
from health_assets.expressions import Period, days_between, safe_ratio
from health_assets.revenue import month_end_mrr, paid_periods, running_total
from health_assets.settings import Settings
from health_assets.tables import table

SCORED = ["active", "trial", "suspended"]
TREND_DAYS, LATE_DAYS, CONTRACTION_MONTHS = 90, 90, 6


class AccountRevenueDaily(Contract):
    """What did each account pay as of each day, and was there trouble with payment or contract?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    account_status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        description="active while paying, churned after it; else the CRM status, on the load day only; null = not known",
    )
    crm_status = dy.Enum(
        CRM_STATUSES, nullable=True, description="As the CRM has it; null on every day but the load day"
    )
    is_scored = dy.Bool(description="Active, trial or suspended: belongs to the scored population")
    is_suspended = dy.Bool(nullable=True, description="Suspended by the CRM; null on every day but the load day")
    mrr = Money("Recurring revenue on the day")
    mrr_change_ratio_90d = dy.Float64(
        nullable=True, min=-1, description="MRR / MRR 90 days before - 1; null when nothing was paid then"
    )
    contraction_month_count_6m = Count(
        "Month ends of the last 6 months at which MRR was lower than at the one before, above 0"
    )
    overdue_invoice_count = Count(
        "Invoices past due and unpaid at the end of the day; null on past days when payment dates are not exported",
        nullable=True,
    )
    late_paid_invoice_count_90d = Count(
        "Invoices paid in 90 days, after they were due; null without payment dates", nullable=True
    )
    paid_month_change_pct = dy.Float64(
        nullable=True,
        description="Latest month with paid invoices against the paid month before, in %; a first month counts as +100; "
        "null = nothing paid, or another day than the load day",
    )
    days_to_renewal = Count("Days to the next renewal of a running subscription; null = none known", nullable=True)


@table(AccountRevenueDaily, monthly=True, settings_sections=("revenue",))
def fact_account_revenue_daily(
    staged_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period, from the account's signup on."""
    periods = paid_periods(staged_subscriptions, staged_invoices, settings, period.last_day)
    steps = periods.select(
        "account_id", first_day=pl.max_horizontal("start_date", "known_date"), end_day="end_date", size="mrr"
    )
    mrr = running_total(steps, "mrr").rename({"day": "changed_on"}).sort("changed_on", "account_id")
    is_load_day = pl.col("as_of_date") == load_day
    days = pl.LazyFrame({"as_of_date": pl.date_range(period.first_day, period.last_day, eager=True)})
    return (
        staged_accounts.select("account_id", "signup_date", "status")
        .join(days, how="cross")
        .filter(pl.col("as_of_date") >= pl.col("signup_date"))
        .with_columns(
            day_before=pl.col("as_of_date").dt.offset_by(f"-{TREND_DAYS}d"),
            crm_status=pl.when(is_load_day).then(pl.col("status").cast(pl.Enum(CRM_STATUSES))),
        )
        .sort("as_of_date", "account_id")
        .join_asof(mrr, left_on="as_of_date", right_on="changed_on", by="account_id")
        .join_asof(mrr.rename({"mrr": "earlier_mrr"}), left_on="day_before", right_on="changed_on", by="account_id")
        .join(
            periods.group_by("account_id").agg(first_paid_date=pl.col("start_date").min()), on="account_id", how="left"
        )
        .with_columns(
            pl.col("mrr").fill_null(0), has_paid=(pl.col("first_paid_date") <= pl.col("as_of_date")).fill_null(False)
        )
        .with_columns(
            account_status=pl.when(pl.col("mrr") > 0)
            .then(pl.lit("active"))
            .when("has_paid")
            .then(pl.lit("churned"))
            .otherwise(pl.col("crm_status").cast(pl.String))
        )
        .join(_contractions(periods, period), on=["account_id", "as_of_date"], how="left")
        .join(_overdue(staged_invoices, days), on=["account_id", "as_of_date"], how="left")
        .join(_feeds(staged_invoices), how="cross")
        .join(_paid_month_change(staged_invoices, load_day), on="account_id", how="left")
        .join(_renewals(staged_subscriptions, days), on=["account_id", "as_of_date"], how="left")
        .with_columns(
            is_scored=pl.col("account_status").is_in(SCORED).fill_null(False),
            is_suspended=pl.col("crm_status") == "suspended",
            mrr_change_ratio_90d=safe_ratio(pl.col("mrr"), pl.col("earlier_mrr")) - 1,
            contraction_month_count_6m=pl.col("contraction_month_count_6m").fill_null(0),
            overdue_invoice_count=pl.when(pl.col("has_payment_dates") | (pl.col("has_invoices") & is_load_day)).then(
                pl.col("overdue_invoice_count").fill_null(0)
            ),
            late_paid_invoice_count_90d=pl.when("has_payment_dates").then(
                pl.col("late_paid_invoice_count_90d").fill_null(0)
            ),
            paid_month_change_pct=pl.when(is_load_day).then("paid_month_change_pct"),
        )
        .select(AccountRevenueDaily.column_names())
    )


def _feeds(staged_invoices: pl.LazyFrame) -> pl.LazyFrame:
    """One row: whether invoices are connected, and whether they say when they were paid."""
    return staged_invoices.select(has_invoices=pl.len() > 0, has_payment_dates=pl.col("paid_date").is_not_null().any())


def _contractions(periods: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """How many of the last six months, each from its last day on, ended lower than the one before."""
    months = (
        month_end_mrr(periods, period.last_day)
        .sort("account_id", "month")
        .with_columns(
            earlier=pl.col("mrr").shift(1).over("account_id", order_by="month"),
            earlier_month=pl.col("month").shift(1).over("account_id", order_by="month"),
        )
        .filter(pl.col("mrr") < pl.col("earlier"), pl.col("earlier_month") == pl.col("month").dt.offset_by("-1mo"))
        .select(
            "account_id",
            month_end=pl.col("month").dt.month_end(),  # a month that is not over says nothing yet
            month="month",
        )
    )
    days = pl.LazyFrame({"as_of_date": pl.date_range(period.first_day, period.last_day, eager=True)})
    return (
        months.join(days, how="cross")
        .filter(
            pl.col("month_end") <= pl.col("as_of_date"),
            pl.col("month") > pl.col("as_of_date").dt.truncate("1mo").dt.offset_by(f"-{CONTRACTION_MONTHS}mo"),
        )
        .group_by("account_id", "as_of_date")
        .agg(contraction_month_count_6m=pl.len().cast(pl.Int64))
    )


def _overdue(staged_invoices: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices past due and unpaid, and those paid late in the window, by account and day."""
    day = pl.col("as_of_date")
    is_settled = pl.col("status").is_in(["paid", "void"]).fill_null(False)
    return (
        staged_invoices.filter(pl.col("amount") > 0, pl.col("status").ne_missing(pl.lit("void")))
        .join(days, how="cross")
        .filter(pl.col("invoice_date") <= day)
        .with_columns(
            is_overdue=(pl.col("due_date") < day)
            & pl.when(pl.col("paid_date").is_not_null()).then(pl.col("paid_date") > day).otherwise(~is_settled),
            is_paid_late=(pl.col("paid_date") > pl.col("due_date"))
            & pl.col("paid_date").is_between(day.dt.offset_by(f"-{LATE_DAYS - 1}d"), day),
        )
        .group_by("account_id", "as_of_date")
        .agg(
            overdue_invoice_count=pl.col("is_overdue").sum().cast(pl.Int64),
            late_paid_invoice_count_90d=pl.col("is_paid_late").sum().cast(pl.Int64),
        )
    )


def _paid_month_change(staged_invoices: pl.LazyFrame, load_day: date) -> pl.LazyFrame:
    """The latest month with paid invoices against the paid month before it, as NovaCRM's published score has it."""
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


def _renewals(staged_subscriptions: pl.LazyFrame, days: pl.LazyFrame) -> pl.LazyFrame:
    """Days to the nearest renewal of the subscriptions that run on the day."""
    day = pl.col("as_of_date")
    return (
        staged_subscriptions.filter(pl.col("renewal_date").is_not_null())
        .join(days, how="cross")
        .filter(
            pl.col("start_date") <= day,
            pl.col("end_date").is_null() | (pl.col("end_date") > day),
            pl.col("renewal_date") >= day,
        )
        .group_by("account_id", "as_of_date")
        .agg(days_to_renewal=days_between(day, pl.col("renewal_date")).min())
    )
