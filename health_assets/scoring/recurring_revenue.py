"""What an account pays, and from when to when.

The single definition behind every MRR (contracts, paid invoices or the CRM) and every spend (orders).

Facts turn these periods into months and days; what a movement is, and retention, do not belong here.
"""

from datetime import date

import polars as pl

from health_assets.contracts.expressions import month_of
from health_assets.scoring.order_amounts import net_amount
from health_assets.settings import Settings

DECIMALS_OF_MONEY = 6  # rounding errors of sums and exchange rates must not become an expansion
DAYS_OF_A_MONTH = 30.4375


def without_dust(amount: str) -> pl.Expr:
    """A running sum of money without the rounding errors of floats; + 0 turns -0 into 0."""
    return pl.col(amount).round(DECIMALS_OF_MONEY) + 0.0


def paid_periods(
    staged_subscriptions: pl.LazyFrame, staged_invoices: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """Periods of constant recurring revenue without trials; where periods of an account overlap, they add up.

    Columns: account_id, start_date, end_date (first unpaid day; null while it runs), known_date and known_end_date (the
    days from which its start and its end are known), mrr (above 0, in the reporting currency).
    """
    if settings.revenue.basis == "paid_invoices":
        return _periods_of_invoices(staged_invoices, settings.revenue.allowed_gap_months, as_of)
    return staged_subscriptions.filter(is_ever_paid(), pl.col("first_paid_date") <= as_of).select(
        "account_id",
        "end_date",
        start_date="first_paid_date",
        known_date="first_paid_date",
        known_end_date="end_date",
        mrr="mrr_amount",
    )


def is_paid_on(day: date | pl.Expr) -> pl.Expr:
    """Whether a subscription is paid for on a day; null (in a filter: no) for a trial whose end is not known."""
    has_begun = pl.col("first_paid_date") <= day
    return (pl.col("mrr_amount") > 0) & has_begun & (pl.col("end_date").is_null() | (pl.col("end_date") > day))


def is_ever_paid() -> pl.Expr:
    """Whether a subscription has paid days: from `first_paid_date` on, to the day before `end_date`."""
    return is_paid_on(pl.col("first_paid_date"))


def account_status(has_paid: pl.Expr) -> pl.Expr:
    """Status on a day: active while `mrr` is above 0, churned once it `has_paid`, else `crm_status`; null = not known."""
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
    """A sum of money that does not depend on the order of the rows."""
    return amount.sum().round(DECIMALS_OF_MONEY)


def spend() -> pl.Expr:
    """Net spend of some rows of staged.orders: orders less refunds."""
    return sum_of(net_amount())


def month_end_mrr(periods: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """MRR on the measure day min(month end, as-of day) of each month in which an account pays then.

    Grain: account_id x month; months in which nothing is paid on the measure day have no row.
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
        .group_by("account_id", "month")
        .agg(sum_of(pl.col("mrr")))
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


def _periods_of_invoices(staged_invoices: pl.LazyFrame, allowed_gap_months: int, as_of: date) -> pl.LazyFrame:
    """Whole months: an invoice is spread over the months it pays for, and the last MRR is kept through a short gap."""
    days = (pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    months = (days / DAYS_OF_A_MONTH).round().clip(1).fill_null(1).cast(pl.Int64)
    first_month = month_of(pl.coalesce("period_start", "invoice_date"))
    paid_on = pl.coalesce("paid_date", "invoice_date")
    lasts_until = pl.col("month").dt.offset_by(f"{1 + allowed_gap_months}mo")

    def following(day: str) -> pl.Expr:
        return pl.col(day).shift(-1).over("account_id", order_by="month")

    return (
        staged_invoices.filter(pl.col("is_paid"), paid_on <= as_of, pl.col("invoice_date") <= as_of)
        .select("account_id", first_month=first_month, months=months, known_date=paid_on, mrr=pl.col("amount") / months)
        .with_columns(month=pl.int_ranges(0, pl.col("months")))
        .explode("month", empty_as_null=False, keep_nulls=False)
        .with_columns(month=pl.col("first_month").dt.offset_by(pl.format("{}mo", "month")))
        .group_by("account_id", "month")
        .agg(pl.col("mrr").sum(), pl.col("known_date").min())
        .filter(pl.col("mrr") > 0, pl.col("month") <= as_of)
        .with_columns(known_date=pl.max_horizontal("month", "known_date"), lasts_until=lasts_until)
        .select(
            "account_id",
            "known_date",
            start_date="month",
            end_date=pl.min_horizontal(following("month"), "lasts_until"),
            known_end_date=pl.min_horizontal(following("known_date"), "lasts_until"),
            mrr="mrr",
        )
    )
