"""On which days invoices are overdue or were paid late, and how paid months compare.

Recurring revenue from paid invoices belongs in scoring/invoiced_revenue.py.
"""

import polars as pl

from health_assets.contracts.expressions import ONCE, Period, safe_ratio
from health_assets.contracts.history import VALID_FROM, end_of_validity
from health_assets.scoring.recurring_revenue import sum_of

SETTLED = ["paid", "credited", "refunded"]
NOT_DUE = ["draft", "void"]
UNPAID = ["open", "overdue", "failed", "uncollectible"]


def overdue_days(staged_invoices: pl.LazyFrame, history_invoices: pl.LazyFrame) -> pl.LazyFrame:
    """The days on which each invoice is past due and unpaid: account_id, first_day, end_day, amount.

    An invoice that was settled without a date, or called off, is overdue only on the days on which a load showed it unpaid.
    """
    is_settled, is_not_due = (pl.col("status").is_in(words).fill_null(False) for words in (SETTLED, NOT_DUE))
    is_undated = is_not_due | (is_settled & pl.col("paid_date").is_null())
    due = staged_invoices.filter(pl.col("amount") > 0)
    first_day = pl.max_horizontal("invoice_date", pl.col("due_date").dt.offset_by("1d"))
    seen_unpaid = history_invoices.filter(pl.col("status").is_in(UNPAID)).select(
        "invoice_id", VALID_FROM, seen_until=end_of_validity()
    )
    dated = due.filter(~is_undated).select("account_id", "amount", first_day=first_day, end_day="paid_date")
    seen = due.filter(is_undated).join(seen_unpaid, on="invoice_id", how="inner", validate="1:m")
    remembered = seen.select(
        "account_id", "amount", first_day=pl.max_horizontal(first_day, VALID_FROM), end_day="seen_until"
    )
    return pl.concat([dated, remembered]).filter(
        pl.col("end_day").is_null() | (pl.col("end_day") > pl.col("first_day"))
    )


def late_payment_days(staged_invoices: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """The days on which each late payment counts: so many from the payment on."""
    is_due = (pl.col("amount") > 0) & ~pl.col("status").is_in(NOT_DUE).fill_null(False)
    return (
        staged_invoices.filter(is_due, pl.col("paid_date") > pl.col("due_date"))
        .select(
            "account_id",
            first_day=pl.max_horizontal("invoice_date", "paid_date"),
            end_day=pl.col("paid_date").dt.offset_by(f"{days}d"),
            size=ONCE,
        )
        .filter(pl.col("end_day") > pl.col("first_day"))
    )


def paid_month_changes(staged_invoices: pl.LazyFrame, history_invoices: pl.LazyFrame, period: Period) -> pl.LazyFrame:
    """The latest month with paid invoices against the paid month before it, as in NovaCRM's published score.

    Grain: account_id x `as_of_date` on which it changes; the days before the first load have none.
    """
    begins = pl.max_horizontal("invoice_date", VALID_FROM)
    paid = (
        history_invoices.filter(pl.col("status") == "paid")
        .join(staged_invoices.drop("status", "is_paid"), on="invoice_id", how="inner", validate="m:1")
        .select("account_id", "invoice_month", "amount", first_day=begins, end_day=end_of_validity())
    )
    changes = pl.concat(
        [paid.select("account_id", day="first_day"), paid.select("account_id", day="end_day").drop_nulls()]
    )
    is_paid_then = (pl.col("first_day") <= pl.col("day")) & (
        pl.col("end_day").is_null() | (pl.col("end_day") > pl.col("day"))
    )
    latest, before = pl.col("amount").last(), pl.col("amount").get(-2, null_on_oob=True)
    return (
        changes.filter(pl.col("day") <= period.last_day)
        .with_columns(pl.col("day").clip(lower_bound=period.first_day))
        .unique()
        .join(paid, on="account_id", how="inner", validate="m:m")
        .filter(is_paid_then)
        .group_by("account_id", "day", "invoice_month")
        .agg(sum_of(pl.col("amount")))
        .sort("account_id", "day", "invoice_month")
        .group_by("account_id", "day", maintain_order=True)
        .agg(
            paid_month_change_pct=pl.when(before.is_null())
            .then(100.0)
            .otherwise(100 * (safe_ratio(latest, before) - 1))
        )
        .rename({"day": "as_of_date"})
    )
