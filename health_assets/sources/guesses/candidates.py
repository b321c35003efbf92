"""What there is to read: the files of a folder, or the tables of a database, each with its first rows as text."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from health_assets.settings.source import Description
from health_assets.sources.databases import Connection
from health_assets.sources.formats import DELIMITERS, UNREADABLE_FILE, SourceError, header_of, text_of
from health_assets.sources.landing import written
from health_assets.sources.parsing import ROW, TEXT
from health_assets.sources.readers import opened_rows

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".xlsx")
SAMPLED = 5_000  # rows of each
ENCODINGS = ("utf8", "windows-1252")
OUTPUT = re.compile(r"\.(snapshots|answers|pulled)$")  # folders that runs write


@dataclass
class Candidate:
    """Files of one shape, or a table: what it is called, its first rows, and how it is read."""

    name: str
    rows: pl.DataFrame  # all text
    described: dict[str, Any]  # keys of a source
    files: list[Path] = field(default_factory=list)
    schema: str | None = None  # of a table

    @property
    def header(self) -> list[str]:
        """Its columns; those of nested JSON with a dot."""
        return self.rows.columns

    def values(self, column: str) -> pl.Series:
        """The values of a column that are not blank."""
        text = self.rows[column].str.strip_chars()
        return text.filter(text.is_not_null() & (text != ""))


def candidates_in(folder: Path) -> tuple[list[Candidate], dict[str, str]]:
    """The files of a folder and its subfolders, and why some of them cannot be read."""
    alike: dict[tuple[Path, str, tuple[str, ...]], list[Candidate]] = defaultdict(list)
    unreadable = {}
    for file in _files(folder):
        try:
            found = _read(file, folder)
            alike[file.parent, _without_numbers(file.name), tuple(found.header)].append(found)
        except (*UNREADABLE_FILE, SourceError) as error:
            unreadable[str(file.relative_to(folder))] = str(error).strip().splitlines()[0].removeprefix(f"{file}: ")
    return [_joined(several, folder) for several in alike.values()], unreadable


def tables_in(database: Connection, connection: str, schemas: list[str]) -> tuple[list[Candidate], dict[str, str]]:
    """The tables of some schemas of a database, of all by default, and why some of them cannot be read."""
    listed = [table for schema in (schemas or (None,)) for table in database.tables(schema).values()]
    found = []
    unreadable = {}
    with tempfile.TemporaryDirectory(prefix="tables-") as folder:
        file = Path(folder) / "table.parquet"
        for table in listed:
            statement = f"select * from {table.relation}"
            described = {"connection": connection, "query": statement}
            try:
                rows = written(database.answer(database.limited(statement, SAMPLED)), file, "")
                text = _as_text(pl.read_parquet(file)) if rows else None
            except (*UNREADABLE_FILE, SourceError, pa.ArrowException) as error:
                unreadable[".".join(filter(None, (table.schema, table.name)))] = str(error).strip().splitlines()[0]
                continue
            if text is not None:
                found.append(Candidate(table.name, text, described, schema=table.schema))
    return found, unreadable


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder).parts
        hidden = any(part.startswith((".", "_")) or OUTPUT.search(part) for part in inside)
        if (
            file.is_file()
            and not hidden
            and file.name.lower().removesuffix(".gz").endswith(ENDINGS)
            and file.stat().st_size
        ):
            yield file


def _read(file: Path, folder: Path) -> Candidate:
    """A file with the encoding and delimiter by which it has the most columns."""
    is_text = file.name.lower().removesuffix(".gz").endswith((".csv", ".txt"))
    failure: Exception | None = None
    for encoding in ENCODINGS if is_text else ENCODINGS[:1]:
        found: dict[str, pl.DataFrame] = {}
        for delimiter in (",", *DELIMITERS) if is_text else (",",):
            try:
                found[delimiter] = _first_rows(
                    file, Description(path=str(file), delimiter=delimiter, encoding=encoding)
                )
            except (*UNREADABLE_FILE, SourceError) as error:
                failure = failure or error
        if found:
            delimiter = max(found, key=lambda mark: found[mark].width)
            described = {"path": str(file.relative_to(folder))}
            described |= {"delimiter": delimiter} if delimiter != "," else {}
            described |= {"encoding": encoding} if encoding != "utf8" else {}
            return Candidate(file.stem.partition(".")[0], _as_text(found[delimiter]), described, [file])
    raise failure or SourceError(f"{file}: cannot be read")


def _first_rows(file: Path, description: Description) -> pl.DataFrame:
    rows = opened_rows(str(file), description)
    header_of(rows, str(file))
    return rows.head(SAMPLED).drop(ROW, TEXT, strict=False).collect()


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, those inside nested JSON too."""
    columns = [
        value.alias(name)
        for column, dtype in rows.schema.items()
        for name, value in _flat(column, pl.col(column), dtype)
    ]
    return rows.select(columns)


def _flat(name: str, value: pl.Expr, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    if isinstance(dtype, pl.Struct):
        for inner in dtype.fields:
            yield from _flat(f"{name}.{inner.name}", value.struct.field(inner.name), inner.dtype)  # type: ignore[arg-type]
    elif not isinstance(dtype, pl.List | pl.Array):
        yield name, (text_of(name, dtype) if "." not in name else value).cast(pl.String)
    elif "." not in name:
        yield name, text_of(name, dtype)


def _without_numbers(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def _joined(several: list[Candidate], folder: Path) -> Candidate:
    """Files that differ in the numbers of their names only are read by one pattern."""
    first = several[0]
    if len(several) == 1:
        return first
    files = [file for one in several for file in one.files]
    relative = files[0].relative_to(folder)
    pattern = re.sub(r"\d[\d_.-]*\d|\d", "*", relative.name)
    described = first.described | {"path": str(relative.with_name(pattern))}
    name = re.sub(r"[\d_.-]+", "", files[0].stem) or relative.parent.name
    rows = pl.concat([one.rows.head(max(SAMPLED // len(several), 200)) for one in several])
    return Candidate(name, rows, described, files)
