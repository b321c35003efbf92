"""What a mutation is, and what all of them need: rows of text in and out, a share of them chosen."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from health_assets_tests.hostile.columns_of_sources import EVERY, MONEY

Rows = pl.DataFrame


@dataclass(frozen=True)
class Case:
    """The file that a mutation replaces."""

    rows: Rows
    source: str
    chance: random.Random
    others: dict[str, Rows]  # of the company's other sources

    def filled_column(self) -> str:
        """A column that holds something."""
        return self.chance.choice([name for name in self.rows.columns if self.rows[name].is_not_null().any()])

    def some(self, share: float) -> pl.Series:
        """So many of the rows, at least one."""
        height = self.rows.height
        chosen = set(self.chance.sample(range(height), min(max(1, round(height * share)), height)))
        return pl.Series("_hit", [number in chosen for number in range(height)])

    def share(self) -> float:
        """Few, some, half or all of the rows."""
        return self.chance.choice([0.02, 0.1, 0.5, 1.0])

    def replaced(self, column: str, value: pl.Expr, share: float) -> bytes:
        """The file with another value in a share of the rows."""
        rows = self.rows.with_columns(self.some(share))
        return written(rows.with_columns(pl.when("_hit").then(value).otherwise(column).alias(column)).drop("_hit"))

    def amounts(self, of: Callable[[pl.Expr], pl.Expr], share: float = 1.0) -> bytes:
        """The file with another amount of money in a share of the rows."""
        column = MONEY[self.source]
        return self.replaced(column, of(amount_in(column)).cast(pl.String), share)


@dataclass(frozen=True)
class Mutation:
    """One way in which an export goes wrong, for the sources that have what it needs."""

    name: str
    change: Callable[[Case], bytes]
    sources: tuple[str, ...] = EVERY
    harmless: bool = False  # must change no figure
    needs_history: bool = False  # nothing in the file itself shows it: tried with an earlier load only
    adds_file: bool = False  # the bytes arrive as one more file of the source


def amount_in(column: str) -> pl.Expr:
    """Text as a number; some amounts of the simulated company have thousands marks."""
    return pl.col(column).str.replace_all(",", "").cast(pl.Float64)


def read(content: bytes) -> Rows:
    """A CSV file with every value as text."""
    return pl.read_csv(io.BytesIO(content), infer_schema=False)


def written(rows: Rows, separator: str = ",", **options: object) -> bytes:
    """The rows as a CSV file."""
    return rows.write_csv(separator=separator, **options).encode()  # type: ignore[arg-type]
