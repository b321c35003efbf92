"""Accounts that somebody should talk to, since they pay late again and again or ask for help again and again.

A rule with thresholds, not a score; the score is mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.mart.commerce.customer_value import VALUE_SEGMENTS
from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.settings.sections import HighRisk
from health_assets.tables import table


class HighRiskAccounts(Contract):
    """Which accounts show early signs of churn or of not paying, and why? Only flagged accounts have a row."""

    account_id = AccountId(primary_key=True)
    company_name = CompanyName()
    account_owner = AccountOwner()
    region = dy.String(nullable=True, description="Sales region; null = not known")
    attention_rank = dy.Int64(min=1, description="1 = first: more flags, then higher spend, then account_id")
    flag_count = dy.Int64(min=1, description="Flags raised")
    has_repeated_late_payments = dy.Bool(nullable=True, description="Late payments to date; null = not connected")
    has_frequent_tickets = dy.Bool(nullable=True, description="Tickets in 90 days; null = not connected")
    reasons = dy.String(description="Each raised flag in a sentence, with the value and its threshold")
    late_payment_count = Count("Late payments to date; null = not connected", nullable=True)
    ticket_count_90d = Count("Tickets created in 90 days; null = not connected", nullable=True)
    value_segment = dy.Enum(VALUE_SEGMENTS, nullable=True, description="By spend; null = orders are not connected")
    total_spend = Money("Amount of all orders to date; null = orders are not connected", nullable=True)

    @dy.rule()
    def flag_count__is_of_flags(cls) -> pl.Expr:
        return pl.col("flag_count") == _flag_count()


@table(HighRiskAccounts)
def mart_high_risk_accounts(
    dim_account: pl.LazyFrame,
    mart_payment_risk: pl.LazyFrame,
    mart_support_frequency: pl.LazyFrame,
    mart_customer_value: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """Flagged accounts, the most urgent first."""
    limits = settings.commerce.high_risk
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
        .select(HighRiskAccounts.column_names())
    )


def _flag_count() -> pl.Expr:
    return pl.sum_horizontal("has_repeated_late_payments", "has_frequent_tickets").cast(pl.Int64)


def _reasons(limits: HighRisk) -> pl.Expr:
    late = pl.format(f"{{}} payments were late ({limits.late_payments} raise this).", "late_payment_count")
    tickets = pl.format(f"{{}} tickets in 90 days ({limits.tickets_90d} raise this).", "ticket_count_90d")
    return pl.concat_str(
        pl.when("has_repeated_late_payments").then(late),
        pl.when("has_frequent_tickets").then(tickets),
        separator=" ",
        ignore_nulls=True,
    )
