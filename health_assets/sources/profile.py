"""Which months the files of an event-scale source cover, and with how many rows: what says whether they changed.

Parquet files state the first and last time of each row group, so that a file of one month is counted without reading its
rows. Any other file, and any other kind of file, is read.
"""

from collections.abc import Collection, Iterator

import polars as pl

from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings
from health_assets.settings.source import Description
from health_assets.sources.columns import columns_of
from health_assets.sources.erased import read_list
from health_assets.sources.events.report import profile_of
from health_assets.sources.file_names import is_remote, labels
from health_assets.sources.formats import UNREADABLE_FILE, described_files, files_of, kind_of
from health_assets.sources.parsing import FILE, PART, ROW, by_description, typed
from health_assets.sources.readers import read_source

UNREADABLE = "unreadable"  # instead of a month: rows without a readable time
GROUPS = {"first": pl.Int64, "last": pl.Int64, "row_count": pl.Int64}


def read_profile(
    name: str, rows: type[Contract], time: str, settings: Settings, by_row: Collection[str] = ()
) -> pl.LazyFrame:
    """Rows of an event-scale source by file and month of `time`, so that a run knows what changed without copying it.

    Grain: source_file x month ("YYYY-MM" in the company's time zone, or "unreadable").
    """
    source = settings.sources.get(name)
    if source is not None and source.engine:
        return profile_of(name, source)
    whole = read_source(name, rows, settings, by_row=by_row)  # of all files, so that their columns are looked at
    stated = _stated_months(name, rows, time, settings)
    if not stated.is_empty():
        named = labels(files_of(name, source)).values() if source else []
        whole = read_source(name, rows, settings, sorted(set(named) - set(stated[FILE])), by_row)
    given = whole.select(FILE, ROW, PART, time)
    dtype = given.collect_schema()[time]
    moment = by_description(source, lambda one: typed(time, pl.Datetime("us"), dtype, settings, one))
    month = local_date(moment, settings.timezone).dt.strftime("%Y-%m").fill_null(UNREADABLE)
    counted = pl.col(ROW).count()  # not pl.len(): without its other columns a row that is too long would pass
    by_month = given.group_by(FILE, month.alias("month")).agg(row_count=counted.cast(pl.Int64))
    return pl.concat([by_month, stated.lazy()]).sort(FILE, "month")


def _stated_months(name: str, rows: type[Contract], time: str, settings: Settings) -> pl.DataFrame:
    """The files whose row groups each lie in one month; grain: source_file x month, with row_count.

    Empty as soon as somebody is erased: whose rows are in a file is seen only by reading it.

    Args:
        name: the source.
        rows: its raw contract.
        time: the column of ours that says when.
        settings: of the company.
    """
    files = described_files(name, settings.sources[name]) if name in settings.sources else []
    named = labels([file for file, _, _ in files])
    counted = [
        months.select(pl.lit(named[file]).alias(FILE), "month", "row_count")
        for file, _, description in files
        if not read_list(settings).entries
        and (months := _months_of(file, description, rows, time, settings)) is not None
    ]
    none = pl.DataFrame(schema={FILE: pl.String, "month": pl.String, "row_count": pl.Int64})
    # a file may be named twice
    return pl.concat([none, *counted]).group_by(FILE, "month").agg(pl.col("row_count").sum())


def _months_of(
    file: str, description: Description, rows: type[Contract], time: str, settings: Settings
) -> pl.DataFrame | None:
    if kind_of(file) != "parquet" or is_remote(file):
        return None
    try:
        schema = pl.read_parquet_schema(file)
        theirs = columns_of(list(schema), description, rows).theirs.get(time)
        dtype = schema.get(theirs) if theirs else None
        if theirs is None or not isinstance(dtype, pl.Datetime):
            return None
        bounds = list(_bounds(file, theirs))
    except (*UNREADABLE_FILE, ValueError):
        return None  # what is wrong with it is reported when its rows are read
    if not bounds or None in bounds:
        return None
    groups = pl.DataFrame(bounds, GROUPS, orient="row")
    first, last = (_month(groups[bound].cast(dtype).alias(time), settings, description) for bound in ("first", "last"))
    if not first.equals(last):
        return None
    return groups.select("row_count", month=first).group_by("month").agg(pl.col("row_count").sum())


def _month(times: pl.Series, settings: Settings, description: Description) -> pl.Series:
    """The month of times, as it is of those that are read."""
    at = typed(times.name, pl.Datetime("us"), times.dtype, settings, description)
    return times.to_frame().select(local_date(at, settings.timezone).dt.strftime("%Y-%m").alias("month")).to_series()


def _bounds(file: str, column: str) -> Iterator[tuple[int, int, int] | None]:
    """First and last time of each row group with its rows; None for one that does not state them, or has rows without."""
    import pyarrow.parquet as pq

    found = pq.read_metadata(file)
    place = next(i for i in range(found.num_columns) if found.schema.column(i).path == column)
    for number in range(found.num_row_groups):
        group = found.row_group(number)
        stated = group.column(place).statistics
        is_stated = stated is not None and stated.has_min_max and stated.has_null_count and not stated.null_count
        yield (stated.min_raw, stated.max_raw, group.num_rows) if is_stated else None
