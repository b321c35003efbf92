"""SQLite files, which have a type per value: their answers get a type per column."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

BATCH_ROWS = 50_000  # of an answer that are in memory at a time


@dataclass(frozen=True)
class Answer:
    """The rows of a query as they arrive."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def answered_by_sqlite(file: sqlite3.Connection, statement: str) -> Answer:
    """SQLite has a type per value: a column is text if one of its values is, a number if all are."""
    cursor = file.execute(statement)
    names = [name for name, *_ in cursor.description or []]
    if not names:
        raise ValueError("must be a single SELECT")
    quoted = [f'"{name.replace(chr(34), chr(34) * 2)}"' for name in names]
    kinds = ", ".join(
        f"max(typeof({name}) in ('text', 'blob')), max(typeof({name}) = 'real'), count({name})" for name in quoted
    )
    found = file.execute(f"select {kinds} from ({statement})").fetchone()
    types = [_sqlite_type(*found[place : place + 3]) for place in range(0, len(found), 3)]
    schema = pa.schema(list(zip(names, types, strict=True)))

    def batches() -> Iterator[pa.RecordBatch]:
        while rows := list(islice(cursor, BATCH_ROWS)):
            columns = [_values(values, kind) for values, kind in zip(zip(*rows, strict=True), types, strict=True)]
            yield pa.record_batch(columns, schema=schema)

    return Answer(schema, batches())


def _sqlite_type(has_text: int | None, has_fractions: int | None, filled: int) -> pa.DataType:
    if has_text or not filled:
        return pa.string()
    return pa.float64() if has_fractions else pa.int64()


def _values(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return pa.array([value if value is None or isinstance(value, str) else _text(value) for value in values], kind)
    return pa.array(values, kind)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def sqlite_columns(_: str | None) -> str:
    """The statement that lists all tables with their columns."""
    return (
        "select null as s, m.name, p.name as c from sqlite_master m join pragma_table_info(m.name) p where m.type in ('table', 'view') "
        "and m.name not like 'sqlite_%' order by m.name, p.cid"
    )
