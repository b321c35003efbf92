"""Price periods, parsed: amounts in the reporting currency, first paid day = end of the trial, end = first unpaid day."""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Count, Day, Money
from health_assets.contracts.contract import ON_LOAD_DAY, WARN, Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.scoring.recurring_revenue import is_ever_paid
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged

SUBSCRIPTION_STATUSES = [
    "trial", "active", "past_due", "unpaid", "paused", "incomplete", "cancelled", "upgraded",
]  # fmt: skip
ENDED = ["cancelled", "upgraded"]


class Subscriptions(Contract):
    """What has been agreed on, at which price, from when to when? One row a price period."""

    subscription_id = dy.String(primary_key=True, description="Price period")
    account_id = AccountId(of="staged_accounts")
    product_name = dy.String(nullable=True, description="Product")
    plan_tier = dy.String(nullable=True, description="Plan, lower case")
    mrr_amount = Money("Recurring amount a month")
    start_date = Day("First day, of the trial where there is one", nullable=False, metadata={"available_from": True})
    end_date = Day("First unpaid day; null while it runs", metadata={"decides": True})
    status = dy.Enum(
        SUBSCRIPTION_STATUSES,
        nullable=True,
        description="As the file has it; never decides MRR",
        metadata=ON_LOAD_DAY | {"words": words.SUBSCRIPTION_STATUS},
    )
    trial_end_date = Day("First day after the trial; null = no trial, or its end is not known")
    renewal_date = Day("Day on which it renews")
    seats = Count("Seats paid for", nullable=True)
    currency = dy.String(description="Currency of the source amount")
    first_paid_date = Day("First paid day: the start, or the end of the trial; null = a trial whose end is not known")

    @dy.rule()
    def end_date__not_before_start(cls) -> pl.Expr:
        return pl.col("end_date").is_null() | (pl.col("end_date") >= pl.col("start_date"))

    @dy.rule()
    def end_date__given_when_ended(cls) -> pl.Expr:
        return pl.col("end_date").is_not_null() | ~pl.col("status").is_in(ENDED).fill_null(False)


@staged(Subscriptions)
def staged_subscriptions(raw_subscriptions: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed price periods; only where the end of a trial is not given does the status say that there is one."""
    is_undated_trial = pl.col("status").eq_missing(pl.lit("trial")) & pl.col("trial_end_date").is_null()
    return (
        raw_subscriptions.pipe(parsed, Subscriptions, settings, "subscriptions")
        .with_columns(
            pl.col("plan_tier").str.to_lowercase(),
            currency=pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency),
            first_paid_date=pl.when(~is_undated_trial).then(pl.max_horizontal("start_date", "trial_end_date")),
        )
        .with_columns(mrr_amount=in_reporting_currency("mrr_amount", settings))
    )


@identity(of=staged_subscriptions, severity=WARN)
def paid_days__of_one_product_do_not_overlap(staged_subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """No account pays for a product before its earlier period has ended; where one does, the amounts add up."""
    paid_until = pl.col("end_date").fill_null(date.max)
    ended = (
        paid_until.cum_max()
        .shift(1)
        .over("account_id", "product_name", order_by=["first_paid_date", "subscription_id"])
    )
    return staged_subscriptions.filter(is_ever_paid()).filter(pl.col("first_paid_date") < ended)
