"""What a load would keep of each source, and how it reads the values: everything up to the staged layer, without a warehouse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from health_assets.assets import load_all
from health_assets.contracts.contract import Contract, meta
from health_assets.quality.unread_exclusions import unread_exclusions
from health_assets.settings import Settings
from health_assets.sources.formats import UNREADABLE_FILE, SourceError
from health_assets.sources.parsing import FILE, LEFT_OUT, RECORD, ROW, TEXT
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.sources.readers import collected, read_source, unknown_columns
from health_assets.tables import TABLES, Table, reached

EVENT_ROWS = 200_000  # that are read of each file of an event-scale source
SAMPLES = 3
WORDS_SHOWN = 12


@dataclass(frozen=True)
class Reason:
    """Why rows are quarantined, with the first of them."""

    name: str
    rows: int
    place: str
    record: str
    hint: str | None


@dataclass(frozen=True)
class Trial:
    """What a load would make of one source."""

    source: str
    counts: Mapping[str, int] = field(default_factory=dict)  # LOAD_COUNTS
    is_partial: bool = False  # whether only the first rows of each file were read
    reasons: list[Reason] = field(default_factory=list)
    words: dict[str, list[tuple[str, str | None, int]]] = field(default_factory=dict)  # column -> theirs, ours, rows
    ranges: dict[str, tuple[Any, Any, float]] = field(default_factory=dict)  # column -> lowest, highest, share filled
    unread: list[str] = field(default_factory=list)  # their columns that no column of ours is read from
    missing: list[str] = field(default_factory=list)  # our columns that the files lack
    fault: str | None = None
    exclusions: str = ""  # what the unread columns say of rows that do not count

    @property
    def kept_share(self) -> float | None:
        """Kept rows as a share of those that are to be kept; None without rows."""
        counts = self.counts
        wanted = counts.get("rows_kept", 0) + counts.get("rows_quarantined", 0)
        return counts["rows_kept"] / wanted if wanted else None

    @property
    def unknown_words(self) -> dict[str, list[tuple[str, int]]]:
        """Words of their files that mean nothing to us, by column."""
        unknown = {
            column: [(theirs, rows) for theirs, ours, rows in words if ours is None]
            for column, words in self.words.items()
        }
        return {column: words for column, words in unknown.items() if words}


def trial_load(settings: Settings) -> Iterator[Trial]:
    """Each connected source, in the order in which they depend on each other."""
    load_all()

    @cache
    def tried(name: str) -> tuple[Trial, FilteredRows | None]:
        try:
            return _tried(TABLES[f"staged_{name}"], settings, lambda other: tried(other)[1])
        except (*UNREADABLE_FILE, SourceError) as error:
            return Trial(name, fault=str(error).strip().splitlines()[0]), None

    for name in settings.sources:
        if f"staged_{name}" in TABLES:
            yield tried(name)[0]


def not_measured(settings: Settings) -> dict[str, list[str]]:
    """The marts that each source that is not connected would bring."""
    connected = set(settings.sources)
    there = {table.relation for table in reached(connected)}
    absent = [
        name.removeprefix("raw_") for name, table in TABLES.items() if table.rows is not None and name != "raw_alerts"
    ]
    added = {
        name: [
            table.relation
            for table in reached(connected | {name})
            if table.layer == "mart" and table.relation not in there
        ]
        for name in sorted(set(absent) - connected)
    }
    return {name: marts for name, marts in added.items() if marts}


def _tried(table: Table, settings: Settings, other: Any) -> tuple[Trial, FilteredRows]:
    name = table.name.removeprefix("staged_")
    raw = TABLES[table.inputs[0]]
    rows = raw.rows
    if rows is None:
        raise ValueError(f"{raw.name} is not a source")
    limit = EVENT_ROWS if table.monthly else None
    given: dict[str, Any] = {"settings": settings, "load_day": settings.load_day, "as_of": settings.load_day}
    parsed = collected(
        name,
        settings,
        lambda by_row: table.function(
            read_source(name, rows, settings, by_row=by_row, limit=limit), **{key: given[key] for key in table.injected}
        ).collect(),
    )
    existing = {}
    for column, declared in table.contract.columns().items():
        if target := meta(declared, "references"):
            referenced, key = target.split(".")
            source = referenced.removeprefix("staged_")
            found = other(source) if source in settings.sources else None
            existing[column] = found.kept[key] if found else pl.Series(key, [], pl.String)
    filtered = filter_rows(parsed.lazy(), table.contract, existing, settings.sources[name], monthly=table.monthly)
    counts = filtered.loads.select(pl.exclude("month").sum()).to_dicts()[0] if filtered.loads.height else {}
    unread = {column for columns in unknown_columns(name, rows, settings).values() for column in columns}
    filled = _filled(parsed)
    missing = [column for column in table.contract.columns() if column in rows.columns() and column not in filled]
    trial = Trial(
        name,
        counts,
        table.monthly and parsed.height >= EVENT_ROWS,
        _reasons(filtered.rejected),
        _words(parsed, table.contract),
        _ranges(filtered.kept, table.contract),
        sorted(unread),
        missing,
        exclusions=unread_exclusions(name, rows, settings, is_large=table.monthly),
    )
    return trial, filtered


def _filled(parsed: pl.DataFrame) -> set[str]:
    """The columns of ours in which the files have a value."""
    record = parsed[RECORD].struct.unnest() if isinstance(parsed.schema.get(RECORD), pl.Struct) else parsed
    return {column for column in record.columns if record[column].null_count() < record.height}


def _reasons(rejected: pl.DataFrame) -> list[Reason]:
    by_reason = (
        rejected.explode("reasons", empty_as_null=False, keep_nulls=False)
        .group_by("reasons", maintain_order=True)
        .agg(pl.len(), pl.first(FILE, ROW, "record", "hint"))
        .sort("len", "reasons", descending=[True, False])
    )
    return [
        Reason(row["reasons"], row["len"], f"{row[FILE]} row {row[ROW]}", row["record"], row["hint"])
        for row in by_reason.to_dicts()
    ]


def _words(parsed: pl.DataFrame, contract: type[Contract]) -> dict[str, list[tuple[str, str | None, int]]]:
    """The words of each column that has a vocabulary, with ours for each, the most frequent first."""
    record = parsed.schema.get(RECORD)
    if not isinstance(record, pl.Struct):
        return {}
    there = {entry.name for entry in record.fields}
    rows = (
        parsed.filter(pl.col(TEXT).is_null(), ~pl.col(LEFT_OUT).fill_null(False)) if TEXT in parsed.columns else parsed
    )
    words = {}
    for column, declared in contract.columns().items():
        if not isinstance(declared, dy.Enum) or column not in there or column not in rows.columns:
            continue
        theirs = pl.col(RECORD).struct.field(column).cast(pl.String).str.strip_chars().replace("", None)
        counted = (
            rows.select(theirs=theirs, ours=pl.col(column).cast(pl.String))
            .drop_nulls("theirs")
            .group_by("theirs", "ours")
            .len()
            .sort("len", "theirs", descending=[True, False])
        )
        if counted.height:
            words[column] = counted.rows()
    return words


def _ranges(kept: pl.DataFrame, contract: type[Contract]) -> dict[str, tuple[Any, Any, float]]:
    """The lowest and highest value of dates, times and amounts."""
    ranges = {}
    for column, declared in contract.columns().items():
        if not (declared.dtype.is_temporal() or meta(declared, "money")) or not kept.height:
            continue
        values = kept[column].drop_nulls()
        if values.len():
            ranges[column] = (values.min(), values.max(), values.len() / kept.height)
    return ranges
