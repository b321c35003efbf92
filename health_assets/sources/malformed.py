"""A delimited or JSON-lines file that Polars cannot read, read row by row: rows that fit are loaded, others kept as text.

Slow, and used only then. Python's csv module says where a row ends, Polars what it holds, so that a row reads as it would
in a sound file. What a malformed row meant is not guessed at.
"""

import csv
import gzip
import io
import json
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, NamedTuple, TextIO

import polars as pl
from polars.io.plugins import register_io_source

from health_assets.settings.source import Description
from health_assets.sources.file_names import is_remote
from health_assets.sources.formats import Dialect, dialect_of, kind_of, why_unreadable
from health_assets.sources.parsing import ROW, TEXT

ROWS_AT_ONCE = 50_000


class Row(NamedTuple):
    """A row of a file as text."""

    number: int
    text: str
    is_too_long: bool


class UnclosedQuoteError(Exception):
    """From this row on it is unknown where rows end."""


def is_by_row(file: str) -> bool:
    """Whether this module can read the file."""
    return not is_remote(file) and kind_of(file) in ("csv", "jsonl")


def fault(file: str, name: str, source: Description) -> str | None:
    """Why not even the rows of a file can be separated, in words; None where they can."""
    dialect = None
    try:
        dialect = dialect_of(file, source)
        with _opened(file, dialect) as lines:
            deque(lines if kind_of(file) == "jsonl" else _rows(lines, dialect.delimiter), maxlen=0)
    except UnicodeDecodeError:
        line = _undecodable_line(file, dialect) if dialect else 1
        return f"is not {source.encoding} text (line {line}); say what it is in the settings, e.g. sources.{name}.encoding: latin-1"
    except UnclosedQuoteError as row:
        return f"row {row} cannot be read, most likely a quote that is not closed"
    except (OSError, EOFError, zlib.error) as error:
        return why_unreadable(error)
    return None


def by_row(file: str, source: Description) -> pl.LazyFrame:
    """All rows of a file with their numbers; of a malformed one the text alone."""
    dialect = dialect_of(file, source)
    read = _json_frames if kind_of(file) == "jsonl" else _delimited_frames
    header = _json_names(file, dialect) if kind_of(file) == "jsonl" else _names(file, dialect)
    schema = pl.Schema({ROW: pl.Int64} | dict.fromkeys(header, pl.String) | {TEXT: pl.String})

    def scan(
        columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        for frame in read(file, dialect, schema, row_limit):
            kept = frame if predicate is None else frame.filter(predicate)
            yield kept if columns is None else kept.select(columns)

    return register_io_source(scan, schema=schema, is_pure=True)


def _delimited_frames(file: str, dialect: Dialect, schema: pl.Schema, limit: int | None) -> Iterator[pl.DataFrame]:
    with _opened(file, dialect) as lines:
        rows = _rows(lines, dialect.delimiter)
        names = next(rows).text
        wanted = islice(rows, limit)
        while some := list(islice(wanted, ROWS_AT_ONCE)):
            yield _frame(names, some, dialect.delimiter, schema)


def _names(file: str, dialect: Dialect) -> list[str]:
    """The header, as Polars names it."""
    with _opened(file, dialect) as lines:
        first = next(_rows(lines, dialect.delimiter), None)
    content = io.BytesIO((first.text if first else "").encode())
    return pl.scan_csv(content, infer_schema=False, separator=dialect.delimiter).collect_schema().names()


def _json_frames(file: str, dialect: Dialect, schema: pl.Schema, limit: int | None) -> Iterator[pl.DataFrame]:
    with _opened(file, dialect) as lines:
        numbered = enumerate(islice((line for line in lines if line.strip()), limit), 1)
        while some := list(islice(numbered, ROWS_AT_ONCE)):
            yield pl.DataFrame([_json_row(number, line) for number, line in some], schema=schema)


def _json_row(number: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        return {ROW: number, TEXT: line.rstrip("\r\n")}
    return {ROW: number} | {name: _json_text(value) for name, value in found.items()}


def _json_text(value: Any) -> str | None:
    """A value as text; what is nested as JSON, so that names can reach into it."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)


def _json_names(file: str, dialect: Dialect) -> list[str]:
    """Every name that any row has, in the order in which they come."""
    names: dict[str, None] = {}
    with _opened(file, dialect) as lines:
        for line in lines:
            names |= dict.fromkeys(name for name in _json_row(1, line) if name not in (ROW, TEXT))
    return list(names)


@contextmanager
def _opened(file: str, dialect: Dialect, errors: str = "strict") -> Iterator[TextIO]:
    opened = gzip.open if file.lower().endswith(".gz") else open
    with opened(file, "rt", encoding=dialect.encoding, errors=errors, newline="\n") as lines:
        for _ in range(dialect.lines_before_header):
            next(lines, "")
        yield lines


def _undecodable_line(file: str, dialect: Dialect) -> int:
    """The first line that has bytes which are none of the encoding's."""
    with _opened(file, dialect, errors="surrogateescape") as lines:
        return (
            next(number for number, line in enumerate(lines, 1) if re.search("[\udc80-\udcff]", line))
            + dialect.lines_before_header
        )


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
    """The rows below the header; those that Polars cannot read, found by halving, as text."""
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
