"""Metrics of a company's own, parsed: one number per account, day and metric."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

TRUTHS = {"true": "1", "yes": "1", "false": "0", "no": "0"}


class AccountMetrics(Contract):
    """What else does the company know of its accounts?"""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    as_of_date = Day(
        "Day from which the value holds, until the next one", primary_key=True, nullable=False,
        metadata={"available_from": True},
    )  # fmt: skip
    metric = dy.String(primary_key=True, description="Name of the metric, lower case, with _ for blanks and hyphens")
    value = dy.Float64(description="Value; true and yes are 1, false and no 0")


@staged(AccountMetrics)
def staged_account_metrics(raw_account_metrics: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed metrics."""
    given = pl.col("value").cast(pl.String)
    words = given.str.strip_chars().str.to_lowercase()
    return (
        raw_account_metrics.with_columns(value=words.replace_strict(TRUTHS, default=given, return_dtype=pl.String))
        .pipe(parsed, AccountMetrics, settings, "account_metrics")
        .with_columns(pl.col("metric").str.to_lowercase().str.replace_all(r"[\s-]+", "_"))
    )
