"""The catalogue: the features of the product on the as-of day, and which event shows the use of which feature.

The catalogue is the `features` source; without it the categories of the settings, if the feed has any of their events;
else the feed's own event names. Use of the features belongs in mart/engagement/feature_adoption.py.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import Counted, Distinct, counts_by_day
from health_assets.contracts.expressions import ONCE, Period
from health_assets.settings import Settings
from health_assets.tables import table

UNCATEGORISED = "other"
WINDOW = 90  # days of the feed that decide which catalogue holds, and whether the feed names users
CATALOGUES = ["features", "settings", "event_names"]
FEED = pl.lit("feed")


class Feature(Contract):
    """Which features does the product have? Empty without a catalogue and without events."""

    feature_name = dy.String(primary_key=True, description="Feature")
    event_name = dy.String(description="Event that shows its use, lower case")
    feature_category = dy.String(nullable=True, description="Category, lower case; null = none")
    is_core = dy.Bool(nullable=True, description="Every account should use it; null = unknown")
    catalogue = dy.Enum(
        CATALOGUES,
        description="Where the feature is from: the features source, engagement.event_categories of the settings, or the "
        "event names of 90 days",
    )
    is_measured = dy.Bool(
        description="Whether the feed ever had its event by the as-of day; if not, unused and not tracked look the same"
    )


@table(Feature)
def dim_feature(
    staged_features: pl.LazyFrame, fact_event_daily: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """The catalogue of the as-of day."""
    feed = fact_event_daily.filter(pl.col("activity_date") <= as_of)
    of_day = catalogue_by_day(fact_event_daily, staged_features, settings, Period(as_of, as_of))
    uses_event_names = of_day.select("uses_event_names")
    by_source = staged_features.select(
        "feature_name",
        "event_name",
        "is_core",
        category=_category_or_none("feature_category"),
        catalogue=pl.lit("features"),
    )
    by_settings = _features_of_settings(staged_features, settings).with_columns(catalogue=pl.lit("settings"))
    by_name = (
        feed.filter(pl.col("activity_date") > as_of - timedelta(days=WINDOW))
        .select("event_name", feature_name="event_name", category="event_name", catalogue=pl.lit("event_names"))
        .unique()
    )
    declared = pl.concat([by_source, by_settings], how="diagonal").join(uses_event_names, how="cross")
    undeclared = by_name.join(uses_event_names, how="cross")
    shows_one = pl.col("feature_name") == pl.col("feature_name").min().over("event_name")
    return (
        pl.concat([declared.filter(~pl.col("uses_event_names")), undeclared.filter("uses_event_names")], how="diagonal")
        .join(feed.select("event_name", is_seen=pl.lit(True)).unique(), on="event_name", how="left", validate="m:1")
        .with_columns(
            is_measured=pl.col("is_seen").fill_null(False) & shows_one,
            catalogue=pl.col("catalogue").cast(pl.Enum(CATALOGUES)),
            feature_category="category",
        )
        .sort("feature_name")
        .select(Feature.column_names())
    )


def event_features(staged_features: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """The declared catalogue by event: that of the features source, without one that of the settings.

    Grain: event_name; feature_name, and category (null = none).
    """
    by_source = (
        staged_features.sort("feature_name")
        .unique("event_name", keep="first", maintain_order=True)
        .select("event_name", "feature_name", category=_category_or_none("feature_category"))
    )
    return pl.concat([by_source, _features_of_settings(staged_features, settings)])


def _features_of_settings(staged_features: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """The events of `engagement.event_categories`, each a feature; empty where the features source has rows."""
    categories = settings.engagement.event_categories
    return (
        pl.LazyFrame(
            {"category": list(categories), "event_name": list(categories.values())},
            schema={"category": pl.String, "event_name": pl.List(pl.String)},
        )
        .explode("event_name", empty_as_null=False, keep_nulls=False)
        .select("event_name", feature_name="event_name", category=_category_or_none("category"))
        .join(staged_features.select(has_source=pl.len() > 0), how="cross")
        .filter(~pl.col("has_source"))
        .drop("has_source")
    )


def catalogue_by_day(
    fact_event_daily: pl.LazyFrame, staged_features: pl.LazyFrame, settings: Settings, period: Period
) -> pl.LazyFrame:
    """What a measure of adoption is divided by on each day of a period, from the events of the whole feed up to it.

    Columns: day; uses_event_names (the catalogue is the feed's own event names); feature_total and category_total (of the
    catalogue, those that the feed ever had an event of); has_user_ids (an event of 90 days names a user).
    """
    feed = (
        fact_event_daily.select("event_name", "user_event_count", activity_date="activity_date", feed=FEED)
        .join(event_features(staged_features, settings), on="event_name", how="left", validate="m:1")
        .with_columns(
            declared=pl.when(pl.col("feature_name").is_not_null()).then("feed"),
            naming_users=pl.when(pl.col("user_event_count") > 0).then("feed"),
        )
    )
    counted: dict[str, pl.LazyFrame | Counted] = {
        "declared_features": _since_first_seen(feed, "feature_name"),
        "declared_categories": _since_first_seen(feed, "category"),
        "event_names": Distinct(feed, "event_name", "activity_date", WINDOW),
        "has_declared": Distinct(feed, "declared", "activity_date", WINDOW),
        "has_user_ids": Distinct(feed, "naming_users", "activity_date", WINDOW),
    }
    uses_event_names = ~pl.col("has_source") & (pl.col("has_declared") == 0)
    own = pl.when("uses_event_names").then("event_names")
    return (
        counts_by_day(
            pl.LazyFrame({"feed": ["feed"], "since": [period.first_day]}), "since", counted, period, key="feed"
        )
        .join(staged_features.select(has_source=pl.len() > 0), how="cross")
        .with_columns(uses_event_names=uses_event_names, has_user_ids=pl.col("has_user_ids") > 0)
        .select(
            "day",
            "uses_event_names",
            "has_user_ids",
            feature_total=own.otherwise("declared_features"),
            category_total=own.otherwise("declared_categories"),
        )
    )


def with_features(rows: pl.LazyFrame, features: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with an `event_name`, and the feature_name and category of the declared catalogue (null = none)."""
    return rows.join(features, on="event_name", how="left", validate="m:1").with_columns(
        pl.coalesce("feature_name", "event_name").alias("feature_name")
    )


def _since_first_seen(feed: pl.LazyFrame, thing: str) -> pl.LazyFrame:
    """Each thing from the day of its first event on."""
    first_days = feed.filter(pl.col(thing).is_not_null()).group_by(thing).agg(first_day=pl.col("activity_date").min())
    return first_days.select("first_day", feed=FEED, end_day=pl.lit(None, pl.Date), size=ONCE)


def _category_or_none(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != UNCATEGORISED).then(column)
