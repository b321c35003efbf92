"""The calendar."""

from datetime import date

import polars as pl

from health_assets.assets.dim.date import dim_date
from health_assets_tests.assets.rows import SETTINGS


def test_a_leap_day_is_a_month_end() -> None:
    made = dim_date(SETTINGS, date(2024, 3, 1)).filter(pl.col("date") == date(2024, 2, 29)).collect()
    assert made.select("is_month_end", "weekday").rows() == [(True, 4)]
