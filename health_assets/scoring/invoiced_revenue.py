"""Recurring revenue of a company without subscription data: from the invoices that were paid, by `revenue.basis`.

Revenue by contract, and whatever is common to both, belongs in scoring/recurring_revenue.py.
"""

from datetime import date

import polars as pl

from health_assets.contracts.expressions import DECIMALS_OF_MONEY, days_between, month_of, month_offset
from health_assets.settings.sections import Revenue

DAYS_OF_A_MONTH = 30.4375  # 365.25 / 12


def invoiced_periods(staged_invoices: pl.LazyFrame, revenue: Revenue, as_of: date, *, as_known: bool) -> pl.LazyFrame:
    """Periods of constant recurring revenue, those of an account one after the other; see `paid_periods`."""
    covered = _covered_days(staged_invoices, revenue, as_of)
    known = covered.with_columns(first_day=pl.max_horizontal("first_day", "known_date"))
    periods = _with_gaps_filled(known if as_known else _without_prorations(covered), revenue.allowed_gap_months)
    return periods.filter(pl.col("start_date") <= as_of)


def _covered_days(staged_invoices: pl.LazyFrame, revenue: Revenue, as_of: date) -> pl.LazyFrame:
    """The days that each paid invoice pays for, and the amount that this makes a month.

    An invoice for whole months is divided by them, any other by its days. Without a period it pays for the month of the
    invoice, with a period of one day for `revenue.one_day_period_months` from then on. A credit note pays for nothing.

    Columns: account_id, first_day, end_day (first unpaid day), known_date, mrr.
    """
    start, end, day_after = pl.col("period_start"), pl.col("period_end"), pl.col("period_end").dt.offset_by("1d")
    known_date = pl.coalesce("paid_date", "invoice_date")
    has_period = start.is_not_null() & (end.is_null() | (end >= start))
    first_day = pl.when(has_period).then(start).otherwise(month_of(pl.col("invoice_date")))
    months = (
        pl.when(has_period & (end > start))
        .then(_whole_months(start, end))
        .when(has_period)
        .then(revenue.one_day_period_months)
        .otherwise(1)
    )
    is_by_months = pl.col("months").is_not_null() & ~_is_billed_by_days()
    by_months, by_days = pl.col("amount") / pl.col("months"), pl.col("amount") * DAYS_OF_A_MONTH / pl.col("days")
    return (
        staged_invoices.filter("is_paid", pl.col("amount") > 0, known_date <= as_of, pl.col("invoice_date") <= as_of)
        .with_columns(known_date=known_date, first_day=first_day, months=months, days=days_between(start, day_after))
        .filter(pl.col("first_day") <= as_of)
        .select(
            "account_id",
            "first_day",
            "known_date",
            end_day=pl.when(is_by_months)
            .then(_months_after(pl.col("first_day"), pl.col("months")))
            .otherwise(day_after),
            mrr=pl.when(is_by_months).then(by_months).otherwise(by_days).round(DECIMALS_OF_MONEY),
        )
    )


def _whole_months(start: pl.Expr, end: pl.Expr) -> pl.Expr:
    """Months from a first day to a last day, or to the day after the last as Stripe writes it; null where they are not whole."""
    day_after = end.dt.offset_by("1d")
    if_inclusive, if_exclusive = month_offset(start, day_after), month_offset(start, end)
    return (
        pl.when(_months_after(start, if_inclusive) == day_after)
        .then(if_inclusive)
        .when(_months_after(start, if_exclusive) == end)
        .then(if_exclusive)
    )


def _is_billed_by_days() -> pl.Expr:
    """Whether all periods of an account so far have the same number of days and not all are whole months: every 30 days."""
    days, order = pl.col("days"), ["known_date", "first_day", "invoice_id"]
    is_same = days.cum_min().over("account_id", order_by=order) == days.cum_max().over("account_id", order_by=order)
    was_by_days = pl.col("months").is_null().cum_max().over("account_id", order_by=order)
    return (is_same & was_by_days & (days > 1)).fill_null(False)


def _months_after(day: pl.Expr, months: pl.Expr) -> pl.Expr:
    return day.dt.offset_by(pl.format("{}mo", months))


def _without_prorations(covered: pl.LazyFrame) -> pl.LazyFrame:
    """A catch-up for the period before, added to the first invoice of a new price, is no revenue of a month.

    It shows as one amount beyond the new price, by no more than the prices differ, between two prices that are constant as
    far as they are known.
    """
    amount, order = pl.col("mrr"), ["first_day", "end_day"]

    def neighbour(column: str, places: int) -> pl.Expr:
        return pl.col(column).shift(places).over("account_id", order_by=order)

    before, after = neighbour("mrr", 1), neighbour("mrr", -1)
    follows_at_once = (neighbour("end_day", 1) == pl.col("first_day")) & (
        pl.col("end_day") == neighbour("first_day", -1)
    )
    is_constant = (neighbour("mrr", 2).fill_null(before) == before) & (neighbour("mrr", -2).fill_null(after) == after)
    beyond, change = amount - after, after - before
    is_proration = follows_at_once & is_constant & (beyond * change > 0) & (beyond.abs() <= change.abs())
    return (
        covered.group_by("account_id", "first_day", "end_day")
        .agg(amount.sum().round(DECIMALS_OF_MONEY))
        .with_columns(mrr=pl.when(is_proration).then(after).otherwise(amount))
    )


def _with_gaps_filled(covered: pl.LazyFrame, allowed_gap_months: int) -> pl.LazyFrame:
    """The sum on each day; on unpaid days the last sum is kept until the gap is longer than allowed.

    An invoice that became known only after its last day counts in the gap that follows it.
    """
    gap_end = pl.col("end_day").dt.offset_by(f"{allowed_gap_months}mo")
    is_late = pl.col("first_day") >= pl.col("end_day")
    on_time, late = covered.filter(~is_late), covered.filter(is_late, pl.col("first_day") < gap_end)
    changes = pl.concat(
        [
            on_time.select("account_id", day="first_day", change="mrr"),
            on_time.select("account_id", day="end_day", change=-pl.col("mrr"), gap_end=gap_end),
            late.select("account_id", day="first_day", late_mrr="mrr", gap_end=gap_end),
        ],
        how="diagonal",
    )
    total = pl.col("change").cum_sum().over("account_id", order_by="day").round(DECIMALS_OF_MONEY)
    is_covered, next_day = pl.col("total") > 0, pl.col("day").shift(-1).over("account_id", order_by="day")
    last_known = pl.when(is_covered).then("total").when(pl.col("late_mrr") > 0).then("late_mrr")
    return (
        changes.group_by("account_id", "day")
        .agg(pl.col("change", "late_mrr").sum(), pl.col("gap_end").max())
        .with_columns(total=total)
        .with_columns(
            mrr=last_known.forward_fill().over("account_id", order_by="day"),
            end_date=pl.when(is_covered).then(next_day).otherwise(pl.min_horizontal(next_day, "gap_end")),
        )
        .filter(pl.col("end_date") > pl.col("day"))
        .select("account_id", "end_date", "mrr", start_date="day")
    )
