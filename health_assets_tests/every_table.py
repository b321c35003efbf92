"""Every table by calling its transform: no Dagster, no warehouse, no list of names."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import TypeVar

import polars as pl

from health_assets.assets import load_all
from health_assets.contracts.contract import available_from, dtypes, meta
from health_assets.contracts.expressions import Period
from health_assets.contracts.history import VALID_FROM, after_one_load
from health_assets.orchestration.assets import source_of
from health_assets.settings import Settings
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.tables import HISTORIES, Table

Value = TypeVar("Value")


def staged_tables(raw: Mapping[str, pl.LazyFrame], settings: Settings) -> Mapping[str, pl.DataFrame]:
    """The staged tables of the raw ones: the rows that are kept; raw tables that are not given stay out, as do theirs."""
    filtered = filtered_tables(raw, settings)
    return OnDemand(filtered, lambda name: filtered[name].kept)


def filtered_tables(raw: Mapping[str, pl.LazyFrame], settings: Settings) -> Mapping[str, FilteredRows]:
    """The staged tables of the raw ones with what is quarantined of each."""
    tables = load_all()

    def filtered(name: str) -> FilteredRows:
        table = tables[name]
        rows = table.function(**{reads: raw[reads] for reads in table.inputs}, **_given(table.injected, settings))
        existing = {}
        for column, declared in table.contract.columns().items():
            if target := meta(declared, "references"):
                other, key = target.split(".")
                existing[column] = made[other].kept[key]
        return filter_rows(rows, table.contract, existing, source_of(table, settings), monthly=table.monthly)

    names = [name for name, table in tables.items() if table.is_staged and set(table.inputs) <= raw.keys()]
    made = OnDemand(names, filtered)
    return made


class OnDemand(Mapping[str, Value]):
    """Values by name, each made when it is first read, and once."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Value]) -> None:
        self._names = list(names)
        self._make = cache(make)

    def __getitem__(self, name: str) -> Value:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def evaluated(
    staged: Mapping[str, pl.DataFrame],
    settings: Settings,
    as_of: date,
    wanted: Iterable[str] | None = None,
    before: dict[tuple[str, frozenset[str]], pl.DataFrame] | None = None,
) -> dict[str, pl.DataFrame]:
    """Facts and marts as of a day: all of them, or those that are wanted. Staged tables not given are empty.

    As in a run, no reader gets a row that was not known by the as-of day. Calls that give some of the same staged tables
    may share `before`: what was made of those that a table depends on is not made again.
    """
    tables = load_all()
    period = Period(settings.history_start, as_of)
    known_before = {} if before is None else before

    def made(name: str) -> pl.DataFrame:
        table = tables[name]
        if table.is_staged or table.layer == "raw":
            return staged[name] if name in staged else table.contract.create_empty()
        made_of = name, _sources(name).intersection(staged)
        if made_of not in known_before:
            known_before[made_of] = computed(table)
        return known_before[made_of]

    def computed(table: Table) -> pl.DataFrame:
        inputs = {reads: read(reads) for reads in table.inputs} | {
            reads: remembered(reads) for reads in table.histories
        }
        rows = table.function(**inputs, **_given(table.injected, settings, as_of=as_of, period=period)).collect()
        return rows.cast(dtypes(table.contract))  # as the warehouse does

    def read(name: str) -> pl.LazyFrame:
        known = available_from(tables[name].contract)
        rows = made(name).lazy()
        return rows if known is None else rows.filter(pl.col(known).cast(pl.Date) <= as_of)

    def remembered(name: str) -> pl.LazyFrame:
        staged_table = HISTORIES[name]
        history = after_one_load(made(staged_table.name).lazy(), staged_table.contract, settings.load_day)
        return history.filter(pl.col(VALID_FROM) <= as_of)

    chosen = [name for name, table in tables.items() if table.layer in ("fact", "mart")] if wanted is None else wanted
    return {name: made(name) for name in chosen}


@cache
def _sources(name: str) -> frozenset[str]:
    """The staged tables that a table depends on."""
    tables = load_all()
    if tables[name].is_staged:
        return frozenset([name])
    read = [*tables[name].inputs, *(HISTORIES[history].name for history in tables[name].histories)]
    return frozenset().union(*map(_sources, read))


def _given(injected: list[str], settings: Settings, **others: object) -> dict[str, object]:
    known = {"settings": settings, "load_day": settings.load_day, **others}
    return {name: known[name] for name in injected}
