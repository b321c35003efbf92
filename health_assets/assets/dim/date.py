"""The calendar of the history. Fiscal years, holidays and working days do not belong here until a source says them."""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.tables import table


class Date(Contract):
    """Which month, quarter, year and weekday is a day?"""

    date = dy.Date(primary_key=True, description="Day", metadata={"available_from": True})
    month = dy.Date(description="First day of its month")
    quarter = dy.Date(description="First day of its quarter")
    year = dy.Int32(description="Calendar year")
    iso_week = dy.Int8(min=1, max=53, description="Week of the year, ISO 8601")
    weekday = dy.Int8(min=1, max=7, description="Day of the week, 1 = Monday")
    is_weekend = dy.Bool(description="Saturday or Sunday")
    is_month_end = dy.Bool(description="Last day of its month")


@table(Date)
def dim_date(settings: Settings, as_of: date) -> pl.LazyFrame:
    """Each day from the start of the history to the as-of day."""
    days = pl.LazyFrame({"date": pl.date_range(settings.history_start, as_of, "1d", eager=True)})
    day = pl.col("date")
    return days.with_columns(
        month=day.dt.truncate("1mo"),
        quarter=day.dt.truncate("1q"),
        year=day.dt.year(),
        iso_week=day.dt.week(),
        weekday=day.dt.weekday(),
        is_weekend=day.dt.weekday() >= 6,
        is_month_end=day == day.dt.month_end(),
    ).select(Date.column_names())
