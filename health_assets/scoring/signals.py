"""The signals of accounts by day, brought together from the tables that have them, and since when each is measured.

What a scorecard makes of them is in scoring/scorecards.py, what churn risk makes of them in scoring/risk_factors.py.
"""

from collections.abc import Iterable
from datetime import date

import polars as pl

SIGNAL_KEY = ["account_id", "as_of_date"]
DAYS_APART = 2**22  # more than there are days in the calendar


def account_days(accounts: pl.LazyFrame, first: date, last: date) -> pl.LazyFrame:
    """Each account on each day of a span, from its signup on. Grain: account_id x as_of_date, in the order of the accounts."""
    days = pl.LazyFrame({"as_of_date": pl.date_range(first, last, eager=True)})
    return (
        accounts.select("account_id", "signup_date")
        .join(days, how="cross", maintain_order="left_right")
        .filter(pl.col("as_of_date") >= pl.col("signup_date"))
        .select(SIGNAL_KEY)
    )


def joined_signals(panel: pl.LazyFrame, *signals: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of the panel, in its order, with the columns of each account x day table added.

    Null where a table has no row of the account and day: not measured. Each metric is in one table only.
    """
    panel = panel.with_columns(_place=signal_place())
    for signal in signals:
        numbered = signal.with_columns(_place=signal_place()).drop(SIGNAL_KEY)
        panel = panel.join(numbered, on="_place", how="left", validate="1:1", maintain_order="left")
    return panel.drop("_place")


def signal_place() -> pl.Expr:
    """Account and day as one number, by account, then day: it is joined and sorted several times as fast as both."""
    account, day = pl.col("account_id").cast(pl.Categorical).to_physical(), pl.col("as_of_date").to_physical()
    return account.cast(pl.Int64) * DAYS_APART + day


def with_missing_as_null(signals: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The signals with a null column for each name that no table has: not measured."""
    given = signals.collect_schema().names()
    absent = sorted(set(names) - set(given))
    return signals.with_columns(pl.lit(None, pl.Float64).alias(name) for name in absent)


def with_connections(rows: pl.LazyFrame, measured_signals: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The rows with the first day on which each named signal was measured for any account, null = not yet.

    Args:
        rows: with as_of_date.
        measured_signals: fact_measured_signals.
        names: of the signals.
    """
    days = [
        pl.col("first_date").filter(pl.col("signal") == name).min().alias(since_column(name)) for name in sorted(names)
    ]
    return rows.join(measured_signals.select(days), how="cross", maintain_order="left") if days else rows


def since_column(metric: str) -> str:
    """The column of the first day on which a signal was measured."""
    return f"{metric}.since"
