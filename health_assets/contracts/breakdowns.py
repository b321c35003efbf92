"""Breakdowns: what tables with a `dimension_type` and a `dimension_value` share."""

from collections.abc import Sequence

import polars as pl

ALL, UNKNOWN = "all", "unknown"


def by_part(rows: pl.LazyFrame, dimensions: Sequence[str]) -> pl.LazyFrame:
    """Each row once for each dimension: the column that splits, or `all`, as `dimension_type`, with its value."""
    values = {name: pl.lit(ALL) if name == ALL else pl.col(name).cast(pl.String) for name in dimensions}
    return pl.concat(
        rows.with_columns(dimension_type=pl.lit(name, pl.Enum(dimensions)), dimension_value=value.fill_null(UNKNOWN))
        for name, value in values.items()
    )


def miscounted(
    counted: pl.LazyFrame, count: str, rows: pl.LazyFrame, month: str, dimensions: Sequence[str]
) -> pl.LazyFrame:
    """Months and dimensions whose parts together do not have the rows of the month, by the table that counts them."""
    return (
        by_part(rows, dimensions)
        .group_by("dimension_type", month=month)
        .agg(row_count=pl.len().cast(pl.Int64))
        .join(
            counted.group_by("month", "dimension_type").agg(pl.col(count).sum()),
            on=["month", "dimension_type"],
            how="full",
            coalesce=True,
            validate="1:1",
        )
        .filter(pl.col("row_count").fill_null(0) != pl.col(count).fill_null(0))
    )


def unequal_parts(counted: pl.LazyFrame, keys: Sequence[str], counts: Sequence[str]) -> pl.LazyFrame:
    """Keys and dimensions whose parts together do not have the counts of `all`."""
    wholes = counted.filter(pl.col("dimension_type") == ALL).select(*keys, pl.col(counts).name.prefix("all_"))
    sums = counted.group_by(*keys, "dimension_type").agg(pl.col(counts).sum())
    differs = [pl.col(count) != pl.col(f"all_{count}").fill_null(0) for count in counts]
    return sums.join(wholes, on=list(keys), how="left", validate="m:1").filter(pl.any_horizontal(differs))
