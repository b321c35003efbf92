"""Price periods, parsed: price per month in the reporting currency, first paid day, first unpaid day.

What is paid on a day belongs in scoring/recurring_revenue.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import LARGEST_AMOUNT, AccountId, Count, Day, Moment, Money
from health_assets.contracts.contract import ON_LOAD_DAY, WARN, Contract, Vocabulary
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.contracts.history import REMEMBERED
from health_assets.scoring.prices import INTERVALS, interval_word, is_interval, monthly_price
from health_assets.scoring.recurring_revenue import is_ever_paid
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged

SUBSCRIPTION_STATUSES = [
    "trial", "active", "past_due", "unpaid", "paused", "incomplete", "cancelled", "upgraded",
]  # fmt: skip
ENDED = ["cancelled", "upgraded"]
DECIDES = {"decides": True}


def Price(description: str) -> dy.Float64:  # noqa: N802 - a column type
    """An amount as the file has it; one that cannot be read quarantines the row."""
    described = f"{description}, in the currency of the file; null = not in the file"
    metadata = {"money": True} | DECIDES
    return dy.Float64(nullable=True, min=0, max=LARGEST_AMOUNT, metadata=metadata, description=described)


class Subscriptions(Contract):
    """Which prices were agreed on, from when to when? One row per price period."""

    subscription_id = dy.String(primary_key=True, description="Price period")
    account_id = AccountId(of="staged_accounts")
    product_name = dy.String(nullable=True, description="Product")
    plan_tier = dy.String(nullable=True, description="Plan, lower case")
    mrr_amount = Money("Recurring amount per month: of the file, else computed from the amount and its interval")
    price_per_month = dy.Float64(
        nullable=True, metadata=REMEMBERED, description="The same, in the currency of the file; remembered load by load"
    )
    amount = Price("Price of all units for one interval")
    unit_amount = Price("Price of one unit for one interval")
    quantity = dy.Float64(nullable=True, min=0, metadata=DECIDES, description="Units of unit_amount; null = 1")
    discount_amount = Price("Discount on the price of one interval")
    interval = dy.String(
        nullable=True,
        metadata={"vocabulary": Vocabulary(tuple(INTERVALS), is_interval, computes="mrr_amount")},
        description="Interval of amount and unit_amount: day, week, month, quarter or year; null = unknown",
    )
    interval_count = dy.Int64(min=1, metadata=DECIDES, description="Number of intervals that the price pays for")
    start_date = Day("First day, of the trial where there is one", nullable=False, metadata={"available_from": True})
    end_date = Day("First unpaid day; null while it runs", metadata={"decides": True})
    status = dy.Enum(
        SUBSCRIPTION_STATUSES,
        nullable=True,
        description="As the file has it; never decides MRR",
        metadata=ON_LOAD_DAY | {"words": words.SUBSCRIPTION_STATUS},
    )
    trial_end_date = Day("First day after the trial; null = no trial, or its end is unknown")
    paused_at = Moment(
        "When a subscription that is paused or incomplete stopped paying; null = known since the load",
        metadata=ON_LOAD_DAY,
    )
    renewal_date = Day("Day on which it renews; remembered load by load", metadata=REMEMBERED)
    seats = Count("Seats paid for", nullable=True)
    currency = dy.String(description="Currency of the amounts in the file")
    updated_at = Moment("When the file's row last changed; null = not in the file", metadata=ON_LOAD_DAY)
    first_paid_date = Day("First paid day: the start, or the end of the trial; null = a trial whose end is unknown")

    @dy.rule()
    def interval__is_known(cls) -> pl.Expr:
        """Unknown words can be mapped: values: {interval: {<their word>: month}}."""
        return pl.col("interval").is_in(INTERVALS) | pl.col("mrr_amount").is_not_null()

    @dy.rule()
    def interval__given_with_amount(cls) -> pl.Expr:
        """A price that is not per month has a billing interval."""
        has_price = pl.col("amount").is_not_null() | pl.col("unit_amount").is_not_null()
        return pl.col("interval").is_not_null() | pl.col("mrr_amount").is_not_null() | ~has_price

    @dy.rule()
    def end_date__not_before_start(cls) -> pl.Expr:
        """No period ends before it starts."""
        return pl.col("end_date").is_null() | (pl.col("end_date") >= pl.col("start_date"))

    @dy.rule()
    def end_date__given_when_ended(cls) -> pl.Expr:
        """A period whose status says that it has ended has an end date."""
        return pl.col("end_date").is_not_null() | ~pl.col("status").is_in(ENDED).fill_null(False)


@staged(Subscriptions)
def staged_subscriptions(raw_subscriptions: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed price periods. The status decides whether there is a trial only where its end is unknown."""
    is_undated_trial = pl.col("status").eq_missing(pl.lit("trial")) & pl.col("trial_end_date").is_null()
    source = settings.sources.get("subscriptions")
    return (
        raw_subscriptions.pipe(parsed, Subscriptions, settings, "subscriptions")
        .with_columns(
            pl.col("plan_tier").str.to_lowercase(),
            currency=pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency),
            end_date=first_unpaid_day() if source and source.end_date_is == "last_paid_day" else pl.col("end_date"),
            first_paid_date=pl.when(~is_undated_trial).then(pl.max_horizontal("start_date", "trial_end_date")),
            **interval_word(),
        )
        .with_columns(price_per_month=monthly_price())
        .with_columns(mrr_amount=in_reporting_currency("price_per_month", settings))
    )


def first_unpaid_day() -> pl.Expr:
    """The day after the last paid one; an end before the start stays as it is, so that the row is quarantined."""
    end_date = pl.col("end_date")
    return pl.when(end_date >= pl.col("start_date")).then(end_date.dt.offset_by("1d")).otherwise(end_date)


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


@identity(of=staged_subscriptions, severity=WARN)
def mrr_amount__is_a_price_per_month(staged_subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """A price that the file gives as mrr_amount is not for another interval; map such a price to `amount` in the settings."""
    is_of_the_file = pl.col("amount").is_null() & pl.col("unit_amount").is_null()
    other_interval = (pl.col("interval") != "month") | (pl.col("interval_count") > 1)
    return staged_subscriptions.filter(is_of_the_file, other_interval)
