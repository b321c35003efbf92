"""How close the customer success team was to each account on each day: the last touchpoint, the owner's own rating.

Touchpoints one by one belong in fact/touchpoints.py, other metrics of the company's own in fact/account_metrics.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import ONCE, Period, days_between
from health_assets.settings import Settings
from health_assets.sources.freshness import with_freshness
from health_assets.tables import table

QUARTER = 90
OWNER_RATING = "owner_rating"  # the name of the metric in the source account_metrics
OF_TOUCHPOINTS = ["touchpoint_count_90d", "days_since_last_touchpoint"]


class AccountRelationshipDaily(Contract):
    """When was the last contact with each account, and what does its owner think of it?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    touchpoint_count_90d = Count(
        "Touchpoints in 90 days; null = touchpoints are not connected, or stale", nullable=True
    )
    days_since_last_touchpoint = Count(
        "Days since the latest touchpoint; null = none yet, or touchpoints are not connected, or stale", nullable=True
    )
    owner_rating = dy.Float64(
        nullable=True,
        description="The owner's own rating of the account: the latest `owner_rating` of account_metrics; null = none yet",
    )


@table(
    AccountRelationshipDaily,
    monthly=True,
    settings_sections=("stale_after_days",),
    fed_by=("staged_touchpoints", "staged_account_metrics"),
)
def fact_account_relationship_daily(
    staged_accounts: pl.LazyFrame,
    staged_touchpoints: pl.LazyFrame,
    staged_account_metrics: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day, from its signup on, on days on which either source has begun and is not stale."""
    occurred, rating = pl.col("occurred_date"), pl.col("owner_rating")
    ratings = staged_account_metrics.filter(pl.col("metric") == OWNER_RATING)
    counted = {
        "touchpoint_count_90d": staged_touchpoints.select(
            "account_id", first_day=occurred, end_day=occurred.dt.offset_by(f"{QUARTER}d"), size=ONCE
        )
    }
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .rename({"day": "as_of_date"})
        .pipe(with_freshness, "as_of_date", "touchpoints", staged_touchpoints, "occurred_date", settings)
        .pipe(with_freshness, "as_of_date", "account_metrics", ratings, "as_of_date", settings)
        .filter(pl.col("has_touchpoints") | pl.col("has_account_metrics"))
        .pipe(
            _with_latest, staged_touchpoints.select("account_id", day=occurred, last_touchpoint_date=occurred).unique()
        )
        .pipe(_with_latest, ratings.select("account_id", day="as_of_date", owner_rating="value"))
        .with_columns(days_since_last_touchpoint=days_between(pl.col("last_touchpoint_date"), pl.col("as_of_date")))
        .with_columns(
            pl.when("has_touchpoints").then(pl.col(OF_TOUCHPOINTS)),
            owner_rating=pl.when("has_account_metrics").then(rating),
        )
        .select(AccountRelationshipDaily.column_names())
    )


def _with_latest(panel: pl.LazyFrame, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Each account and day with the account's latest row (of its `day`) by then; the days of each are in order."""
    return panel.join_asof(
        rows.sort("day", "account_id"),
        left_on="as_of_date",
        right_on="day",
        by="account_id",
        check_sortedness=False,
    ).drop("day", strict=False)
