"""The catalogue of features, parsed: which event shows the use of which feature."""

import dataframely as dy
import polars as pl

from health_assets.contracts.contract import WARN, Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged


class Features(Contract):
    """Which features does the product have, and which event shows their use?"""

    feature_name = dy.String(primary_key=True, description="Feature")
    event_name = dy.String(description="Event that shows its use, lower case")
    feature_category = dy.String(description="Category, lower case; other = none")
    is_core = dy.Bool(nullable=True, description="Every account should use it; null = unknown")


@staged(Features)
def staged_features(raw_features: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed features."""
    return raw_features.pipe(parsed, Features, settings, "features").with_columns(
        pl.col("event_name", "feature_category").str.to_lowercase()
    )


@identity(of=staged_features, severity=WARN)
def event_name__of_one_feature(staged_features: pl.LazyFrame) -> pl.LazyFrame:
    """An event shows the use of one feature; if it is listed for two, it counts for the first by name."""
    return staged_features.filter(pl.col("event_name").is_duplicated())
