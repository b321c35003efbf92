"""Source files -> raw frames: text as it stands, under our column names, with file and row number.

Nothing is parsed here and no row is judged. A file that cannot be what its contract needs is refused at once, with the
file, the column and the remedy.
"""

import difflib
import glob
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import polars as pl

from health_assets.contracts.contract import Contract, dtypes, meta
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings, SettingsError
from health_assets.settings.sections import Source
from health_assets.sources import malformed
from health_assets.sources.parsing import FILE, ROW, TEXT, typed

UNREADABLE = "unreadable"
DELIMITERS = (";", "\t", "|")  # that a file may have where the settings do not say so
Found = TypeVar("Found")


class SourceError(Exception):
    """A source file cannot be read as its contract needs it; the message names file, column and remedy."""


def read_source(
    name: str,
    rows: type[Contract],
    settings: Settings,
    only: list[str] | None = None,
    by_row: Collection[str] = (),
) -> pl.LazyFrame:
    """All rows of a source in the columns of its raw contract, or its empty frame when it is not connected.

    Args:
        name: the source, as in the settings.
        rows: the raw contract.
        settings: of the company.
        only: labels of the files to read (as in `source_file`); None reads all.
        by_row: files that `collected` found to be malformed.

    Raises:
        SourceError: a file is missing, unreadable, or lacks a required column.
    """
    source = settings.sources.get(name)
    frames = []
    for file in files_of(name, source) if source else []:
        if only is None or label(file) in only:
            scan = _scan(file, source)  # type: ignore[arg-type]
            if file in by_row:
                scan = malformed.by_row(file, source, _header(scan, file))  # type: ignore[arg-type]
            frames.append(_in_our_names(scan, file, name, rows, source))  # type: ignore[arg-type]
    if not frames:
        return rows.create_empty(lazy=True)
    return pl.concat(frames, how="vertical_relaxed")


def collected(name: str, settings: Settings, collect: Callable[[Collection[str]], Found]) -> Found:
    """What `collect` makes of a source; where Polars refuses a file, once more with that file read row by row.

    Args:
        name: the source.
        settings: of the company.
        collect: is given the files to read row by row, for `read_source`.

    Raises:
        SourceError: the rows of a file cannot be told apart.
    """
    try:
        return collect(())
    except pl.exceptions.PolarsError:
        refused = _refused(name, settings)
        if not refused:
            raise
        return collect(refused)


def _refused(name: str, settings: Settings) -> list[str]:
    """The files of a source that Polars cannot read, if they can be read row by row."""
    source = settings.sources.get(name)
    if source is None:
        return []
    refused = []
    for file in files_of(name, source):
        try:
            _scan(file, source).select(pl.all().count()).collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            if not malformed.is_delimited(file):
                raise SourceError(f"{file}: cannot be read ({_first_line(error)})") from None
            if fault := malformed.fault(file, name, source):
                raise SourceError(f"{file}: {fault}") from None
            refused.append(file)
    return refused


def read_profile(
    name: str, rows: type[Contract], time: str, settings: Settings, by_row: Collection[str] = ()
) -> pl.LazyFrame:
    """Rows of an event-scale source by file and month of `time`, so that a run knows what changed without copying it.

    Grain: source_file x month ("YYYY-MM" in the company's time zone, or "unreadable").
    """
    given = read_source(name, rows, settings, by_row=by_row).select(FILE, ROW, time)
    moment = typed(time, pl.Datetime("us"), given.collect_schema()[time], settings, settings.sources.get(name))
    month = local_date(moment, settings.timezone).dt.strftime("%Y-%m").fill_null(UNREADABLE)
    counted = pl.col(ROW).count()  # not pl.len(): without its other columns a row that is too long would pass
    return given.group_by(FILE, month.alias("month")).agg(row_count=counted.cast(pl.Int64)).sort(FILE, "month")


def files_of(name: str, source: Source) -> list[str]:
    """The files of a source, in the order in which their rows count as newer.

    Raises:
        SourceError: a path matches nothing.
    """
    found = []
    for path in [source.path] if isinstance(source.path, str) else source.path:
        matches = [path] if "://" in path else sorted(glob.glob(path, recursive=True))
        if not matches:
            raise SourceError(
                f"sources.{name}.path: no file matches {path}; correct the path, or remove the source if it is not connected"
            )
        found += matches
    return found


def label(file: str) -> str:
    """How a file is named in tables: its folder and name, never the whole path."""
    return file if "://" in file else "/".join(Path(file).parts[-2:])


def given_columns(rows: type[Contract]) -> list[str]:
    """The columns of a raw contract that files bring; where a row stands is added when it is read."""
    return [name for name in dtypes(rows) if name not in (FILE, ROW, TEXT)]


def check_sources(settings: Settings, contracts: dict[str, type[Contract]]) -> None:
    """Refuse what cannot work before anything runs: unknown sources, missing files, missing required columns.

    Raises:
        SettingsError: a source has a name that no contract knows, or `accounts` is not connected.
        SourceError: see read_source.
    """
    for name in settings.sources:
        if name not in contracts:
            near = difflib.get_close_matches(name, contracts, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(contracts))}"
            raise SettingsError(f"sources.{name}: there is no such source; {hint}")
    if "accounts" not in settings.sources:
        raise SettingsError(
            "sources.accounts: is missing; every other source is optional, the accounts are not. Is this the settings file "
            "that was meant? Give it with --settings, or name it in HEALTH_ASSETS_SETTINGS"
        )
    for name in settings.sources:
        read_source(name, contracts[name], settings)


