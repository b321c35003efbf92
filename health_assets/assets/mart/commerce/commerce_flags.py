"""Accounts of a shop that repeatedly pay late or contact support.

Flags with thresholds, not a score and no churn risk; that is mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.mart.commerce.customer_value import VALUE_SEGMENTS
from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.settings.sections import CommerceFlagLimits
from health_assets.tables import table


class CommerceFlags(Contract):
    """Which accounts of the shop repeatedly pay late or contact support? Only flagged accounts have a row."""

    account_id = AccountId(primary_key=True)
    company_name = CompanyName()
    account_owner = AccountOwner()
    region = dy.String(nullable=True, description="Sales region; null = unknown")
    attention_rank = dy.Int64(min=1, description="1 = first: most flags, then highest net spend, then account_id")
    flag_count = dy.Int64(min=1, description="Flags raised")
    has_repeated_late_payments = dy.Bool(
        nullable=True,
        description="Late payments to date reach `commerce.flags.late_payments`; null = payments are not connected",
    )
    has_frequent_tickets = dy.Bool(
        nullable=True,
        description="Tickets in 90 days reach `commerce.flags.tickets_90d`; null = tickets are not connected",
    )
    reasons = dy.String(description="Each raised flag in a sentence, with its value and threshold")
    late_payment_count = Count("Late payments to date; null = payments are not connected", nullable=True)
    ticket_count_90d = Count("Tickets created in 90 days; null = tickets are not connected", nullable=True)
    value_segment = dy.Enum(VALUE_SEGMENTS, nullable=True, description="By net spend; null = orders are not connected")
    total_spend = Money("Net spend to date; null = orders are not connected", min=None, nullable=True)

    @dy.rule()
    def flag_count__is_of_flags(cls) -> pl.Expr:
        """The number of flags is that of the flags raised."""
        return pl.col("flag_count") == _flag_count()


@table(CommerceFlags)
def mart_commerce_flags(
    dim_account: pl.LazyFrame,
    mart_payment_risk: pl.LazyFrame,
    mart_support_frequency: pl.LazyFrame,
    mart_customer_value: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """Flagged accounts, the most urgent first."""
    limits = settings.commerce.flags
    value = mart_customer_value.select("account_id", "value_segment", "total_spend")
    return (
        dim_account.join(mart_payment_risk, on="account_id", how="left", validate="1:1")
        .join(mart_support_frequency, on="account_id", how="left", validate="1:1")
        .join(value, on="account_id", how="left", validate="1:1")
        .with_columns(
            has_repeated_late_payments=pl.col("late_payment_count") >= limits.late_payments,
            has_frequent_tickets=pl.col("is_multi_ticket_account"),
        )
        .with_columns(flag_count=_flag_count(), reasons=_reasons(limits))
        .filter(pl.col("flag_count") > 0)
        .sort("flag_count", "total_spend", "account_id", descending=[True, True, False], nulls_last=True)
        .with_columns(attention_rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64))
        .select(CommerceFlags.column_names())
    )


def _flag_count() -> pl.Expr:
    return pl.sum_horizontal("has_repeated_late_payments", "has_frequent_tickets").cast(pl.Int64)


def _reasons(limits: CommerceFlagLimits) -> pl.Expr:
    late = pl.format(f"Late payments: {{}} (threshold: {limits.late_payments})", "late_payment_count")
    tickets = pl.format(f"Tickets in 90 days: {{}} (threshold: {limits.tickets_90d})", "ticket_count_90d")
    return pl.concat_str(
        pl.when("has_repeated_late_payments").then(late),
        pl.when("has_frequent_tickets").then(tickets),
        separator="; ",
        ignore_nulls=True,
    )
