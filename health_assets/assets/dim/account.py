"""Accounts as of the as-of day: status, segment, tenure, what they pay and have paid.

How revenue moved belongs in fact/revenue_monthly.py, its history by day in fact/account_revenue_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.accounts import CRM_STATUSES
from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Day, Money
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import banded, days_between, first_match, whole_months
from health_assets.contracts.history import valid_on
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import (
    account_status,
    has_revenue_history,
    month_end_mrr,
    paid_periods,
    spend,
    sum_of,
)
from health_assets.settings import Settings
from health_assets.tables import identity, table

SEGMENTS = ["enterprise", "mid_market", "smb"]
LIFECYCLE_STAGES = ["trial", "onboarding", "growing", "mature", "churned"]
UNDATED = ["status", "monthly_recurring_revenue", "licensed_seats"]  # remembered load by load
GIVEN_BACK = ["credited", "refunded"]
VALUE_TIERS = ["strategic", "key", "standard", "basic"]


class Account(Contract):
    """Who are our accounts, what do they pay, and what is their status on the as-of day?"""

    account_id = AccountId(primary_key=True, of=None)
    company_name = CompanyName()
    industry = dy.String(nullable=True, description="Industry")
    employee_count = Count("Employees; null = unknown", nullable=True)
    plan_tier = dy.String(nullable=True, description="Plan on the load day, lower case")
    account_owner = AccountOwner()
    region = dy.String(nullable=True, description="Sales region")
    signup_date = Day("First contract or trial", nullable=False, metadata={"available_from": True})
    account_status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        description="active = pays; churned = paid before, not now; else the CRM status of the day; null = unknown",
    )
    crm_status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        description="CRM status of the day; null = unknown, or a day before the first load",
    )
    is_active = dy.Bool(description="Whether account_status is active")
    segment = dy.Enum(
        SEGMENTS, description="By plan tier, or by the number of employees; see `segments` in the settings"
    )
    lifecycle_stage = dy.Enum(LIFECYCLE_STAGES, description="trial and churned by status, else by tenure")
    value_tier = dy.Enum(VALUE_TIERS, nullable=True, description="By MRR; null where MRR is unknown")
    tenure_days = Count("Days since signup")
    first_paid_date = Day("First paid day; null = never paid, or no revenue history")
    months_since_first_subscription = Count(
        "Whole months since first_paid_date; null where first_paid_date is null", nullable=True
    )
    churn_date = Day("First unpaid day of an account that paid and no longer does; null = pays, or never did")
    cancelled_date = Day("Day of the first `cancelled` contract event; null = none, or contract events not connected")
    mrr = Money("Monthly recurring revenue; 0 = pays nothing, null = no source of revenue connected", nullable=True)
    arr = Money("MRR x 12; null where MRR is null", nullable=True)
    licensed_seats = Count(
        "Seats paid for: those of the CRM on the day, else of the subscriptions that run on it; null = unknown",
        nullable=True,
    )
    parent_account_id = dy.String(nullable=True, description="Parent account; null = none")
    age = dy.Int64(nullable=True, min=0, max=130, description="Age of the person in years, consumer businesses only")
    lifetime_value = Money(
        "Paid invoices to date less credit notes and refunds, without invoices the sum of month-end MRR, without subscriptions "
        "the spend; null = unknown",
        min=None,
        nullable=True,
    )

    @dy.rule()
    def churn_date__only_of_churned(cls) -> pl.Expr:
        """Only churned accounts have a churn date."""
        return pl.col("churn_date").is_null() | (pl.col("account_status") == "churned")


@table(Account)
def dim_account(
    staged_accounts: pl.LazyFrame,
    history_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    history_invoices: pl.LazyFrame,
    staged_contract_events: pl.LazyFrame,
    staged_orders: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Accounts that signed up by the as-of day."""
    subscriptions = price_periods(staged_subscriptions, history_subscriptions, settings)
    periods = paid_periods(subscriptions, staged_invoices, settings, as_of)
    known = [
        valid_on(history_accounts, as_of).select("account_id", *UNDATED),
        _paid(periods, as_of),
        _seats(staged_subscriptions, as_of),
        _lifetime_values(staged_invoices, staged_orders, periods, history_invoices, as_of),
        _cancellations(staged_contract_events, as_of),
    ]
    has_history = has_revenue_history(staged_subscriptions, staged_invoices, settings)
    accounts = staged_accounts.filter(pl.col("signup_date") <= as_of).drop(UNDATED).join(has_history, how="cross")
    for known_of_account in known:
        accounts = accounts.join(known_of_account, on="account_id", how="left", validate="1:1")
    return (
        accounts.join(_connected(staged_invoices, staged_orders, as_of), how="cross")
        .with_columns(
            crm_status=pl.col("status").cast(pl.String),
            mrr=_mrr(),
            licensed_seats=licensed_seats(pl.lit(True)),
            lifetime_value=_lifetime_value(),
            tenure_days=days_between(pl.col("signup_date"), pl.lit(as_of)),
            months_since_first_subscription=whole_months(pl.col("first_paid_date"), as_of),
        )
        .with_columns(
            account_status=account_status(pl.col("first_paid_date").is_not_null()), segment=_segment(settings)
        )
        .with_columns(
            arr=12 * pl.col("mrr"),
            is_active=(pl.col("account_status") == "active").fill_null(False),
            churn_date=_churn_date(settings, as_of),
            value_tier=value_tier(settings),
            lifecycle_stage=lifecycle_stage(settings),
        )
        .select(Account.column_names())
    )


