"""What an account pays, and from when to when.

The single definition behind every MRR (contracts, paid invoices or the CRM) and every spend (orders).

Facts turn these periods into months and days; what a movement is, and retention, do not belong here.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from health_assets.contracts.expressions import DECIMALS_OF_MONEY, month_of
from health_assets.scoring.invoiced_revenue import invoiced_periods
from health_assets.scoring.order_amounts import net_amount
from health_assets.settings import Settings


def without_dust(amount: str) -> pl.Expr:
    """A running sum of money without the rounding errors of floats; + 0 turns -0 into 0."""
    return pl.col(amount).round(DECIMALS_OF_MONEY) + 0.0


def paid_periods(
    subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    *,
    as_known: bool = False,
) -> pl.LazyFrame:
    """Periods of constant recurring revenue without trials; where periods of an account overlap, they add up.

    Args:
        subscriptions: as `price_periods` returns them, for the basis `contract`.
        staged_invoices: invoices, for the basis `paid_invoices`.
        settings: with `revenue`.
        as_of: what begins or was paid later does not count.
        as_known: a period begins on the day on which it became known, as tables by day need it: that of the payment.

    Columns: account_id, start_date, end_date (first unpaid day; null while it runs), mrr (above 0, in the reporting
    currency).
    """
    if settings.revenue.basis == "paid_invoices":
        return invoiced_periods(staged_invoices, settings.revenue, as_of, as_known=as_known)
    return subscriptions.filter(is_ever_paid(), pl.col("first_paid_date") <= as_of).select(
        "account_id", "end_date", start_date="first_paid_date", mrr="mrr_amount"
    )


def is_paid_on(day: date | pl.Expr) -> pl.Expr:
    """Whether a subscription is paid for on a day; null (in a filter: no) for a trial whose end is unknown."""
    has_begun = pl.col("first_paid_date") <= day
    return (pl.col("mrr_amount") > 0) & has_begun & (pl.col("end_date").is_null() | (pl.col("end_date") > day))


def is_ever_paid() -> pl.Expr:
    """Whether a subscription has paid days: from `first_paid_date` on, to the day before `end_date`."""
    return is_paid_on(pl.col("first_paid_date"))


def account_status(has_paid: pl.Expr) -> pl.Expr:
    """Status on a day: active while `mrr` is above 0, churned once it `has_paid`, else `crm_status`; null = unknown."""
    is_paying = pl.col("mrr") > 0
    before_paying = pl.when(has_paid).then(pl.lit("churned")).otherwise(pl.col("crm_status").cast(pl.String))
    return pl.when(is_paying).then(pl.lit("active")).otherwise(before_paying)


def has_revenue_history(
    staged_subscriptions: pl.LazyFrame, staged_invoices: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """One row: whether the source of `revenue.basis` has rows; then an account without rows is known to pay 0."""
    since = revenue_history_since(staged_subscriptions, staged_invoices, settings)
    return since.select(has_revenue_history=pl.col("revenue_history_since").is_not_null())


def revenue_history_since(
    staged_subscriptions: pl.LazyFrame, staged_invoices: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """One row: the first day of the source of `revenue.basis`; null where it has no rows."""
    if settings.revenue.basis == "paid_invoices":
        return staged_invoices.select(revenue_history_since=pl.col("invoice_date").min())
    return staged_subscriptions.select(revenue_history_since=pl.col("start_date").min())


def sum_of(amount: pl.Expr) -> pl.Expr:
    """A sum of money, added as integers so that the order of the rows does not matter; 0 without an amount."""
    units = float(10**DECIMALS_OF_MONEY)
    in_units = (amount * units).round().cast(pl.Int128)
    return (in_units.sum().cast(pl.Float64) / units).round(DECIMALS_OF_MONEY)


def spend() -> pl.Expr:
    """Net spend of some rows of staged.orders: orders less refunds."""
    return sum_of(net_amount())


def month_end_mrr(periods: pl.LazyFrame, as_of: date, key: Sequence[str] = ("account_id",)) -> pl.LazyFrame:
    """MRR on the measure day min(month end, as-of day) of each month in which an account pays then.

    Grain: key x month; months in which nothing is paid on the measure day have no row.
    """
    last_month = pl.min_horizontal(pl.col("end_date"), pl.lit(as_of)).dt.truncate("1mo")
    return (
        periods.with_columns(month=pl.date_ranges(month_of(pl.col("start_date")), last_month, "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
        .with_columns(measure_day=pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(as_of)))
        .filter(
            pl.col("start_date") <= pl.col("measure_day"),
            pl.col("end_date").is_null() | (pl.col("end_date") > pl.col("measure_day")),
        )
        .group_by(*key, "month")
        .agg(sum_of(pl.col("mrr")))
    )


def came_and_went(periods: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Accounts that paid on some day of a month, but neither on its measure day nor on that of the month before.

    Grain: account_id x month; `came_and_went_mrr` is the MRR of the day on which the account paid most.
    """
    measure_day = pl.min_horizontal(pl.col("start_date").dt.month_end(), pl.lit(as_of))
    within_a_month = periods.filter(pl.col("end_date") <= measure_day).with_columns(
        month=month_of(pl.col("start_date"))
    )
    paying = month_end_mrr(periods, as_of).select("account_id", "month")
    pays_or_paid = pl.concat([paying, paying.with_columns(pl.col("month").dt.offset_by("1mo"))])
    return (
        within_a_month.select("account_id", "month", day="start_date")
        .unique()
        .join(pays_or_paid, on=["account_id", "month"], how="anti")
        .join(within_a_month, on=["account_id", "month"], how="inner", validate="m:m")
        .filter(pl.col("start_date") <= pl.col("day"), pl.col("end_date") > pl.col("day"))
        .group_by("account_id", "month", "day")
        .agg(came_and_went_mrr=sum_of(pl.col("mrr")))
        .group_by("account_id", "month")
        .agg(pl.col("came_and_went_mrr").max())
    )


def running_total(steps: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """The level of a stock from each day of change until the next.

    Args:
        steps: account_id, first_day, end_day (first day that no longer counts; null = never ends), size.
        name: name of the resulting column.

    Grain: account_id x day of change, sorted by day as `join_asof` needs it.
    """
    return (
        pl.concat(
            [
                steps.select("account_id", day="first_day", change="size"),
                steps.select("account_id", day="end_day", change=-pl.col("size")).drop_nulls("day"),
            ]
        )
        .group_by("account_id", "day")
        .agg(pl.col("change").sum())
        .sort("account_id", "day")
        .select("account_id", "day", pl.col("change").cum_sum().round(DECIMALS_OF_MONEY).over("account_id").alias(name))
        .sort("day", "account_id")
    )
