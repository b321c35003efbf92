"""The answer of a query without the rows of erased accounts and users, before it is written to a file.

A month of a query by month that has such rows is fetched in every run, since the database counts more rows than the file has.
"""

from collections.abc import Iterator

import polars as pl
import pyarrow as pa

from health_assets.settings import Settings
from health_assets.settings.source import Description
from health_assets.sources.account_keys import with_our_accounts
from health_assets.sources.columns import Columns, exists
from health_assets.sources.erased import KEYS, Erased, read_list
from health_assets.sources.parsing import respelled
from health_assets.sources.sqlite_files import Answer


def without_erased_rows(answer: Answer, name: str, description: Description, settings: Settings) -> Answer:
    """The same answer, its batches filtered by the columns that hold the keys of accounts and users."""
    erased = read_list(settings)
    if not erased.entries:
        return answer
    return Answer(answer.schema, _others(answer.batches, name, description, settings, erased))


def _others(
    batches: Iterator[pa.RecordBatch], name: str, description: Description, settings: Settings, erased: Erased
) -> Iterator[pa.RecordBatch]:
    mapped = {ours: theirs for theirs, ours in description.mapped}
    theirs = {ours: mapped.get(ours, ours) for ours in KEYS}
    for batch in batches:
        frame = pl.DataFrame([_series(batch, root) for root in _roots(batch, theirs)])
        known = Columns(
            frame.columns, {ours: column for ours, column in theirs.items() if exists(column, frame.schema)}
        )
        keys = frame.lazy().select(known.value(ours, frame.schema).cast(pl.String).alias(ours) for ours in known.theirs)
        spelled = keys.select(respelled(ours, pl.String(), description).alias(ours) for ours in known.theirs)
        found = with_our_accounts(spelled, name, settings).collect()
        listed = [erased.is_listed(found[ours], KEYS[ours]) for ours in known.theirs]
        if listed:
            is_other = ~pl.DataFrame(listed).select(pl.any_horizontal(pl.all())).to_series()
            batch = batch.filter(pa.array(is_other.to_list(), pa.bool_()))
        yield batch


def _roots(batch: pa.RecordBatch, theirs: dict[str, str]) -> list[str]:
    """The columns of the answer that the names reach into."""
    return [
        name for name in batch.schema.names if any(one == name or one.startswith(f"{name}.") for one in theirs.values())
    ]


def _series(batch: pa.RecordBatch, name: str) -> pl.Series:
    """A column as text, or nested as it is; types that Polars does not know, such as UUID, as text too."""
    column = batch.column(name)
    if pa.types.is_nested(column.type):
        return pl.Series(name, pl.from_arrow(column))
    return pl.Series(name, [None if value is None else str(value) for value in column.to_pylist()], pl.String)
