"""A delimited file that Polars refuses, read row by row: rows that fit the header load, the others are kept as text.

Slow, and asked only then. Python's csv module says where a row ends, Polars what it holds, so that a row reads as it would
in a sound file. What a malformed row meant is not guessed at.
"""

import csv
import gzip
import io
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple, TextIO

import polars as pl
from polars.io.plugins import register_io_source

from health_assets.settings.sections import Source
from health_assets.sources.parsing import ROW, TEXT

ROWS_AT_ONCE = 50_000


class Row(NamedTuple):
    """A row of a file, its text as it stands."""

    number: int
    text: str
    is_too_long: bool


class UnclosedQuoteError(Exception):
    """From this row on nobody can tell where a row ends."""


def is_delimited(file: str) -> bool:
    """Whether this module can read the file."""
    return "://" not in file and file.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))


def fault(file: str, name: str, source: Source) -> str | None:
    """Why not even the rows of a file can be told apart, in words; None where they can."""
    try:
        with _opened(file, source) as lines:
            deque(_rows(lines, source.delimiter), maxlen=0)
    except UnicodeDecodeError:
        return (
            f"is not {source.encoding} text (line {_undecodable_line(file, source)}); say what it is in the settings, e.g. "
            f"sources.{name}.encoding: latin-1"
        )
    except UnclosedQuoteError as row:
        return f"row {row} cannot be read, most likely a quote that is not closed"
    except (OSError, EOFError, zlib.error) as error:
        return f"cannot be read ({error})"
    return None


def by_row(file: str, source: Source, header: list[str]) -> pl.LazyFrame:
    """All rows of a file with their numbers; of a malformed one the text alone."""

    def scan(
        columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        with _opened(file, source) as lines:
            rows = _rows(lines, source.delimiter)
            names = next(rows).text
            wanted = islice(rows, row_limit)
            while some := list(islice(wanted, ROWS_AT_ONCE)):
                frame = _frame(names, some, source.delimiter, schema)
                frame = frame if predicate is None else frame.filter(predicate)
                yield frame if columns is None else frame.select(columns)

    schema = pl.Schema({ROW: pl.Int64} | dict.fromkeys(header, pl.String) | {TEXT: pl.String})
    return register_io_source(scan, schema=schema, is_pure=True)


@contextmanager
def _opened(file: str, source: Source, errors: str = "strict") -> Iterator[TextIO]:
    opened = gzip.open if file.lower().endswith(".gz") else open
    encoding = "utf-8-sig" if source.encoding == "utf8" else source.encoding
    with opened(file, "rt", encoding=encoding, errors=errors, newline="\n") as lines:
        yield lines


def _undecodable_line(file: str, source: Source) -> int:
    """The first line that has bytes which are none of the encoding's."""
    with _opened(file, source, errors="surrogateescape") as lines:
        return next(number for number, line in enumerate(lines, 1) if re.search("[\udc80-\udcff]", line))


def _rows(lines: TextIO, delimiter: str) -> Iterator[Row]:
    """The header as row 0, then each row.

    Raises:
        UnclosedQuoteError: a quote swallowed lines of which not all are rows by themselves.
    """
    waiting: deque[str] = deque()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while line := waiting.popleft() if waiting else next(lines, ""):
            taken.append(line)
            yield line

    number = width = 0
    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            count = len(next(reader, ()))
        except csv.Error:  # of a quote in the midst of a value, or one that is not closed
            first, *others = taken
            if not all(_stands_alone(line, delimiter, width) for line in others):
                raise UnclosedQuoteError(number) from None
            waiting.extendleft(reversed(others))
            taken[:], count = [first], 0
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        if not taken:
            return
        width = width or count
        yield Row(number, "".join(taken), count > width)
        number += 1


def _stands_alone(line: str, delimiter: str, width: int) -> bool:
    """Whether a line is a whole row by itself."""
    try:
        return [len(row) for row in csv.reader([line], delimiter=delimiter, strict=True)] == [width]
    except csv.Error:
        return False


def _frame(names: str, rows: list[Row], delimiter: str, schema: pl.Schema) -> pl.DataFrame:
    fitting = [row for row in rows if not row.is_too_long]
    too_long = [_as_text(row) for row in rows if row.is_too_long]
    frames = [schema.to_frame(), *_as_polars_reads(names, fitting, delimiter), *too_long]
    return pl.concat(frames, how="diagonal").sort(ROW)


def _as_polars_reads(names: str, rows: list[Row], delimiter: str) -> Iterator[pl.DataFrame]:
    """The rows below the header; those that Polars refuses, found by halving, as text."""
    if not rows:
        return
    content = io.BytesIO("".join([names, *(row.text for row in rows)]).encode())
    try:
        frame = pl.scan_csv(content, infer_schema=False, separator=delimiter).collect()
    except pl.exceptions.PolarsError:
        frame = pl.DataFrame()
    if frame.height == len(rows):
        yield frame.with_columns(pl.Series(ROW, [row.number for row in rows], dtype=pl.Int64))
    elif len(rows) == 1:
        yield _as_text(rows[0])
    else:
        middle = len(rows) // 2
        yield from _as_polars_reads(names, rows[:middle], delimiter)
        yield from _as_polars_reads(names, rows[middle:], delimiter)


def _as_text(row: Row) -> pl.DataFrame:
    return pl.DataFrame({ROW: [row.number], TEXT: [row.text.rstrip("\r\n")]}, schema={ROW: pl.Int64, TEXT: pl.String})
