"""Which setting would make values readable that are not: a date format, a unit, a decimal mark."""

import json
from collections.abc import Iterator

import polars as pl

from health_assets.sources.moments import reads
from health_assets.sources.numbers import number

DAYS = ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"]
TIMES = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p"]
EPOCH_DIGITS = {10: "s", 13: "ms", 16: "us"}
SAMPLES = 3
TESTED = 1_000  # values by which formats are compared


def samples_of(texts: pl.Series) -> str:
    """Three different values, as the file has them."""
    return ", ".join(repr(text) for text in texts.drop_nulls().unique(maintain_order=True).head(SAMPLES))


def remedy(column: str, dtype: pl.DataType, texts: pl.Series) -> str:
    """The setting that reads all of a column's values, as it is written in the settings; blank where none does.

    Args:
        column: of ours.
        dtype: that the contract wants.
        texts: all values of the column, those that can be read too.
    """
    tested = texts.drop_nulls().unique(maintain_order=True).head(TESTED)
    if tested.is_empty():
        return ""
    fitting = list(_settings_of_time(column, tested) if dtype.is_temporal() else _settings_of_numbers(tested))
    return " or ".join(fitting[:2])


def _settings_of_time(column: str, texts: pl.Series) -> Iterator[str]:
    lengths = texts.str.len_chars().unique().to_list()
    if texts.str.contains(r"^\d+$").all():
        if len(lengths) == 1 and lengths[0] in EPOCH_DIGITS:
            yield f"unit: {{{column}: {EPOCH_DIGITS[lengths[0]]}}}"
        if lengths == [5]:
            yield f"unit: {{{column}: excel}}"
        return
    for day in DAYS:
        for time in TIMES:
            if reads(texts, day + time) == len(texts):
                yield f"date_format: {json.dumps(day + time)}"


def _settings_of_numbers(texts: pl.Series) -> Iterator[str]:
    for decimal, thousands in ((",", None), (".", "'"), (".", " "), (",", " "), (",", "'")):
        read = texts.to_frame("text").select(number(pl.col("text"), decimal, thousands)).to_series()
        if read.count() == len(texts):
            mark = f", thousands: {json.dumps(thousands)}" if thousands else ""
            yield (f'decimal: ","{mark}' if decimal == "," else mark.removeprefix(", "))
            return
