"""One account's score in detail, and all accounts under two scorecards."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from health_assets.reporting.explanation import Explained
from health_assets.reporting.formatting import number
from health_assets.reporting.reader import published, row, rows
from health_assets.scoring.scorecards import scored
from health_assets.settings import Settings


def reason_unscored(company: Settings, account_id: str, day: date) -> str:
    """Why an account has no score on a day."""
    with published(company) as connection:
        account = row(
            connection,
            """
            select signup_date, (
                select account_status from fact.account_revenue_daily where account_id = $1 and as_of_date = $2
            ) as account_status
            from dim.account where account_id = $1
            """,
            [account_id, day],
        )
    if account["signup_date"] > day:
        return f"it signed up on {account['signup_date']}"
    if account["account_status"] == "churned":
        return "it had churned"
    if account["account_status"] is None:
        return "its status on that day is unknown"
    return "no scorecard's `accounts` includes it"


def remarks(company: Settings, account_id: str, day: date, found: Explained) -> Iterator[str]:
    """Where the published score of a day differs from what the current settings give."""
    key = [account_id, day]
    with published(company) as connection:
        overrides = rows(
            connection,
            "select health_band, override_expiry_date, override_author, override_reason from mart.customer_health "
            "where account_id = ? and as_of_date = ? and is_overridden",
            key,
        )
        scores = rows(
            connection,
            "select scorecard, scorecard_version, health_score from mart.customer_health_daily "
            "where account_id = ? and as_of_date = ?",
            key,
        )
    for override in overrides:
        yield (
            f"The band is set by hand to {override['health_band']} until {override['override_expiry_date']}, "
            f"by {override['override_author']}: {override['override_reason']}"
        )
    if not overrides and not scores:
        yield "No score was published for this account and day: other scorecards were in use then"
    for score in scores:
        if not overrides and score["scorecard_version"] != found.version:
            shown = "no score" if score["health_score"] is None else number(score["health_score"], 2)
            yield (
                f"The published score is {shown}, by {score['scorecard']} version {score['scorecard_version']}: "
                "the settings have changed since"
            )


def compared(signals: pl.LazyFrame, company: Settings, a: str, b: str) -> pl.DataFrame:
    """Score and band of every account under two scorecards, most MRR first; null where one does not score it."""
    scores = [
        scored(signals, company.scorecards[name]).select(
            "account_id", pl.col("health_score").alias(f"score_{side}"), pl.col("health_band").alias(f"band_{side}")
        )
        for side, name in (("a", a), ("b", b))
    ]
    accounts = signals.select("account_id", "mrr", name=pl.coalesce("company_name", "account_id"))
    return (
        scores[0]
        .join(scores[1], on="account_id", how="full", coalesce=True, validate="1:1")
        .join(accounts, on="account_id", how="left", validate="1:1")
        .sort("mrr", "account_id", descending=[True, False], nulls_last=True)
        .collect()
    )
