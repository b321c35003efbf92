"""Invoices as of the as-of day: paid, open or overdue, and what was collected.

Overdue invoices of an account by day are in fact/account_revenue_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.staged.invoices import INVOICE_STATUSES
from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.contracts.history import valid_on
from health_assets.tables import table

NOT_DUE = ["draft", "void", "credited", "refunded"]
GIVEN_BACK = ["credited", "refunded"]


class Invoices(Contract):
    """What was invoiced, what was collected, and what is overdue?

    A status is known from the first load on; on earlier days a payment counts only if it has a date.
    """

    invoice_id = dy.String(primary_key=True, description="Invoice")
    account_id = AccountId()
    invoice_date = Day("Day of the invoice", nullable=False, metadata={"available_from": True})
    due_date = Day("Day by which it has to be paid", nullable=False)
    amount = Money("Amount; negative = credit note", min=None)
    currency = dy.String(description="Currency of the amount in the file")
    period_start = Day("First day of the period that it pays for; null = not in the file")
    period_end = Day("Last day of the period that it pays for; null = not in the file")
    status = dy.Enum(
        INVOICE_STATUSES,
        nullable=True,
        description="Status in the file on the as-of day; null = unknown, or a day before the first load",
    )
    paid_date = Day("Day of payment; null = not paid by the as-of day, or no date in the file")
    is_paid = dy.Bool(nullable=True, description="Paid by the as-of day; null = unknown")
    is_overdue = dy.Bool(nullable=True, description="Past due and unpaid on the as-of day; null = unknown whether paid")
    days_late = Count(
        "Days from the due date to the payment, for an overdue invoice to the as-of day; 0 = in time or not yet due; null = not "
        "known when it was paid",
        nullable=True,
    )
    collected_amount = Money(
        "Amount paid by the as-of day; credit notes and refunds lower it; null = unknown", min=None, nullable=True
    )


@table(Invoices)
def fact_invoices(
    staged_invoices: pl.LazyFrame, history_invoices: pl.LazyFrame, dim_account: pl.LazyFrame, as_of: date
) -> pl.LazyFrame:
    """Invoices of the as-of day or before, of accounts that signed up by then."""
    known = valid_on(history_invoices, as_of).select("invoice_id", "status", paid_by_status="is_paid")
    is_paid_by_date = (pl.col("paid_date") <= as_of).fill_null(False)
    is_due = (pl.col("amount") > 0) & ~pl.col("status").is_in(NOT_DUE).fill_null(False)
    is_past = pl.col("due_date") < as_of
    given_back = (pl.col("amount") > 0) & pl.col("status").is_in(GIVEN_BACK).fill_null(False)
    dates_payments = staged_invoices.select(dates_payments=pl.col("paid_date").is_not_null().any())
    return (
        staged_invoices.filter(pl.col("invoice_date") <= as_of)
        .join(dim_account, on="account_id", how="semi")
        .drop("status")
        .rename({"is_paid": "is_paid_in_file"})
        .join(known, on="invoice_id", how="left", validate="1:1")
        .join(dates_payments, how="cross")
        .with_columns(is_paid=_is_paid(is_paid_by_date, as_of))
        .with_columns(is_overdue=pl.when(is_due & is_past).then(~pl.col("is_paid")).otherwise(False))
        .with_columns(
            paid_date=pl.when(is_paid_by_date).then("paid_date"),
            collected_amount=pl.when(given_back)
            .then(0.0)
            .when("is_paid")
            .then("amount")
            .when(~pl.col("is_paid"))
            .then(0.0),
        )
        .with_columns(days_late=_days_late(is_due, as_of))
        .sort("invoice_id")
        .select(Invoices.column_names())
    )


def _is_paid(is_paid_by_date: pl.Expr, as_of: date) -> pl.Expr:
    """By date of payment, else by the status of the day; where other payments have dates, one without is none yet."""
    is_paid_later = (pl.col("paid_date") > as_of).fill_null(False)
    is_paid_undated = pl.col("is_paid_in_file").fill_null(False)
    return (
        pl.when(is_paid_by_date)
        .then(True)
        .when(is_paid_later)
        .then(False)
        .when(pl.col("paid_by_status").is_not_null())
        .then("paid_by_status")
        .when(pl.col("dates_payments") & ~is_paid_undated)
        .then(False)
    )


def _days_late(is_due: pl.Expr, as_of: date) -> pl.Expr:
    until = pl.when(pl.col("paid_date").is_not_null()).then("paid_date").when(~pl.col("is_paid")).then(as_of)
    late = days_between(pl.col("due_date"), until).clip(lower_bound=0)
    return pl.when(is_due).then(late).otherwise(0)
