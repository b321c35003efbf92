"""The features of the product, and which event is a use of which feature.

Who uses them belongs in mart/engagement/feature_adoption.py.
"""

import dataframely as dy
import polars as pl

from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.tables import table

UNCATEGORISED = "other"


class Feature(Contract):
    """Which features does the product have? Empty without a catalogue."""

    feature_name = dy.String(primary_key=True, description="Feature")
    event_name = dy.String(description="Event that shows its use, lower case")
    feature_category = dy.String(nullable=True, description="Category, lower case; null = none")
    is_core = dy.Bool(nullable=True, description="Every account should use it; null = not known")


@table(Feature)
def dim_feature(staged_features: pl.LazyFrame) -> pl.LazyFrame:
    """The catalogue."""
    return (
        staged_features.with_columns(feature_category=_category_or_none("feature_category"))
        .sort("feature_name")
        .select(Feature.column_names())
    )


def event_features(staged_features: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Which feature and category an event is of: by the catalogue, without one by the settings.

    Grain: event_name; an event that is not among them is a feature of its own name and of no category.
    """
    catalogue = (
        staged_features.sort("feature_name")
        .unique("event_name", keep="first", maintain_order=True)
        .select("event_name", "feature_name", category=_category_or_none("feature_category"))
    )
    of_settings = settings.engagement.event_categories
    by_settings = (
        pl.LazyFrame(
            {"category": list(of_settings), "event_name": list(of_settings.values())},
            schema={"category": pl.String, "event_name": pl.List(pl.String)},
        )
        .explode("event_name")
        .select("event_name", feature_name="event_name", category=_category_or_none("category"))
        .join(staged_features.select(has_catalogue=pl.len() > 0), how="cross")
        .filter(~pl.col("has_catalogue"))
        .drop("has_catalogue")
    )
    return pl.concat([catalogue, by_settings])


def with_features(rows: pl.LazyFrame, features: pl.LazyFrame) -> pl.LazyFrame:
    """Rows with an `event_name`, and beside it their feature_name and category (null = none)."""
    return rows.join(features, on="event_name", how="left", validate="m:1").with_columns(
        pl.coalesce("feature_name", "event_name").alias("feature_name")
    )


def category_total(features: pl.LazyFrame) -> pl.LazyFrame:
    """How many categories there are to be used; one row."""
    return features.select(category_total=pl.col("category").drop_nulls().n_unique().cast(pl.Int64))


def _category_or_none(column: str) -> pl.Expr:
    return pl.when(pl.col(column) != UNCATEGORISED).then(column)
