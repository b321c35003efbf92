"""Whether a source is fresh: a feed that stopped is not a measured zero."""

import polars as pl

from health_assets.settings import Settings


def with_freshness(
    panel: pl.LazyFrame, day: str, source: str, rows: pl.LazyFrame, dated: str, settings: Settings
) -> pl.LazyFrame:
    """A panel, in its order, with `has_<source>`: on its day the source had begun and was not silent beyond its limit.

    Args:
        panel: rows with a day.
        day: name of its column.
        source: name under which `stale_after_days` gives the limit; without one, a source never goes stale.
        rows: rows of the source, of all accounts.
        dated: name of their column that says from which day on they are known.
        settings: with `stale_after_days`.
    """
    feed = rows.select(feed_day=pl.col(dated)).drop_nulls().unique()
    limit = settings.stale_after_days.get(source)
    if limit is None:
        is_there = (pl.col(day) >= pl.col("begun")).fill_null(False)
        dated_panel = panel.join(feed.select(begun=pl.col("feed_day").min()), how="cross", maintain_order="left")
        return dated_panel.with_columns(is_there.alias(f"has_{source}")).drop("begun")
    last_fresh_day = pl.col("feed_day").dt.offset_by(f"{limit}d")
    fresh_days = (
        feed.select(pl.date_ranges("feed_day", last_fresh_day).alias(day))
        .explode(day, empty_as_null=False, keep_nulls=False)
        .unique()
        .with_columns(pl.lit(True).alias(f"has_{source}"))
    )
    joined = panel.join(fresh_days, on=day, how="left", validate="m:1", maintain_order="left")
    return joined.with_columns(pl.col(f"has_{source}").fill_null(False))


def while_fresh(panel: pl.LazyFrame, source: str, rows: pl.LazyFrame, dated: str, settings: Settings) -> pl.LazyFrame:
    """The rows of a panel (with `day`) on the days on which the source is fresh."""
    has_source = f"has_{source}"
    return with_freshness(panel, "day", source, rows, dated, settings).filter(has_source).drop(has_source)