def unknown_columns(name: str, rows: type[Contract], settings: Settings) -> dict[str, list[str]]:
    """Columns that files have and no contract names, by file: they are not read, and said so in a warning."""
    source = settings.sources.get(name)
    if source is None:
        return {}
    known = set(given_columns(rows)) | set(source.columns)
    extra = {label(file): sorted(set(_header(_scan(file, source), file)) - known) for file in files_of(name, source)}
    return {file: columns for file, columns in extra.items() if columns}


def made_keys(name: str, rows: type[Contract], settings: Settings) -> list[str]:
    """Key columns that the files lack and that are therefore a hash of the row."""
    source = settings.sources.get(name)
    if source is None:
        return []
    present = {source.columns.get(c, c) for file in files_of(name, source) for c in _header(_scan(file, source), file)}
    return [column for column, declared in rows.columns().items() if meta(declared, "key") and column not in present]


def _scan(file: str, source: Source) -> pl.LazyFrame:
    kind = file.lower().removesuffix(".gz")
    try:
        if kind.endswith((".parquet", ".pq")):
            return pl.scan_parquet(file, row_index_name=ROW, row_index_offset=1)
        if kind.endswith((".jsonl", ".ndjson")):
            return _json_lines(file)
        content: str | io.BytesIO = file
        opened = gzip.open if file.lower().endswith(".gz") else open
        if source.encoding == "utf8" and "://" not in file:
            with opened(file, "rb") as binary:
                _refuse_foreign_text(file, binary.readline())
        elif source.encoding != "utf8":
            with opened(file, "rb") as binary:
                content = io.BytesIO(binary.read().decode(source.encoding).encode())
        return pl.scan_csv(
            content, infer_schema=False, separator=source.delimiter, row_index_name=ROW, row_index_offset=1
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{file}: cannot be read ({_first_line(error)})") from None


def _refuse_foreign_text(file: str, header: bytes) -> None:
    """A header in another encoding would be read as other names, in silence."""
    try:
        foreign = "\0" in header.decode()
    except UnicodeDecodeError:
        foreign = True
    if header.startswith(b"PAR1"):
        raise SourceError(f"{file}: is a Parquet file; let its name end in .parquet")
    if foreign:
        likely = "utf-16" if header.startswith((b"\xff\xfe", b"\xfe\xff")) else "latin-1"
        raise SourceError(
            f"{file}: its header is not UTF-8 text; name the file's encoding in the settings, e.g. encoding: {likely}, "
            "or save it as UTF-8"
        )


def _json_lines(file: str) -> pl.LazyFrame:
    """Every value of a JSON-lines file as text, whatever its type."""
    rows = pl.scan_ndjson(file, infer_schema_length=None).with_row_index(ROW, offset=1)
    schema = rows.collect_schema()
    nested = [name for name, dtype in schema.items() if dtype.is_nested()]
    return rows.with_columns(
        *(pl.col(name).struct.json_encode() for name in nested if isinstance(schema[name], pl.Struct)),
        pl.exclude(ROW, *nested).cast(pl.String),
    )


def _header(scan: pl.LazyFrame, file: str) -> list[str]:
    try:
        return [name for name in scan.collect_schema().names() if name not in (ROW, TEXT)]
    except pl.exceptions.NoDataError:
        raise SourceError(f"{file}: is empty; a file without rows still needs its header line") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{file}: cannot be read ({_first_line(error)})") from None


def _in_our_names(scan: pl.LazyFrame, file: str, name: str, rows: type[Contract], source: Source) -> pl.LazyFrame:
    header = _header(scan, file)
    ours = {theirs: source.columns.get(theirs, theirs) for theirs in header}
    for theirs in source.columns:
        if theirs not in header:
            raise SourceError(f"{file}: has no column {theirs!r} as sources.{name}.columns says{_near(theirs, header)}")
    renamed = scan.rename(ours)
    given = dict(zip(ours.values(), [scan.collect_schema()[theirs] for theirs in header], strict=True))
    missing = [column for column in given_columns(rows) if column not in given]
    strange = [theirs for theirs in header if ours[theirs] not in given_columns(rows)] or header
    for column in missing:
        declared = rows.columns()[column]
        alternatives = meta(declared, "alternatives", ())
        is_there = any({*given, *source.defaults}.issuperset(columns) for columns in [(column,), *alternatives])
        if meta(declared, "required") and not meta(declared, "key") and not is_there:
            instead = "".join(f", or {' and '.join(columns)}" for columns in alternatives)
            remedy = f"map it in the settings: sources.{name}.columns: {{<their name>: {column}}}"
            if len(header) == 1 and (other := next((mark for mark in DELIMITERS if mark in header[0]), None)):
                remedy = f"say what stands between its columns: sources.{name}.delimiter: {json.dumps(other)}"
            raise SourceError(
                f"{file}: has no column {column!r}, which {name} needs{instead}{_near(column, strange)}; {remedy}"
            )
    made = {
        column: _hash_of_row(list(given)) if meta(rows.columns()[column], "key") else pl.lit(None, pl.String)
        for column in missing
    }
    if TEXT not in scan.collect_schema():
        made[TEXT] = pl.lit(None, pl.String)
    return renamed.with_columns(**made).select(
        *given_columns(rows),
        pl.lit(label(file)).alias(FILE),
        pl.struct(*given, ROW)
        .struct.field(ROW)
        .cast(pl.Int64),  # all columns: else Polars lets rows that are too long pass
        TEXT,
    )


def _hash_of_row(columns: list[str]) -> pl.Expr:
    """A key for rows that have none: the same row gives the same key, in every run and version."""
    return (
        pl.struct(columns)
        .struct.json_encode()
        .map_batches(
            lambda rows: pl.Series([hashlib.sha256(row.encode()).hexdigest()[:16] for row in rows]),
            return_dtype=pl.String,
        )
    )


def _near(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return f" (it has {close[0]!r})" if close else f" (it has {', '.join(words)})"


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
