"""Price periods, parsed: amounts in the reporting currency, end = first unpaid day."""

import dataframely as dy
import polars as pl

from health_assets.columns import AccountId, Count, Day, Money
from health_assets.contracts import Contract
from health_assets.expressions import in_reporting_currency
from health_assets.parsing import parsed
from health_assets.settings import Settings
from health_assets.tables import staged

SUBSCRIPTION_STATUSES = ["trial", "active", "past_due", "cancelled", "upgraded"]
ENDED = ["cancelled", "upgraded"]


class Subscriptions(Contract):
    """What has been agreed on, at which price, from when to when? One row a price period."""

    subscription_id = dy.String(primary_key=True, description="Price period")
    account_id = AccountId(of="staged_accounts")
    product_name = dy.String(nullable=True, description="Product")
    plan_tier = dy.String(nullable=True, description="Plan, lower case")
    mrr_amount = Money("Recurring amount a month")
    start_date = Day("First paid day", nullable=False, metadata={"known_from": True})
    end_date = Day("First unpaid day; null while it runs")
    status = dy.Enum(SUBSCRIPTION_STATUSES, nullable=True, description="As the file has it; never decides MRR")
    trial_end_date = Day("Last day of the trial")
    renewal_date = Day("Day on which it renews")
    seats = Count("Seats paid for", nullable=True)
    currency = dy.String(description="Currency of the source amount")
    is_trial = dy.Bool(description="A trial pays nothing")

    @dy.rule()
    def end_date__not_before_start(cls) -> pl.Expr:
        return pl.col("end_date").is_null() | (pl.col("end_date") >= pl.col("start_date"))

    @dy.rule()
    def end_date__given_when_ended(cls) -> pl.Expr:
        return pl.col("end_date").is_not_null() | ~pl.col("status").is_in(ENDED).fill_null(False)


@staged(Subscriptions)
def staged_subscriptions(raw_subscriptions: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed price periods; a trial's amount is kept, but flagged as not paid."""
    return (
        raw_subscriptions.pipe(parsed, Subscriptions, settings, "subscriptions")
        .with_columns(
            pl.col("plan_tier").str.to_lowercase(),
            currency=pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency),
            is_trial=(pl.col("status") == "trial").fill_null(False),
        )
        .with_columns(mrr_amount=in_reporting_currency("mrr_amount", settings))
    )
