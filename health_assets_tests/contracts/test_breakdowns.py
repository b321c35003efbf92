"""The whole and its parts."""

from datetime import date

import polars as pl

from health_assets.contracts.breakdowns import by_part, miscounted

DIMENSIONS = ["all", "segment"]
ROWS = pl.LazyFrame({"segment": ["smb", None], "month": [date(2025, 1, 1)] * 2})


def test_each_row_stands_in_the_whole_and_in_its_part_and_what_is_not_known_is_a_part() -> None:
    split = by_part(ROWS, DIMENSIONS).select("dimension_type", "dimension_value").collect()
    assert split.rows() == [("all", "all"), ("all", "all"), ("segment", "smb"), ("segment", "unknown")]


def test_a_month_whose_parts_lack_a_row_or_that_nobody_counted_is_found() -> None:
    counted = by_part(ROWS, DIMENSIONS).with_columns(count=pl.lit(1, pl.Int64))
    assert miscounted(counted, "count", ROWS, "month", DIMENSIONS).collect().is_empty()
    without_unknown = counted.filter(pl.col("dimension_value") != "unknown")
    assert miscounted(without_unknown, "count", ROWS, "month", DIMENSIONS).collect()["row_count"].to_list() == [2]
    assert miscounted(counted.clear(), "count", ROWS, "month", DIMENSIONS).collect().height == 2
