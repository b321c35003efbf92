"""Payments, parsed: amounts in the reporting currency. What is late is decided for a day, in fact/payments.py."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class Payments(Contract):
    """What was to be paid until when, and was it?"""

    payment_id = dy.String(primary_key=True, description="Payment")
    account_id = AccountId(of="staged_accounts")
    payment_due_date = Day("Day by which it is to be paid", nullable=False)
    payment_date = Day("Day of payment; null = not paid")
    known_date = Day(
        "Day of payment or due day, the earlier: before it the payment is not expected",
        metadata={"available_from": True},
    )
    amount_paid = Money(
        "Amount paid; negative = paid back, null = not paid, or not said",
        min=None,
        nullable=True,
        metadata={"decides": True},
    )
    currency = dy.String(description="Currency of the source amount")


@staged(Payments)
def staged_payments(raw_payments: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed payments."""
    return (
        raw_payments.pipe(parsed, Payments, settings, "payments")
        .with_columns(
            pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency),
            known_date=pl.min_horizontal("payment_date", "payment_due_date"),
        )
        .with_columns(amount_paid=in_reporting_currency("amount_paid", settings))
    )
