"""What an engine read for each month: the rows behind a reduced month, and those that did not become part of it.

It is kept in the Parquet file of the month, so that a month is replaced as a whole. Which rows are rejected is decided in
reduction.py.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

from health_assets.settings import Settings
from health_assets.settings.source import Description, Source
from health_assets.sources.file_names import labels
from health_assets.sources.formats import files_of
from health_assets.sources.landing import MADE_BY
from health_assets.sources.parsing import FILE, ROW
from health_assets.sources.quarantine import LOAD_COUNTS, QUARANTINE_SCHEMA, SUMMED, UNREADABLE_SCHEMA, FilteredRows

UNREADABLE = "unreadable"  # instead of a month: rows without a readable time
STANDS_FOR = "source_row_count"  # rows of the source that a reduced row stands for
CODE = ("reduction.py", "times.py")


def plan_of(description: Description, source: str, settings: Settings) -> str:
    """What the reduced months depend on besides the events; a change of it makes all of them out of date."""
    code = b"".join((Path(__file__).parent / name).read_bytes() for name in CODE)
    given = description.model_dump_json(exclude={"other_descriptions", "rows_kept", "values", "keys", "defaults"})
    decided = (
        given,
        source,
        settings.timezone,
        settings.engagement.session_gap_minutes,
        hashlib.sha256(code).hexdigest(),
    )
    return hashlib.sha256(repr(decided).encode()).hexdigest()[:16]


def recorded(file: str | Path) -> dict[str, Any] | None:
    """The record in a file of a month; None without a file, or one that is damaged."""
    try:
        found = (pq.read_metadata(file).metadata or {}).get(MADE_BY)
    except (OSError, ValueError):
        return None
    record = json.loads(found) if found else None
    return record if isinstance(record, dict) else None


def profile_of(name: str, source: Source) -> pl.LazyFrame:
    """Events by file and month, as `read_profile` counts the rows of files."""
    files = files_of(name, source)
    named = labels(files)
    rows = [
        (named[file], month, count)
        for file in files
        for month, count in (recorded(file) or {}).get("months", {}).items()
        if count
    ]
    schema = {FILE: pl.String, "month": pl.String, "row_count": pl.Int64}
    return pl.LazyFrame(rows, schema, orient="row").sort(FILE, "month")


def with_report(filtered: FilteredRows, name: str, source: Source, months: Sequence[date]) -> FilteredRows:
    """The rows of some months as contracts separate them, with what the engine counted, rejected and set to null.

    A reduced row that is rejected here, such as that of an unknown account, counts for all rows of the source behind it.
    """
    wanted = {f"{month:%Y-%m}": month for month in months} | {UNREADABLE: None}
    files = files_of(name, source)
    named = labels(files)
    records = {file: record for file in files if (record := recorded(file)) and record["month"] in wanted}
    loads, rejected, unreadable = [], [filtered.rejected], [filtered.unreadable]
    for file, record in records.items():
        month = wanted[record["month"]]
        mine = filtered.rejected.filter(pl.col(FILE) == named[file])
        loads.append({"month": month} | _counts(record, file, mine, filtered.loads, month))
        rejected.append(_rejected(record, named[file], month))
        unreadable.append(_unreadable(record, month))
    counted = pl.DataFrame(loads, {"month": pl.Date, **dict.fromkeys((*LOAD_COUNTS, SUMMED), pl.Int64)})
    return FilteredRows(filtered.kept, pl.concat(rejected), counted, pl.concat(unreadable))


def _counts(
    record: dict[str, Any], file: str, rejected: pl.DataFrame, loads: pl.DataFrame, month: date | None
) -> dict[str, int]:
    """LOAD_COUNTS of a month in rows of the source; those that are part of a reduced row count as summed."""
    own = loads.filter(pl.col("month").eq_missing(pl.lit(month, pl.Date)))
    kept = int(own["rows_kept"].sum()) if own.height else 0
    behind = (
        pl.scan_parquet(file)
        .select(STANDS_FOR)
        .with_row_index(ROW, offset=1)
        .filter(pl.col(ROW).is_in(rejected[ROW].to_list()))
        .select(pl.col(STANDS_FOR).sum())
        .collect()
        .item()
    )
    quarantined = int(behind or 0) + record["rejected_rows"] + record["superseded"]
    return {
        "rows_read": record["rows"]
        + record["collapsed"]
        + record["superseded"]
        + record["rejected_rows"]
        + record["left_out"],
        "rows_kept": kept,
        "rows_quarantined": quarantined,
        "duplicates_collapsed": record["collapsed"],
        "rows_left_out": record["left_out"],
        "values_blanked": record["nulled_rows"],
        SUMMED: record["rows"] - int(behind or 0) - kept,
    }


def _rejected(record: dict[str, Any], file: str, month: date | None) -> pl.DataFrame:
    """The first rejected rows of each kind, in the shape of quarantine."""
    rows = [
        {
            FILE: file,
            ROW: None,
            "month": month,
            "reasons": one["reasons"],
            "hint": _hint(one["place"], one["rows"]),
            "record": json.dumps(one["record"], ensure_ascii=False),
        }
        for one in record["rejected"]
    ]
    return pl.DataFrame(rows, QUARANTINE_SCHEMA)


def _hint(place: int, rows: int) -> str:
    return f"row {place:,} of {rows:,} rejected for this; the engine returns the first"


def _unreadable(record: dict[str, Any], month: date | None) -> pl.DataFrame:
    rows: Iterator[dict[str, Any]] = (
        {"month": month, "column_name": one["column"], "word": one["word"], "row_count": one["rows"], "samples": []}
        for one in record["nulled"]
    )
    return pl.DataFrame(list(rows), UNREADABLE_SCHEMA)
