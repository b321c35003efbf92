"""What there is to read: the files of a folder, or the tables of a database, each with its first rows as text."""

import csv
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from health_assets.contracts.words import BLANK_WORDS
from health_assets.settings.source import Description
from health_assets.sources.databases import Connection
from health_assets.sources.formats import DELIMITERS, UNREADABLE_FILE, SourceError, header_of, kind_of, leaves, text_of
from health_assets.sources.guesses.surroundings import SEEN, is_copy_of, lines_above_header, repeats
from health_assets.sources.landing import written
from health_assets.sources.parsing import ROW, TEXT
from health_assets.sources.readers import opened_rows

ENDINGS = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet", ".pq", ".xlsx")
SAMPLED = 5_000  # rows of each
OPENED = 200  # JSON objects of a text column whose keys are looked at
ENCODINGS = ("utf8", "windows-1252")
UNNAMED = re.compile(r"^(?:sheet|tabelle|feuille?|hoja|foglio|blad|planilha|arkusz) ?\d+$", re.IGNORECASE)
OUTPUT = re.compile(r"\.(snapshots|answers|pulled)$")  # folders that runs write


@dataclass
class Candidate:
    """Files of one shape, or a table: what it is called, its first rows, and how it is read."""

    name: str
    rows: pl.DataFrame  # all text
    described: dict[str, Any]  # keys of a source
    last_rows: pl.DataFrame = field(default_factory=pl.DataFrame)  # of a file, all text
    files: list[Path] = field(default_factory=list)
    schema: str | None = None  # of a table

    @property
    def header(self) -> list[str]:
        """Its columns; those of nested JSON with a dot."""
        return self.rows.columns

    def values(self, column: str) -> pl.Series:
        """The values of a column that are not blank, and no words for it."""
        text = self.rows[column].str.strip_chars()
        return text.filter(text.is_not_null() & ~text.str.to_lowercase().is_in(BLANK_WORDS))


def candidates_in(folder: Path) -> tuple[list[Candidate], dict[str, str]]:
    """The files of a folder and its subfolders, and why some of them cannot be read."""
    alike: dict[tuple[Path, str, tuple[str, ...]], list[Candidate]] = defaultdict(list)
    unreadable = {}
    for file in _files(folder):
        try:
            for found in _sheets(file, folder) if kind_of(str(file)) == "xlsx" else [_read(file, folder)]:
                sheet = found.described.get("sheet", "")
                alike[file.parent, _without_numbers(file.name) + sheet, tuple(found.header)].append(found)
        except (*UNREADABLE_FILE, SourceError) as error:
            unreadable[str(file.relative_to(folder))] = str(error).strip().splitlines()[0].removeprefix(f"{file}: ")
    older = _older_copies([one for several in alike.values() for one in several])
    unreadable |= {str(one.described["path"]): f"an older copy of {newest}; it is not read" for one, newest in older}
    gone = {id(one) for one, _ in older}
    left = ([one for one in several if id(one) not in gone] for several in alike.values())
    return [_joined(several, folder) for several in left if several], unreadable


def _older_copies(candidates: list[Candidate]) -> list[tuple[Candidate, str]]:
    """Files that were saved again under a name with a number, each with the newest of them."""
    saved: dict[tuple[Path, str, tuple[str, ...]], dict[int, Candidate]] = defaultdict(dict)
    for one in candidates:
        file = one.files[0]
        first_name, number = is_copy_of(file.name)
        saved[file.parent, first_name, tuple(one.header)][number] = one
    return [
        (one, str(copies[max(copies)].described["path"]))
        for copies in saved.values()
        for number, one in copies.items()
        if number < max(copies) and repeats(one.rows, copies[max(copies)].rows)
    ]


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


def _sheets(file: Path, folder: Path) -> list[Candidate]:
    """Each sheet of a workbook that has rows.

    Raises:
        SourceError: none has.
    """
    import fastexcel

    names = fastexcel.read_excel(file).sheet_names
    if len(names) == 1:
        return [_read(file, folder)]
    found, failure = [], SourceError(f"{file}: has no sheet with rows")
    for name in names:
        try:
            sheet = _read(file, folder, name)
        except (*UNREADABLE_FILE, SourceError) as error:
            failure = failure if isinstance(error, pl.exceptions.NoDataError) else SourceError(str(error))
            continue
        found += [sheet] if sheet.rows.height else []
    if not found:
        raise failure
    return found


def _read(file: Path, folder: Path, sheet: str | None = None) -> Candidate:
    """A file with the encoding and delimiter by which it has the most columns."""
    is_text = file.name.lower().removesuffix(".gz").endswith((".csv", ".txt"))
    failure: Exception | None = None
    for encoding in ENCODINGS if is_text else ENCODINGS[:1]:
        found: dict[str, tuple[pl.DataFrame, Description]] = {}
        for delimiter in (",", *DELIMITERS) if is_text else (",",):
            described = Description(path=str(file), delimiter=delimiter, encoding=encoding, sheet=sheet)
            try:
                above = lines_above_header(str(file), described)
                described = described.model_copy(update={"lines_before_header": above or None})
                found[delimiter] = _rows(file, described), described
            except (*UNREADABLE_FILE, SourceError, csv.Error) as error:
                failure = failure or error
        if found:
            rows, described = max(found.values(), key=lambda one: one[0].width)
            said = {"delimiter", "encoding", "lines_before_header", "sheet"}
            keys = described.model_dump(include=said, exclude_defaults=True)
            given = {"path": str(file.relative_to(folder))} | keys
            last = _as_text(rows.tail(SEEN)) if rows.height < SAMPLED else _as_text(_rows(file, described, is_end=True))
            name = sheet if sheet and not UNNAMED.match(sheet) else file.stem.partition(".")[0]
            return Candidate(name, _as_text(rows), given, last, [file])
    raise failure or SourceError(f"{file}: cannot be read")


def _rows(file: Path, description: Description, *, is_end: bool = False) -> pl.DataFrame:
    """The first rows of a file, or the last."""
    rows = opened_rows(str(file), description)
    header_of(rows, str(file))
    return (rows.tail(SEEN) if is_end else rows.head(SAMPLED)).drop(ROW, TEXT, strict=False).collect()


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """All columns as text, those inside nested JSON too."""
    columns = [
        value.alias(name)
        for column, dtype in rows.schema.items()
        for name, value in (
            *_flat(column, dtype),
            *(_inside_text(column, rows[column]) if dtype == pl.String else ()),
        )
    ]
    return rows.select(columns)


def _inside_text(name: str, texts: pl.Series) -> Iterator[tuple[str, pl.Expr]]:
    """The values of JSON objects that a column has as text, by the dotted names under which the settings reach them."""
    first = texts.drop_nulls().str.strip_chars().head(OPENED)
    if first.is_empty() or not first.str.starts_with("{").all():
        return
    objects = [_object(text) for text in first]
    for key in dict.fromkeys(
        key for one in objects for key, value in one.items() if not isinstance(value, dict | list)
    ):
        if re.fullmatch(r"[\w$-]+", key):
            yield f"{name}.{key}", pl.col(name).str.json_path_match(f"$.{key}")


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _flat(name: str, dtype: pl.DataType) -> Iterator[tuple[str, pl.Expr]]:
    """A column, or what is inside a nested one, as text; lists as JSON, but for those that are inside."""
    for inner, value in leaves(name, pl.col(name), dtype):
        yield inner, (value if "." in inner else text_of(name, dtype)).cast(pl.String)
    if isinstance(dtype, pl.List | pl.Array):
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
    return Candidate(name, rows, described, several[-1].last_rows, files)
