"""Files of every format -> lazy frames under their own column names, with the number of each row."""

import codecs
import glob
import gzip
import io
import json
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import polars as pl

from health_assets.settings.source import Description, Source
from health_assets.sources.file_names import is_remote, label, shown, without_secrets
from health_assets.sources.parsing import ROW, TEXT

DELIMITERS = (";", "\t", "|")  # that a file may have where the settings do not say so
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
UNREADABLE_FILE = (
    OSError,
    EOFError,
    zlib.error,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # of damaged Parquet files
    json.JSONDecodeError,
    UnicodeDecodeError,
)


class SourceError(Exception):
    """A source file cannot be read as its contract needs it; the message names file, column and remedy."""


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written, as its first bytes and the settings say."""

    encoding: str  # "utf-8-sig" reads UTF-8 with and without a mark
    delimiter: str
    lines_before_header: int  # such as the title of a report, and sep=;

    @property
    def is_utf8(self) -> bool:
        """Whether Polars can read the file as it is."""
        return self.encoding == "utf-8-sig"


def files_of(name: str, source: Source) -> list[str]:
    """The files of a source, in the order in which their rows count as newer.

    Raises:
        SourceError: a path matches nothing.
    """
    return [file for file, _, _ in described_files(name, source)]


def described_files(name: str, source: Source) -> list[tuple[str, int, Description]]:
    """Each file with its description and that one's number, from 1.

    Raises:
        SourceError: a path matches nothing.
    """
    found = []
    for number, description in enumerate(source.descriptions, 1):
        for path in description.paths:
            matches = [path] if is_remote(path) else sorted(glob.glob(path, recursive=True))
            if not matches and description.is_queried:
                raise SourceError(f"sources.{name}: its query has no answer yet; health-assets run fetches it")
            if not matches:
                raise SourceError(
                    f"sources.{name}.path: no file matches {path}; correct the path, or remove the source if it is not connected"
                )
            as_read = description.of_reduced_months() if description.engine else description
            found += [(file, number, as_read) for file in matches]
    return found


def kind_of(file: str) -> str:
    """csv, parquet, jsonl, json or xlsx, by the file's name; what is none of the others is delimited text."""
    name = (label(file) if is_remote(file) else file).lower().removesuffix(".gz")
    endings = {
        "parquet": (".parquet", ".pq"),
        "jsonl": (".jsonl", ".ndjson"),
        "json": (".json",),
        "xlsx": (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"),
    }
    return next((kind for kind, ends in endings.items() if name.endswith(ends)), "csv")


def is_blank(file: str) -> bool:
    """Whether a file of this machine holds nothing at all: no header, no row."""
    if is_remote(file) or kind_of(file) in ("parquet", "xlsx"):
        return False
    try:
        with _opened(file) as binary:
            return not binary.read(64).removeprefix(codecs.BOM_UTF8).strip()
    except UNREADABLE_FILE:
        return False


def scan(file: str, source: Description) -> pl.LazyFrame:
    """All columns of a file under their own names, text where the file is text, with ROW.

    Raises:
        SourceError: it is not a file of that kind, is damaged, or in another encoding.
    """
    readers = {"parquet": _parquet, "jsonl": _json_lines, "json": _json, "xlsx": _workbook, "csv": _delimited}
    try:
        return readers[kind_of(file)](file, source)
    except UNREADABLE_FILE as error:
        raise SourceError(f"{shown(file)}: {why_unreadable(error)}") from None


def why_unreadable(error: BaseException) -> str:
    """What is wrong with a file, in one line."""
    if isinstance(error, pl.exceptions.PanicException):
        return "is damaged; copy it again"
    said = without_secrets(str(error).strip().split("\n")[0])
    if isinstance(error, EOFError | zlib.error) or "deflate" in said or "unexpected end of file" in said.lower():
        return f"is cut off or damaged ({said or 'it ends too early'}); copy it again"
    return f"cannot be read ({said})"


def header_of(rows: pl.LazyFrame, file: str) -> list[str]:
    """The names of the file's own columns.

    Raises:
        SourceError: the file has none, or is damaged.
    """
    try:
        return [name for name in rows.collect_schema().names() if name not in (ROW, TEXT)]
    except pl.exceptions.NoDataError:
        raise SourceError(f"{shown(file)}: is empty; a file without rows still needs its header line") from None
    except UNREADABLE_FILE as error:
        raise SourceError(f"{shown(file)}: {why_unreadable(error)}") from None


def dialect_of(file: str, source: Description) -> Dialect:
    """What the settings say, and the byte order mark and a leading `sep=;` of the file."""
    encoding = "utf-8-sig" if source.encoding == "utf8" else source.encoding
    delimiter = (
        "\t" if file.lower().removesuffix(".gz").endswith(".tsv") and source.delimiter == "," else source.delimiter
    )
    above = source.lines_before_header or 0
    if is_remote(file):
        return Dialect(encoding, delimiter, above)
    with _opened(file) as binary:
        head = binary.read(4096)
    encoding = next((name for mark, name in MARKS.items() if head.startswith(mark)), encoding)
    first = head.decode(encoding, errors="ignore").split("\n")[0].strip()
    if first.lower().startswith("sep=") and len(first) == len("sep=;"):
        return Dialect(encoding, first[-1], above or 1)
    return Dialect(encoding, delimiter, above)


def text_of(value: str, dtype: pl.DataType) -> pl.Expr:
    """A column that is no number, text or time as text: JSON of what is nested, ISO of durations, text of bytes."""
    column = pl.col(value)
    if isinstance(dtype, pl.Struct):
        return column.struct.json_encode()
    if isinstance(dtype, pl.List | pl.Array):
        as_list = column.arr.to_list() if isinstance(dtype, pl.Array) else column
        wrapped = pl.struct(v=as_list).struct.json_encode().str.strip_prefix('{"v":').str.strip_suffix("}")
        return pl.when(column.is_not_null()).then(wrapped).alias(value)
    if dtype == pl.Duration:
        return column.dt.to_string("iso")
    if dtype == pl.Binary:
        return column.map_batches(_decoded, pl.String, is_elementwise=True)
    return column if dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean else column.cast(pl.String)


def leaves(name: str, value: pl.Expr, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    """What a column holds that is not nested: itself, or the fields of its structs by their dotted names."""
    if isinstance(dtype, pl.Struct):
        for inner in dtype.fields:
            yield from leaves(f"{name}.{inner.name}", value.struct.field(inner.name), inner.dtype)  # type: ignore[arg-type]
    elif not isinstance(dtype, pl.List | pl.Array):
        yield name, value


def _decoded(values: pl.Series) -> pl.Series:
    try:
        return values.cast(pl.String)
    except pl.exceptions.PolarsError:
        return values.bin.encode("hex")


def opened_text(file: str, encoding: str) -> IO[str]:
    """A text file of this machine, packed or not; bytes that are none of the encoding's are replaced."""
    opened = gzip.open if file.lower().endswith(".gz") else open
    return opened(file, "rt", encoding=encoding, errors="replace", newline="")


def _opened(file: str) -> Any:
    return gzip.open(file, "rb") if file.lower().endswith(".gz") else open(file, "rb")


def _parquet(file: str, _: Description) -> pl.LazyFrame:
    return pl.scan_parquet(file, row_index_name=ROW, row_index_offset=1)


def _json_lines(file: str, _: Description) -> pl.LazyFrame:
    if is_remote(file):
        return pl.scan_ndjson(file, infer_schema_length=None).with_row_index(ROW, offset=1)
    state = Path(file).stat()
    schema = _schema_of_json_lines(file, state.st_mtime_ns, state.st_size)
    return pl.scan_ndjson(file, schema=schema).with_row_index(ROW, offset=1)


@lru_cache(maxsize=10_000)
def _schema_of_json_lines(file: str, _changed: int, _size: int) -> pl.Schema:
    """The types of all rows, for which the whole file is read; once, as long as it stays as it is."""
    return pl.scan_ndjson(file, infer_schema_length=None).collect_schema()


def _json(file: str, source: Description) -> pl.LazyFrame:
    """An array of objects, or an object that holds one such array, as many interfaces answer."""
    if is_remote(file):
        raise SourceError(
            f"{shown(file)}: JSON arrays are read from this machine only; copy it here, or use JSON lines"
        )
    with _opened(file) as binary:
        content = binary.read().decode("utf-8-sig")
    if not content.lstrip().startswith("["):
        try:
            given = json.loads(content)
        except json.JSONDecodeError:
            return _json_lines(file, source)
        arrays = [value for value in given.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        rows = arrays[0] if len(arrays) == 1 else [given]
    else:
        rows = json.loads(content)
    objects = [row for row in rows if isinstance(row, dict)]
    if len(objects) < len(rows):
        raise SourceError(f"{shown(file)}: holds values that are not objects; a JSON file must be an array of objects")
    if not objects:
        return pl.LazyFrame(schema={ROW: pl.UInt32})
    lines = "\n".join(json.dumps(row) for row in objects).encode()
    return pl.read_ndjson(lines, infer_schema_length=None).with_row_index(ROW, offset=1).lazy()


def _workbook(file: str, source: Description) -> pl.LazyFrame:
    if is_remote(file):
        raise SourceError(f"{shown(file)}: workbooks are read from this machine only; copy it here")
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # columns without a value are no news
    try:
        book = fastexcel.read_excel(file)
        names = book.sheet_names
        if source.sheet and source.sheet not in names:
            raise SourceError(f"{shown(file)}: has no sheet {source.sheet!r}; it has {', '.join(names)}")
        rows = book.load_sheet(
            source.sheet or 0, header_row=source.lines_before_header or 0, schema_sample_rows=None
        ).to_polars()
    except fastexcel.FastExcelError as error:
        raise SourceError(f"{shown(file)}: {why_unreadable(error)}") from None
    return rows.with_row_index(ROW, offset=1).lazy()


def _delimited(file: str, source: Description) -> pl.LazyFrame:
    dialect = dialect_of(file, source)
    content: str | io.BytesIO = file
    if not is_remote(file):
        with _opened(file) as binary:
            if dialect.is_utf8:
                _refuse_foreign_text(file, binary.readline())
            else:
                content = io.BytesIO(binary.read().decode(dialect.encoding).removeprefix("\ufeff").encode())
    return pl.scan_csv(
        content,
        infer_schema=False,
        separator=dialect.delimiter,
        skip_lines=dialect.lines_before_header,
        row_index_name=ROW,
        row_index_offset=1,
    )


def _refuse_foreign_text(file: str, header: bytes) -> None:
    """A header in another encoding would silently be read as other names."""
    try:
        foreign = "\0" in header.decode()
    except UnicodeDecodeError:
        foreign = True
    if header.startswith(b"PAR1"):
        raise SourceError(f"{shown(file)}: is a Parquet file; let its name end in .parquet")
    if header.startswith(b"PK\x03\x04"):
        raise SourceError(f"{shown(file)}: is a workbook or a zip archive; let a workbook's name end in .xlsx")
    if foreign:
        likely = "utf-16" if b"\0" in header else "windows-1252"
        raise SourceError(
            f"{shown(file)}: its header is not UTF-8 text; name the file's encoding in the settings, e.g. encoding: {likely}, "
            "or save it as UTF-8"
        )
