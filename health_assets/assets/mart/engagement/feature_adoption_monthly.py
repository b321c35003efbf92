"""Adoption of each feature by month: across all active accounts and by segment.

The 30 days up to the as-of day are in feature_adoption.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.breakdowns import ALL, by_part, unequal_parts
from health_assets.contracts.columns import Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_of, on_any_of, percent
from health_assets.contracts.months import measure_days
from health_assets.settings import Settings
from health_assets.tables import identity, table

DIMENSIONS = [ALL, "segment"]
GROUP = ["month", "dimension_type", "dimension_value"]
KEY = [*GROUP, "feature_name"]
ACTIVE = "active"
PERCENT = 100.0


class FeatureAdoptionMonthly(Contract):
    """Is the adoption of each feature growing, and in which segment?

    A feature has rows from the month of its first event in the feed on, for each group with active accounts. Segments are
    today's.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    feature_name = dy.String(primary_key=True, description="Feature")
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="all or segment")
    dimension_value = dy.String(primary_key=True, description="all, or the segment")
    feature_category = dy.String(nullable=True, description="Category in the catalogue of the as-of day; null = none")
    active_account_count = Count("Accounts active at the end of the month, for the current one on the as-of day")
    account_count = Count(
        "Of these, accounts with an event of the feature; null = no events in the month", nullable=True
    )
    event_count = Count("Events of the feature in these accounts; null as account_count", nullable=True)
    adoption_pct = Pct("account_count / active_account_count; null also in a partial month")
    adoption_change_points = dy.Float64(
        nullable=True,
        min=-PERCENT,
        max=PERCENT,
        description="adoption_pct less that of the month before, in percentage points; null where either is null",
    )
    is_partial = dy.Bool(description="The current month, unless the as-of day is its last")


@table(FeatureAdoptionMonthly, fed_by=("fact_account_feature_monthly",))
def mart_feature_adoption_monthly(
    fact_account_feature_monthly: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    dim_feature: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per month, group with active accounts and feature seen by then."""
    days = measure_days(settings.history_start, as_of)
    active = (
        fact_account_revenue_daily.filter(on_any_of(pl.col("as_of_date"), days))
        .filter(pl.col("account_status") == ACTIVE)
        .select("account_id", month=month_of(pl.col("as_of_date")))
        .join(dim_account.select("account_id", "segment"), on="account_id", how="inner", validate="m:1")
        .cache()  # the history is read once for the grid and the use
    )
    is_partial = (pl.col("month").dt.month_end() > as_of).alias("is_partial")
    return (
        _grid(by_part(active, DIMENSIONS), fact_account_feature_monthly)
        .join(_used(active, fact_account_feature_monthly), on=KEY, how="left", validate="1:1")
        .join(dim_feature.select("feature_name", "feature_category"), on="feature_name", how="left", validate="m:1")
        .with_columns(is_partial, pl.when("is_measured").then(pl.col("account_count", "event_count").fill_null(0)))
        .with_columns(
            adoption_pct=pl.when(~pl.col("is_partial")).then(
                percent(pl.col("account_count"), pl.col("active_account_count"))
            )
        )
        .with_columns(adoption_change_points=pl.col("adoption_pct") - _of_month_before("adoption_pct"))
        .sort(KEY)
        .select(FeatureAdoptionMonthly.column_names())
    )


def _grid(active: pl.LazyFrame, usage: pl.LazyFrame) -> pl.LazyFrame:
    """Groups by month with their active accounts, for each feature whose first event came by then."""
    first_months = usage.group_by("feature_name").agg(first_month=pl.col("month").min())
    return (
        active.group_by(GROUP)
        .agg(active_account_count=pl.len().cast(pl.Int64))
        .join(usage.select("month", is_measured=pl.lit(True)).unique(), on="month", how="left", validate="m:1")
        .join(first_months, how="cross")
        .filter(pl.col("month") >= pl.col("first_month"))
    )


def _used(active: pl.LazyFrame, usage: pl.LazyFrame) -> pl.LazyFrame:
    """Active accounts of each group that used each feature in the month, and their events."""
    rows = usage.join(active, on=["account_id", "month"], how="inner", validate="m:1")
    return (
        by_part(rows, DIMENSIONS)
        .group_by(KEY)
        .agg(account_count=pl.len().cast(pl.Int64), event_count=pl.col("event_count").sum())
    )


def _of_month_before(column: str) -> pl.Expr:
    """The value of the same feature and group in the month before; null where there is no row."""
    series = ["dimension_type", "dimension_value", "feature_name"]
    previous_month = pl.col("month").shift(1).over(series, order_by="month")
    is_adjacent = previous_month == pl.col("month").dt.offset_by("-1mo")
    return pl.when(is_adjacent).then(pl.col(column).shift(1).over(series, order_by="month"))


@identity(of=mart_feature_adoption_monthly)
def counts__of_all_segments_are_those_of_all(mart_feature_adoption_monthly: pl.LazyFrame) -> pl.LazyFrame:
    """In each month the accounts and events of a feature in the segments add up to those in all accounts."""
    return unequal_parts(
        mart_feature_adoption_monthly,
        ["month", "feature_name"],
        ["active_account_count", "account_count", "event_count"],
    )
