"""Source files -> raw frames: unparsed text under our column names, with file and row number.

Nothing is parsed here and no row is dropped. A file that cannot be what its contract needs is rejected at once, with the file,
the column and what to do.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

import polars as pl

from health_assets.contracts.contract import Contract, dtypes, meta
from health_assets.settings import Settings
from health_assets.settings.notes import own_files
from health_assets.settings.source import Description
from health_assets.sources import malformed
from health_assets.sources.account_keys import accounts_of_users, with_our_accounts
from health_assets.sources.columns import Columns, columns_of, faults_of, given_columns
from health_assets.sources.conditions import condition, where_faults
from health_assets.sources.erased import kept_rows, of_erased, read_list, without_erased
from health_assets.sources.file_names import is_remote, label, labels, shown
from health_assets.sources.formats import (
    UNREADABLE_FILE,
    SourceError,
    described_files,
    header_of,
    is_blank,
    kind_of,
    scan,
    text_of,
    why_unreadable,
)
from health_assets.sources.made_keys import with_made_keys
from health_assets.sources.parsing import FILE, LEFT_OUT, PART, ROW, TEXT, VERSION

Found = TypeVar("Found")


def read_source(
    name: str,
    rows: type[Contract],
    settings: Settings,
    only: list[str] | None = None,
    by_row: Collection[str] = (),
    limit: int | None = None,
) -> pl.LazyFrame:
    """All rows of a source in the columns of its raw contract, or its empty frame when it is not connected.

    Args:
        name: the source, as in the settings.
        rows: the raw contract.
        settings: of the company.
        only: names of the files to read (as in `source_file`); None reads all.
        by_row: files that `collected` found to be malformed.
        limit: rows that are read of each file; None reads all.

    Raises:
        SourceError: a file is missing, unreadable, or lacks a required column.
    """
    read = read_whole(name, rows, settings, only, by_row, limit)
    if name not in settings.sources:
        return read
    others, kept = without_erased(read, name, settings), kept_rows(name, settings, only)
    return pl.concat([others, *kept], how="diagonal_relaxed").select(list(dtypes(rows))) if kept else others


def read_whole(
    name: str,
    rows: type[Contract],
    settings: Settings,
    only: list[str] | None = None,
    by_row: Collection[str] = (),
    limit: int | None = None,
) -> pl.LazyFrame:
    """The same with the rows of erased accounts and users, which must not be stored."""
    source = settings.sources.get(name)
    files = described_files(name, source) if source else []
    named = labels([file for file, _, _ in files])
    frames = [
        _in_our_names(file, number, description, name, rows, settings, file in by_row, limit).with_columns(
            pl.lit(named[file]).alias(FILE)
        )
        for file, number, description in files
        if (only is None or named[file] in only) and not is_blank(file)
    ]
    if not frames:
        return rows.create_empty(lazy=True)
    read = pl.concat(_of_one_shape(frames), how="vertical_relaxed").select(list(dtypes(rows)))
    return with_our_accounts(read, name, settings)


def erased_rows(name: str, rows: type[Contract], settings: Settings) -> int:
    """How many rows of a source are left out since their account or user was erased."""
    erased = read_list(settings)
    if not erased.entries:
        return 0

    def count(by_row: Collection[str]) -> int:
        whole = read_whole(name, rows, settings, by_row=by_row)
        return int(whole.filter(of_erased(whole, name, settings, erased)).select(pl.len()).collect().item())

    return collected(name, settings, count)


def collected(name: str, settings: Settings, collect: Callable[[Collection[str]], Found]) -> Found:
    """What `collect` makes of a source; if Polars cannot read a file, again with that file read row by row.

    Args:
        name: the source.
        settings: of the company.
        collect: is given the files to read row by row, for `read_source`.

    Raises:
        SourceError: the rows of a file cannot be separated.
    """
    try:
        return collect(())
    except (*UNREADABLE_FILE, SourceError):
        refused = refused_files(name, settings)
        if not refused:
            raise
        return collect(refused)


def refused_files(name: str, settings: Settings) -> list[str]:
    """The files of a source that Polars cannot read, if they can be read row by row.

    Raises:
        SourceError: not even their rows can be separated.
    """
    source = settings.sources.get(name)
    refused = []
    for file, _, description in described_files(name, source) if source else []:
        if is_blank(file):
            continue
        try:
            scan(file, description).select(pl.all().count()).collect(engine="streaming")
        except (*UNREADABLE_FILE, SourceError) as error:
            said = str(error) if isinstance(error, SourceError) else f"{shown(file)}: {why_unreadable(error)}"
            if not malformed.is_by_row(file) or (isinstance(error, SourceError) and kind_of(file) == "csv"):
                advice = "; copy it to this machine, where its rows are read one by one" if is_remote(file) else ""
                raise SourceError(f"{said}{advice}") from None
            if fault := malformed.fault(file, name, description):
                raise SourceError(f"{shown(file)}: {fault}") from None
            refused.append(file)
    return refused


def unknown_columns(name: str, rows: type[Contract], settings: Settings) -> dict[str, list[str]]:
    """Columns that files have and no contract names, by file: they are not read, and said so in a warning."""
    source = settings.sources.get(name)
    if source is not None and (source.engine or all(one.preset for one in source.descriptions)):
        return {}  # an engine reads the columns that it names; what a preset answers is not of the company's making
    for_other_ends = {
        column
        for one in (source.descriptions if source else [])
        for column in (*(condition(one.where).meta.root_names() if one.where else ()), one.newest_by)
    }
    unread = {file: sorted(set(used.unread) - for_other_ends) for file, used in _columns_by_file(name, rows, settings)}
    return {file: columns for file, columns in unread.items() if columns}


def read_columns(name: str, rows: type[Contract], settings: Settings) -> set[str]:
    """The columns of ours that every file of a source has."""
    found = [set(used.theirs) for _, used in _columns_by_file(name, rows, settings)]
    return set.intersection(*found) if found else set()


def made_keys(name: str, rows: type[Contract], settings: Settings) -> list[str]:
    """Key columns that the files lack and that are therefore a hash of the row."""
    by_file = _columns_by_file(name, rows, settings)
    present = {ours for _, used in by_file for ours in used.theirs}
    keys = [column for column, declared in rows.columns().items() if meta(declared, "key")]
    return [key for key in keys if by_file and key not in present]


def empty_files(name: str, settings: Settings) -> list[str]:
    """Files of a source that hold no row: nothing at all, or a header alone; those that this product writes may."""
    source = settings.sources.get(name)
    empty = []
    own = {str(file) for file in own_files(settings.notes, settings.warehouse).values()}
    for file, _, description in described_files(name, source) if source else []:
        if file in own:
            continue
        try:
            if is_blank(file) or scan(file, description).head(1).collect().is_empty():
                empty.append(label(file))
        except (*UNREADABLE_FILE, SourceError):
            continue  # what is wrong with it is reported when its rows are read
    return empty


def opened_rows(file: str, source: Description, *, is_by_row: bool = False) -> pl.LazyFrame:
    """The rows of a file under their own names; a file that Polars cannot read from its first line on is read row by row."""
    if is_by_row:
        return malformed.by_row(file, source)
    try:
        rows = scan(file, source)
        header_of(rows, file)
        return rows
    except SourceError:
        if not malformed.is_by_row(file) or malformed.fault(file, "", source):
            raise
        return malformed.by_row(file, source)


def _columns_by_file(name: str, rows: type[Contract], settings: Settings) -> list[tuple[str, Columns]]:
    source = settings.sources.get(name)
    files = [(file, description) for file, _, description in (described_files(name, source) if source else [])]
    return [
        (label(file), columns_of(header_of(opened_rows(file, description), file), description, rows))
        for file, description in files
        if not is_blank(file)
    ]


def _in_our_names(
    file: str,
    number: int,
    source: Description,
    name: str,
    rows: type[Contract],
    settings: Settings,
    is_by_row: bool,
    limit: int | None,
) -> pl.LazyFrame:
    """The rows of a file in the columns of the raw contract, but for the name of the file."""
    own = opened_rows(file, source, is_by_row=is_by_row)
    header, schema = header_of(own, file), own.collect_schema()
    own = own if limit is None else own.head(limit)
    used = columns_of(header, source, rows)
    for fault in (*faults_of(used, schema, name, rows, source, settings), *where_faults(source, schema, name)):
        raise SourceError(f"{shown(file)}: {fault}")
    values = {ours: used.value(ours, schema) for ours in used.theirs}
    lacking = {ours: rows.columns()[ours] for ours in given_columns(rows) if ours not in used.theirs}
    keys = [ours for ours, declared in lacking.items() if meta(declared, "key")]
    read = own.with_columns(
        *(value.alias(f"_{ours}") for ours, value in values.items()),
        *(pl.lit(None, pl.String).alias(f"_{ours}") for ours in lacking if ours not in keys),
        (~condition(source.where).fill_null(False) if source.where else pl.lit(False)).alias(LEFT_OUT),
        _version(source, used, schema).alias(VERSION),
    )
    if keys:
        names = {theirs: ours for ours, theirs in used.theirs.items()}
        read = with_made_keys(
            read, keys, [text_of(column, schema[column]).alias(names.get(column, column)) for column in header]
        )
    if "account_id" in lacking and (through := meta(lacking["account_id"], "through")) in used.theirs:
        read = accounts_of_users(read, f"_{through}", source, settings)
    return read.select(
        *(pl.col(f"_{ours}").alias(ours) for ours in given_columns(rows)),
        pl.struct(*header, ROW)  # all columns: else Polars lets rows that are too long pass
        .struct.field(ROW)
        .cast(pl.Int64),
        pl.col(TEXT) if TEXT in schema else pl.lit(None, pl.String).alias(TEXT),
        pl.lit(number, pl.Int64).alias(PART),
        LEFT_OUT,
        VERSION,
    )


def _version(source: Description, used: Columns, schema: pl.Schema) -> pl.Expr:
    """What says which of two rows is newer, as text."""
    if source.newest_by is None:
        return pl.lit(None, pl.String)
    if source.newest_by in used.theirs:
        return used.value(source.newest_by, schema).cast(pl.String)
    return text_of(source.newest_by, schema[source.newest_by]).cast(pl.String)


def _of_one_shape(frames: list[pl.LazyFrame]) -> list[pl.LazyFrame]:
    """Columns that files have in different types as text in all of them."""
    schemas = [frame.collect_schema() for frame in frames]
    differing = [
        name
        for name in schemas[0]
        if len({schema[name] for schema in schemas}) > 1 and not all(schema[name].is_numeric() for schema in schemas)
    ]
    return [frame.with_columns(pl.col(differing).cast(pl.String)) if differing else frame for frame in frames]
