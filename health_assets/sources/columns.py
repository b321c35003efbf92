"""Which column of a file is which of ours: by its own name, as the settings map it, or inside nested JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import Contract, dtypes, meta
from health_assets.settings import Settings
from health_assets.settings.source import Description
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.formats import DELIMITERS, text_of
from health_assets.sources.parsing import ABOUT_THE_FILE, FILE, ROW
from health_assets.sources.suggested_columns import did_you_mean_column

READER_COLUMNS = (FILE, ROW, *ABOUT_THE_FILE)  # that are added to the rows of a file


@dataclass(frozen=True)
class Columns:
    """The columns of one file by our names."""

    header: Sequence[str]
    theirs: dict[str, str]  # ours -> theirs, which may be dotted

    @property
    def unread(self) -> list[str]:
        """Their columns that no column of ours is read from."""
        used = {_root(theirs, self.header) for theirs in self.theirs.values()}
        return [name for name in self.header if name not in used]

    def value(self, ours: str, schema: pl.Schema) -> pl.Expr:
        """One of our columns as the file has it; what is nested and not reached into is its JSON text."""
        theirs = self.theirs[ours]
        root = _root(theirs, self.header) or theirs
        inner = [part for part in theirs[len(root) :].split(".") if part]
        column, dtype = pl.col(root), schema[root]
        if not inner:
            return text_of(root, dtype)
        while inner and isinstance(dtype, pl.Struct):
            fields = {field.name: field.dtype for field in dtype.fields}
            if inner[0] not in fields:
                return pl.lit(None, pl.String)
            column, dtype = column.struct.field(inner[0]), fields[inner.pop(0)]  # type: ignore[assignment]
        if inner and isinstance(dtype, pl.String):
            return column.str.json_path_match("$." + ".".join(inner))
        if inner:
            return pl.lit(None, pl.String)
        return column if not dtype.is_nested() else column.struct.json_encode()


def given_columns(rows: type[Contract]) -> list[str]:
    """The columns of a raw contract that files bring; what the reader says of a row is added when it is read."""
    return [name for name in dtypes(rows) if name not in READER_COLUMNS]


def columns_of(header: Sequence[str], source: Description, rows: type[Contract]) -> Columns:
    """What each column of the contract is in a file: what the settings map comes before an equal name."""
    mapped = {ours: theirs for theirs, ours in source.mapped if _root(theirs, header)}
    renamed = set(mapped.values())
    named = {name: name for name in given_columns(rows) if name in header and name not in renamed}
    return Columns(header, named | mapped)


def faults_of(
    columns: Columns, schema: pl.Schema, name: str, rows: type[Contract], source: Description, settings: Settings
) -> Iterator[str]:
    """What is wrong between a file and its description: columns that it lacks, with what was probably meant."""
    header = columns.header
    if other := other_delimiter(header, source):
        yield f"has a single column, {header[0]!r}; set the delimiter of its columns: sources.{name}.delimiter: {json.dumps(other)}"
        return
    for theirs in source.columns:
        if not exists(theirs, schema):
            yield f"has no column {theirs!r}, which sources.{name}.columns maps{did_you_mean(theirs, header, 'it has')}"
    mapped = {ours for _, ours in source.mapped}
    missing = [ours for ours in given_columns(rows) if ours not in columns.theirs and ours not in mapped]
    for ours in missing:
        declared = rows.columns()[ours]
        through = meta(declared, "through")
        is_found = through in columns.theirs and "users" in settings.sources
        there = {*columns.theirs, *source.defaults}
        is_found |= any(there.issuperset(names) for names in meta(declared, "alternatives", ()))
        if meta(declared, "required") and not meta(declared, "key") and ours not in source.defaults and not is_found:
            yield _missing(ours, name, columns, declared)
    if source.newest_by and source.newest_by not in header and source.newest_by not in columns.theirs:
        meant = did_you_mean(source.newest_by, [*columns.theirs, *header])
        yield f"has no column {source.newest_by!r}, which sources.{name}.newest_by names{meant}"


def _missing(ours: str, name: str, columns: Columns, declared: Column) -> str:
    header, through = columns.header, meta(declared, "through")
    instead = "".join(f", or {' and '.join(names)}" for names in meta(declared, "alternatives", ()))
    remedy = f"map it in the settings: sources.{name}.columns: {{<their name>: {ours}}}"
    if through and through in columns.theirs:
        remedy += f", or connect `users`, which say the account of each {through}"
    is_own_key = bool(meta(declared, "key"))
    hint = did_you_mean_column(ours, columns.unread, columns.unread or header, is_own_key=is_own_key)
    return f"has no column {ours!r}, which {name} needs{instead}{hint}{' ' if hint.endswith('?') else '; '}{remedy}"


def other_delimiter(header: Sequence[str], source: Description) -> str | None:
    """The likely delimiter of a file that was read as a single column: of those not tried what its header has most."""
    if len(header) != 1:
        return None
    likely = max((mark for mark in (*DELIMITERS, ",") if mark != source.delimiter), key=header[0].count)
    return likely if likely in header[0] else None


def _root(theirs: str, header: Sequence[str]) -> str | None:
    """The column of the file that a name is, or reaches into: the longest that fits."""
    if theirs in header:
        return theirs
    inside = [name for name in header if theirs.startswith(f"{name}.")]
    return max(inside, key=len) if inside else None


def exists(theirs: str, schema: pl.Schema) -> bool:
    """Whether a file has a column of this name, or one that it reaches into."""
    root = _root(theirs, list(schema))
    if root is None or root == theirs:
        return root is not None
    dtype, inner = schema[root], theirs[len(root) + 1 :].split(".")
    while inner and isinstance(dtype, pl.Struct):
        fields = {field.name: field.dtype for field in dtype.fields}
        if inner[0] not in fields:
            return False
        dtype = fields[inner.pop(0)]  # type: ignore[assignment]
    return not inner or isinstance(dtype, pl.String)
