"""Every table by calling its transform: no Dagster, no warehouse, no list of names."""

from datetime import date
from functools import cache

import polars as pl

from health_assets.assets import load_all
from health_assets.contracts.contract import available_from, dtypes, meta
from health_assets.contracts.expressions import Period
from health_assets.contracts.history import VALID_FROM, after_one_load
from health_assets.orchestration.assets import source_of
from health_assets.settings import Settings
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.tables import HISTORIES


def staged_tables(raw: dict[str, pl.LazyFrame], settings: Settings) -> dict[str, pl.DataFrame]:
    """The staged tables of the raw ones: the rows that are kept; raw tables that are not given stay out, as do theirs."""
    return {name: rows.kept for name, rows in filtered_tables(raw, settings).items()}


def filtered_tables(raw: dict[str, pl.LazyFrame], settings: Settings) -> dict[str, FilteredRows]:
    """The staged tables of the raw ones with what is quarantined of each."""
    tables = load_all()

    @cache
    def filtered(name: str) -> FilteredRows:
        table = tables[name]
        rows = table.function(**{reads: raw[reads] for reads in table.inputs}, **_given(table.injected, settings))
        existing = {}
        for column, declared in table.contract.columns().items():
            if target := meta(declared, "references"):
                other, key = target.split(".")
                existing[column] = filtered(other).kept[key]
        return filter_rows(rows, table.contract, existing, source_of(table, settings), monthly=table.monthly)

    return {
        name: filtered(name) for name, table in tables.items() if table.is_staged and set(table.inputs) <= raw.keys()
    }


def evaluated(
    staged: dict[str, pl.DataFrame], settings: Settings, as_of: date, wanted: list[str] | None = None
) -> dict[str, pl.DataFrame]:
    """Facts and marts as of a day: all of them, or those that are wanted. Staged tables not given are empty.

    As in a run, no reader gets a row that was not known by the as-of day.
    """
    tables = load_all()
    period = Period(settings.history_start, as_of)

    @cache
    def made(name: str) -> pl.DataFrame:
        table = tables[name]
        if table.is_staged or table.layer == "raw":
            return staged[name] if name in staged else table.contract.create_empty()
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

    chosen = wanted or [name for name, table in tables.items() if table.layer in ("fact", "mart")]
    return {name: made(name) for name in chosen}


def _given(injected: list[str], settings: Settings, **others: object) -> dict[str, object]:
    known = {"settings": settings, "load_day": settings.load_day, **others}
    return {name: known[name] for name in injected}
