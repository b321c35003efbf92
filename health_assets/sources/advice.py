"""Which setting would make values readable that are not: a date format, a unit, a decimal mark."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from health_assets.sources.moments import reads
from health_assets.sources.numbers import number

DAYS = ["%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"]
TIMES = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %I:%M %p",
    " %I:%M:%S %p",
    ", %H:%M",
    ", %H:%M:%S",
    ", %I:%M %p",
    ", %I:%M:%S %p",
    " %H:%M:%S%.f",
    ", %I:%M:%S%.f %p",
]
NUMBERS = {
    "s": r"^\d{10}$",
    "ms": r"^\d{13}$",
    "us": r"^\d{16}$",
    "excel": r"^(?:3[6-9]|4\d|5[0-4])\d{3}(?:[.,]\d+)?$",  # of 1998 to 2050: other numbers of five digits are seconds, or keys
}  # that stand for a time
SAMPLES = 3
TESTED = 1_000  # values by which formats are compared
ENOUGH = 0.8  # share of the values that a format must read to be suggested


class Remedy(NamedTuple):
    """A setting as it is written in the settings, and how many of the values it reads."""

    setting: str
    read: int
    of: int

    @property
    def what_it_reads(self) -> str:
        """How much of the column becomes readable."""
        return "reads them all" if self.read == self.of else f"reads {self.read:,} of {self.of:,}"


def samples_of(texts: pl.Series) -> str:
    """Three different values, as the file has them."""
    return ", ".join(repr(text) for text in texts.drop_nulls().unique(maintain_order=True).head(SAMPLES))


def said_counts(words: Sequence[tuple[str, int]]) -> str:
    """The first words, each with the number of its rows."""
    more = f" and {len(words) - SAMPLES} more" if len(words) > SAMPLES else ""
    return ", ".join(f"{word!r} {rows:,}" for word, rows in words[:SAMPLES]) + more


def example_of(source: str, column: str, word: str, ours: Sequence[str]) -> str:
    """How a word that is not known is mapped to the one of ours that it means."""
    setting = f"sources.{source}.values: {{{column}: {{{word}: {ours[-1]}}}}}"
    return f"map each to {one_of(ours)}, for example {setting}"


def one_of(words: Sequence[str]) -> str:
    """Words to choose from."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def remedy(column: str, dtype: pl.DataType, texts: pl.Series, unreadable: pl.Series) -> Remedy | None:
    """The setting that reads the most of a column's values, and more than are read without it; None where none does.

    Args:
        column: of ours.
        dtype: that the contract wants.
        texts: all values of the column, those that can be read too.
        unreadable: those that cannot.
    """
    tested = texts.drop_nulls().unique(maintain_order=True).head(TESTED)
    if tested.is_empty():
        return None
    if not dtype.is_temporal():
        fitting = list(_settings_of_numbers(tested))
        return Remedy(" or ".join(fitting[:2]), len(tested), len(tested)) if fitting else None
    is_read_now = ~tested.is_in(unreadable.str.strip_chars().implode())
    counts = dict(_settings_of_time(column, tested, is_read_now))
    best = max(counts.values())
    if best < ENOUGH * len(tested) or best <= is_read_now.sum():
        return None
    fitting = [setting for setting, count in counts.items() if count == best]
    fitting = [setting for setting in fitting if setting.replace("%.f", "") not in fitting or "%.f" not in setting]
    return Remedy(" or ".join(fitting[:2]), best, len(tested))


def _settings_of_time(column: str, texts: pl.Series, is_read_now: pl.Series) -> Iterator[tuple[str, int]]:
    """Each setting of days and times, with the number of values that it reads; a unit adds to what is read without it."""
    for unit, pattern in NUMBERS.items():
        yield f"unit: {{{column}: {unit}}}", int((is_read_now | texts.str.contains(pattern)).sum())
    for day in DAYS:
        for time in TIMES:
            yield f"date_format: {json.dumps(day + time)}", reads(texts, day + time)


def _settings_of_numbers(texts: pl.Series) -> Iterator[str]:
    for decimal, thousands in ((",", None), (".", "'"), (".", " "), (",", " "), (",", "'")):
        read = texts.to_frame("text").select(number(pl.col("text"), decimal, thousands)).to_series()
        if read.count() == len(texts):
            mark = f", thousands: {json.dumps(thousands)}" if thousands else ""
            yield (f'decimal: ","{mark}' if decimal == "," else mark.removeprefix(", "))
            return
