"""Rows of a database -> a Parquet file in types that every reader here knows, batch by batch."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from health_assets.sources.formats import SourceError
from health_assets.sources.sqlite_files import Answer

MADE_BY = b"health_assets.made_by"  # of which statement a file is the answer


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
    if pa.types.is_interval(kind):
        raise SourceError(f"column {field.name!r} is an interval; cast it to text or to a number in the query")
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(_plain(kind.value_field))
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return pa.string() if pa.types.is_null(kind) or pa.types.is_decimal256(kind) else kind


def _as(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if column.type == wanted:
        return column
    if isinstance(column.type, pa.BaseExtensionType) and column.type.extension_name == "arrow.uuid":
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], wanted)
    if isinstance(column, pa.ExtensionArray):
        return column.storage
    if pa.types.is_list(wanted):
        return pa.array(column.to_pylist(), wanted)
    return column.cast(wanted)
