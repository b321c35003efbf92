"""A company's own metrics (the source account_metrics) as signals, under their names.

Any measure, risk factor or rule set may name them; the company decides what they mean.
"""

from collections.abc import Iterable

import polars as pl


def with_own_metrics(rows: pl.LazyFrame, fact_account_metrics: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """The rows with a column for each name that they lack: the account's latest value by the day, null = none yet.

    Args:
        rows: with account_id and as_of_date.
        fact_account_metrics: account_id, as_of_date, metric, value.
        names: of the signals that are needed.
    """
    given = set(rows.collect_schema().names())
    wanted = sorted(set(names) - given)
    if not wanted:
        return rows
    rows = rows.sort("as_of_date", "account_id")
    for name in wanted:
        values = (
            fact_account_metrics.filter(pl.col("metric") == name)
            .select("account_id", "as_of_date", pl.col("value").alias(name))
            .sort("as_of_date", "account_id")
        )
        rows = rows.join_asof(values, on="as_of_date", by="account_id", check_sortedness=False)  # both just sorted
    return rows
