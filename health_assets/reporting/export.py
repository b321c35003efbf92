"""Frames as files for other programs: an Excel workbook, CSV, Parquet.

Text that a spreadsheet would run as a formula is neutralised in workbooks and CSV; numbers are never changed.
"""

from collections.abc import Mapping
from datetime import date, datetime
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from health_assets.reporting.definitions import columns_of, question_of

FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
MOST_ROWS = 1_048_575  # of a sheet, its header apart
MOST_CHARACTERS = 32_767  # of a cell
DEFINITIONS = "Definitions"
FORMATS = {"count": "#,##0", "number": "#,##0.00", "date": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm:ss"}


def neutralised(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with an apostrophe before text that starts like a formula; lists and structures become JSON text."""
    nested = [name for name, dtype in rows.schema.items() if dtype.is_nested()]
    flat = rows.with_columns(
        pl.when(pl.col(name).is_not_null())
        .then(pl.struct(name).struct.json_encode().str.replace(r"^\{[^:]*:", "").str.replace(r"\}$", ""))
        .alias(name)
        for name in nested
    )
    text = [name for name, dtype in flat.schema.items() if dtype in (pl.String, pl.Categorical, pl.Enum)]
    return flat.with_columns(
        pl.when(pl.col(name).cast(pl.String).str.contains(FORMULA))
        .then(pl.lit("'") + pl.col(name).cast(pl.String))
        .otherwise(pl.col(name).cast(pl.String))
        .alias(name)
        for name in text
    )


def csv_bytes(rows: pl.DataFrame) -> bytes:
    """The rows as CSV in UTF-8 with a byte order mark, as Excel expects it."""
    return neutralised(rows).write_csv(include_bom=True).encode()


def workbook_bytes(sheets: Mapping[str, pl.DataFrame], about: Mapping[str, str]) -> bytes:
    """The workbook of `write_workbook` in memory."""
    target = BytesIO()
    write_workbook(target, sheets, about)
    return target.getvalue()


def write_workbook(target: Path | BytesIO, sheets: Mapping[str, pl.DataFrame], about: Mapping[str, str]) -> None:
    """A workbook with a sheet per frame and a sheet of definitions.

    Args:
        target: the file.
        sheets: by the table's name, e.g. mart.customer_health, or any title.
        about: what the reader must know of the whole, e.g. the as-of day; written above the definitions.
    """
    import xlsxwriter  # takes long to import

    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        formats = {name: book.add_format({"num_format": pattern}) for name, pattern in FORMATS.items()}
        header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        for name, rows in sheets.items():
            _write_sheet(book.add_worksheet(_title(name, book)), neutralised(rows), formats, header)
        _write_sheet(book.add_worksheet(DEFINITIONS), neutralised(definitions(sheets, about)), formats, header)


def definitions(sheets: Mapping[str, pl.DataFrame], about: Mapping[str, str]) -> pl.DataFrame:
    """Table, column and meaning of everything in a workbook, after what is said about the whole."""
    lines = [("", name, text) for name, text in about.items()]
    for name, rows in sheets.items():
        lines.append((name, "", question_of(name)))
        meaning = columns_of(name) if question_of(name) else {}
        lines += [(name, column, meaning.get(column, "")) for column in rows.columns]
    return pl.DataFrame(lines, schema=["table", "column", "meaning"], orient="row")


def _title(name: str, book: Any) -> str:
    """A name that Excel takes: without the schema, short, without the characters that it forbids, unique."""
    short = "".join(" " if letter in "[]:*?/\\" else letter for letter in name.split(".")[-1])[:31]
    taken = {sheet.get_name().lower() for sheet in book.worksheets()} | {DEFINITIONS.lower()}
    return short if short.lower() not in taken else f"{short[:28]} {len(taken)}"


def _write_sheet(sheet: Any, rows: pl.DataFrame, formats: Mapping[str, Any], header: Any) -> None:
    for place, (name, dtype) in enumerate(rows.schema.items()):
        look = formats.get(_kind(dtype))
        width = 60 if name in ("meaning", "reasons", "reason", "record") else max(10, min(len(name) + 2, 30))
        sheet.set_column(place, place, width, look)
        sheet.write_string(0, place, name, header)
        for line, value in enumerate(rows[name], 1):
            if value is None:
                continue
            if isinstance(value, str):
                sheet.write_string(line, place, value[:MOST_CHARACTERS])
            elif isinstance(value, bool):
                sheet.write_boolean(line, place, value)
            elif isinstance(value, datetime | date):
                sheet.write_datetime(line, place, value, look)
            elif isfinite(value):
                sheet.write_number(line, place, value, look)
    sheet.freeze_panes(1, 0)
    if rows.width:
        sheet.autofilter(0, 0, max(rows.height, 1), rows.width - 1)


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "count"
    if dtype.is_float() or dtype.is_decimal():
        return "number"
    return "date" if dtype == pl.Date else "time" if dtype == pl.Datetime else "text"
