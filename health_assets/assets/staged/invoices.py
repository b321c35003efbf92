"""Invoices, parsed: amounts in the reporting currency, a due date for each. What they say of MRR is not decided here."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day, Money
from health_assets.contracts.contract import ON_LOAD_DAY, Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

INVOICE_STATUSES = ["draft", "open", "paid", "overdue", "failed", "uncollectible", "void", "credited", "refunded"]


class Invoices(Contract):
    """What was invoiced, and was it paid?"""

    invoice_id = dy.String(primary_key=True, description="Invoice")
    account_id = AccountId(of="staged_accounts")
    invoice_date = Day("Day of the invoice", nullable=False, metadata={"available_from": True})
    invoice_month = dy.Date(description="First day of the month of the invoice")
    due_date = Day(
        "Day by which it is to be paid; invoice date + revenue.invoice_due_days where the file has none",
        nullable=False,
        metadata={"decides": False},
    )
    amount = Money("Amount; negative = credit note", min=None)
    currency = dy.String(description="Currency of the source amount")
    status = dy.Enum(
        INVOICE_STATUSES,
        nullable=True,
        description="As known on the load day",
        metadata=ON_LOAD_DAY | {"words": words.INVOICE_STATUS},
    )
    paid_date = Day("Day of payment; null = not paid, or not said when")
    period_start = Day("First day that it pays for")
    period_end = Day("Last day that it pays for")
    line_items = dy.String(nullable=True, description="What it is for", metadata=ON_LOAD_DAY)
    is_paid = dy.Bool(
        nullable=True,
        description="Paid, or paid and refunded, as known on the load day; null = status unknown",
        metadata=ON_LOAD_DAY,
    )


@staged(Invoices)
def staged_invoices(raw_invoices: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed invoices."""
    return (
        raw_invoices.pipe(parsed, Invoices, settings, "invoices")
        .with_columns(
            currency=pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency),
            due_date=pl.col("due_date").fill_null(
                pl.col("invoice_date").dt.offset_by(f"{settings.revenue.invoice_due_days}d")
            ),
            invoice_month=pl.col("invoice_date").dt.truncate("1mo"),
            is_paid=_is_paid(),
        )
        .with_columns(amount=in_reporting_currency("amount", settings))
    )


def _is_paid() -> pl.Expr:
    """By status or date of payment; what was refunded had been paid, and a credit note settles itself."""
    is_credit_note = (pl.col("status") == "credited") & (pl.col("amount") < 0)
    return pl.col("status").is_in(["paid", "refunded"]) | is_credit_note | pl.col("paid_date").is_not_null()
