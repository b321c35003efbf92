"""What an export has around its rows: a title above the header, totals and remarks below the last row."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

import polars as pl

from health_assets.settings.source import Description
from health_assets.sources.formats import dialect_of, kind_of, opened_text

SEEN = 30  # first lines of a file, and last rows
NARROW = 0.5  # share of the cells of the widest line that a title fills at the most
WIDE = 3  # columns, at the least, of a file that has a title
FILLED = 0.9  # share of the other rows that have a value where remarks have none
TOTAL = re.compile(
    r"\b(?:grand )?(?:totals?|totale?|totaal|sum|summe?a?|gesamt(?:summe)?|razem|suma|count)\b", re.IGNORECASE
)
COPY = re.compile(r"^(.*?) ?\((\d+)\)(\..*)$")


def lines_above_header(file: str, description: Description) -> int:
    """How many lines stand above the header: those that fill far fewer cells than the widest of the first lines."""
    if kind_of(file) not in ("csv", "xlsx"):
        return 0
    counts = list(_cells(file, description))
    widest = max((count for _, count in counts), default=0)
    if widest < WIDE:
        return 0
    above = [line for line, _ in takewhile(lambda one: one[1] <= NARROW * widest, counts)]
    return above[-1] if above else 0


def _cells(file: str, description: Description) -> Iterator[tuple[int, int]]:
    """Of each of the first lines its number from 1, and how many of its cells are filled."""
    if kind_of(file) == "xlsx":
        import fastexcel

        sheet = fastexcel.read_excel(file).load_sheet(
            description.sheet or 0, header_row=None, n_rows=SEEN, schema_sample_rows=None, dtypes="string"
        )
        yield from ((number, _filled(row)) for number, row in enumerate(sheet.to_polars().rows(), 1))
        return
    with opened_text(file, dialect_of(file, description).encoding) as lines:
        reader = csv.reader(lines, delimiter=description.delimiter)
        for row in islice(reader, SEEN):
            yield reader.line_num, _filled(row)


def _filled(cells: Sequence[str | None]) -> int:
    return sum(bool(cell and cell.strip()) for cell in cells)


def rows_alone(last_rows: pl.DataFrame, required: list[str]) -> str | None:
    """The condition that leaves out totals and remarks below the rows: a required column is blank in them alone."""
    for column in required:
        is_blank = (last_rows[column].str.strip_chars().fill_null("") == "").to_list()
        below = len(list(takewhile(bool, reversed(is_blank))))
        others = is_blank[: len(is_blank) - below]
        if not below or not others or sum(others) > (1 - FILLED) * len(others):
            continue
        remarks = last_rows.tail(below)
        says_total = any(TOTAL.search(cell) for row in remarks.rows() for cell in row if cell)
        if below > 1 or says_total:  # a single row may also be one that was cut off
            name = column.replace('"', '""')
            return f""""{name}" is not null and "{name}" <> ''"""
    return None


def is_copy_of(name: str) -> tuple[str, int]:
    """The name that a file was first saved under, and which copy of it this is: `list (2).csv` is the second of `list.csv`."""
    found = COPY.match(name)
    return (f"{found[1]}{found[3]}", int(found[2])) if found else (name, 0)


def repeats(rows: pl.DataFrame, others: pl.DataFrame) -> bool:
    """Whether most rows are among the others by a column without repeated values: two copies, not two parts."""
    for column in rows.columns:
        mine, theirs = rows[column].drop_nulls(), others[column].drop_nulls()
        if len(mine) == rows.height and mine.n_unique() == len(mine) and theirs.n_unique() == len(theirs):
            return mine.is_in(theirs.implode()).sum() >= NARROW * max(len(mine), 1)
    return False
