"""Whether a source still brings rows, beside each row of a panel: a feed that stopped does not say "none".

Panels of one source only drop such days; that is `while_fresh` of expressions.py.
"""

import polars as pl

from health_assets.expressions import is_fresh
from health_assets.settings import Settings


def with_freshness(
    panel: pl.LazyFrame, day: str, source: str, rows: pl.LazyFrame, dated: str, settings: Settings
) -> pl.LazyFrame:
    """A panel with `has_<source>`: whether on its day a source had begun and had not been silent longer than it may.

    Args:
        panel: rows with a `day`.
        day: name of that column.
        source: by the name under which the settings give its limit.
        rows: of the source, of all accounts.
        dated: the column from which a row of the source is known.
        settings: with `stale_after_days`.
    """
    feed = rows.select(feed_day=pl.col(dated)).drop_nulls().unique().sort("feed_day")
    is_there = is_fresh(source, pl.col("feed_day"), pl.col(day), settings).fill_null(False)
    return (
        panel.sort(day, maintain_order=True)
        .join_asof(feed, left_on=day, right_on="feed_day", coalesce=False)
        .with_columns(is_there.alias(f"has_{source}"))
        .drop("feed_day")
    )
