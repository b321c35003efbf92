"""Rows of a database -> a Parquet file in types that every reader here knows, batch by batch."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from health_assets.sources.formats import SourceError
from health_assets.sources.sqlite_files import Answer

MADE_BY = b"health_assets.made_by"  # of which statement a file is the answer
CALENDAR = date(1, 1, 1), date(9999, 12, 31)  # that Python, Polars and DuckDB all know


def written(answer: Answer, file: Path, made_by: str | dict[str, Any]) -> int:
    """Write the rows as they arrive, with what they were made by; the file has its name only when the last is there."""
    schema = pa.schema([pa.field(field.name, _plain(field)) for field in answer.schema])
    repeated = {name for name in schema.names if schema.names.count(name) > 1}
    if repeated:
        raise SourceError(
            f"has more than one column {', '.join(sorted(map(repr, repeated)))}; name them apart with `as`"
        )
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.unfinished")
    rows = 0
    try:
        with pq.ParquetWriter(
            unfinished, schema.with_metadata({MADE_BY: json.dumps(made_by)}), compression="zstd"
        ) as writer:
            for batch in answer.batches:
                columns = [_as(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
                writer.write_batch(pa.record_batch(columns, schema=writer.schema))
                rows += batch.num_rows
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _plain(field: pa.Field) -> pa.DataType:
    """The type that a column is kept in: text for what is neither number, time nor nested."""
    kind = field.type
    if isinstance(kind, pa.BaseExtensionType):
        return pa.string() if kind.extension_name == "arrow.uuid" else kind.storage_type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_field))
    if pa.types.is_dictionary(kind):
        return kind.value_type
    is_text = pa.types.is_null(kind) or pa.types.is_decimal256(kind) or pa.types.is_interval(kind)
    return pa.string() if is_text else kind


def _as(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_timestamp(column.type) or pa.types.is_date32(column.type):
        return _within_calendar(column).cast(wanted)
    if column.type == wanted:
        return column
    if isinstance(column.type, pa.BaseExtensionType) and column.type.extension_name == "arrow.uuid":
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], wanted)
    if isinstance(column, pa.ExtensionArray):
        return column.storage
    if pa.types.is_interval(column.type):
        return pa.array([None if value is None else _iso(*value) for value in column.to_pylist()], wanted)
    if pa.types.is_list(wanted):
        elements = iter(_as(column.flatten(), wanted.value_type).to_pylist())
        lengths = pc.list_value_length(column).to_pylist()
        return pa.array([None if n is None else [next(elements) for _ in range(n)] for n in lengths], wanted)
    return column.cast(wanted)


def _within_calendar(column: pa.Array) -> pa.Array:
    """Days and times; null where they are infinite, or in no year from 1 to 9999."""
    first, last = (pa.scalar(day, pa.date32()).cast(_without_zone(column.type)) for day in CALENDAR)
    plain = column.cast(_without_zone(column.type))
    return pc.if_else(pc.and_(pc.greater_equal(plain, first), pc.less_equal(plain, last)), column, None)


def _without_zone(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit) if pa.types.is_timestamp(kind) else kind


def _iso(months: int, days: int, nanoseconds: int) -> str:
    """An interval as ISO 8601 writes it: P1M2DT3.5S."""
    seconds = f"{nanoseconds / 1e9:.9f}".rstrip("0").rstrip(".")
    given = [f"{months}M" if months else "", f"{days}D" if days else "", f"T{seconds}S" if nanoseconds else ""]
    return f"P{''.join(given)}" if any(given) else "PT0S"