@identity(of=dim_account, severity=WARN)
def account_status__is_known_of_some(dim_account: pl.LazyFrame) -> pl.LazyFrame:
    """The status of some account is known; without it none is scored, and nobody seems to be in trouble.

    Map the status of the CRM with `columns` and `values` of sources.accounts, say `defaults: {status: active}` where all
    accounts are customers, or connect subscriptions.
    """
    return dim_account.filter(pl.col("account_status").is_null().all())


def value_tier(settings: Settings) -> pl.Expr:
    """The tier that an account's `mrr` reaches; null where MRR is unknown."""
    return banded(pl.col("mrr"), settings.value_tiers | {"basic": 0.0})


def lifecycle_stage(settings: Settings) -> pl.Expr:
    """The stage by `account_status`, else by `tenure_days`."""
    tenure, by_status = pl.col("tenure_days"), pl.col("account_status")
    return first_match(
        [
            (by_status == "trial", "trial"),
            (by_status == "churned", "churned"),
            (tenure <= settings.lifecycle.onboarding_days, "onboarding"),
            (tenure <= settings.lifecycle.growing_days, "growing"),
            (pl.lit(True), "mature"),
        ]
    )


def _paid(periods: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """MRR on the as-of day, first paid day and last first unpaid day of each account that ever paid."""
    runs = pl.col("end_date").is_null() | (pl.col("end_date") > as_of)
    return periods.group_by("account_id").agg(
        mrr=sum_of(pl.col("mrr").filter(runs)),
        first_paid_date=pl.col("start_date").min(),
        last_end_date=pl.col("end_date").max(),
    )


def licensed_seats(is_load_day: pl.Expr) -> pl.Expr:
    """The CRM's `licensed_seats` on the load day, else the `seats` of the subscriptions that run on the day."""
    return pl.coalesce(pl.when(is_load_day).then("licensed_seats"), "seats")


def seat_periods(staged_subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """The days on which seats are paid for: account_id, first_day, end_day (exclusive; null = it runs), size."""
    return staged_subscriptions.filter(pl.col("seats").is_not_null()).select(
        "account_id", first_day="start_date", end_day="end_date", size="seats"
    )


def _seats(staged_subscriptions: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    runs = (pl.col("first_day") <= as_of) & (pl.col("end_day").is_null() | (pl.col("end_day") > as_of))
    return seat_periods(staged_subscriptions).filter(runs).group_by("account_id").agg(seats=pl.col("size").sum())


def _cancellations(staged_contract_events: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    cancelled = staged_contract_events.filter(pl.col("event_type") == "cancelled", pl.col("event_date") <= as_of)
    return cancelled.group_by("account_id").agg(cancelled_date=pl.col("event_date").min())


def _lifetime_values(
    staged_invoices: pl.LazyFrame,
    staged_orders: pl.LazyFrame,
    periods: pl.LazyFrame,
    history_invoices: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """What each account paid or spent by the as-of day, less credit notes and refunds.

    A payment without a date, and that an amount was given back, are known from the load that shows it on.
    """
    then = valid_on(history_invoices, as_of).select("invoice_id", status_then="status", was_paid="is_paid")
    undated = pl.col("is_paid").fill_null(False) & pl.col("paid_date").is_null()
    given_back = (pl.col("amount") > 0) & pl.col("status_then").is_in(GIVEN_BACK)
    paid = (pl.col("paid_date") <= as_of).fill_null(False) | (undated & pl.col("was_paid").fill_null(False))
    by_invoice = (
        staged_invoices.filter(pl.col("invoice_date") <= as_of)
        .join(then, on="invoice_id", how="left", validate="1:1")
        .group_by("account_id")
        .agg(
            paid_amount=sum_of(pl.col("amount").filter(paid & ~given_back.fill_null(False))),
            has_unknown_payment=(undated & pl.col("was_paid").is_null()).any(),
        )
    )
    by_month = month_end_mrr(periods, as_of).group_by("account_id").agg(recurring_amount=sum_of(pl.col("mrr")))
    by_order = staged_orders.filter(pl.col("order_date") <= as_of).group_by("account_id").agg(spend=spend())
    return by_invoice.join(by_month, on="account_id", how="full", coalesce=True, validate="1:1").join(
        by_order, on="account_id", how="full", coalesce=True, validate="1:1"
    )


def _connected(staged_invoices: pl.LazyFrame, staged_orders: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """One row: whether invoices and orders have rows, so that an account without one is known to have paid 0."""
    orders = staged_orders.filter(pl.col("order_date") <= as_of)
    return staged_invoices.select(has_invoices=pl.len() > 0).join(orders.select(has_orders=pl.len() > 0), how="cross")


def _mrr() -> pl.Expr:
    """What is paid on the day; without revenue history the CRM's MRR of the day."""
    return pl.when("has_revenue_history").then(pl.col("mrr").fill_null(0.0)).otherwise("monthly_recurring_revenue")


def _lifetime_value() -> pl.Expr:
    """From the best source that is connected; null where it is not known whether an invoice was paid by the day."""
    from_the_best_source = (
        pl.when("has_invoices")
        .then(pl.col("paid_amount").fill_null(0.0))
        .when("has_revenue_history")
        .then(pl.col("recurring_amount").fill_null(0.0))
        .when("has_orders")
        .then(pl.col("spend").fill_null(0.0))
    )
    return pl.when(~pl.col("has_unknown_payment").fill_null(False)).then(from_the_best_source)


def _churn_date(settings: Settings, as_of: date) -> pl.Expr:
    """First unpaid day of a churned account; null within `revenue.churn_gap_days`, in which it may still return."""
    last_end_date = pl.col("last_end_date")
    gap_is_over = last_end_date.dt.offset_by(f"{settings.revenue.churn_gap_days}d") <= as_of
    return pl.when((pl.col("account_status") == "churned") & gap_is_over).then(last_end_date)


def _segment(settings: Settings) -> pl.Expr:
    cases = (
        (
            pl.col("plan_tier").is_in(segment.tiers).fill_null(False)
            | (pl.col("employee_count") > segment.employees_above).fill_null(False),
            name,
        )
        for name, segment in settings.segments.items()
    )
    return first_match([*cases, (pl.lit(True), "smb")])
