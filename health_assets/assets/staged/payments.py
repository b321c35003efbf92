"""Payments, parsed: amounts in the reporting currency. What is late is decided for a day, in fact/payments.py."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Money
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged


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


@identity(of=staged_payments, severity=WARN)
def amount_paid__given_where_others_have_it(staged_payments: pl.LazyFrame) -> pl.LazyFrame:
    """Every payment that was made has an amount, if the file has any: one without adds nothing to what was paid."""
    has_amounts = staged_payments.select(has_amounts=pl.col("amount_paid").is_not_null().any())
    unsaid = staged_payments.filter(pl.col("payment_date").is_not_null(), pl.col("amount_paid").is_null())
    return unsaid.join(has_amounts, how="cross").filter("has_amounts").drop("has_amounts")
