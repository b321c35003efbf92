"""A run without Dagster: the same transforms, warehouse and checks of the load, at a tenth of the time.

The checks of facts and marts are left out: they evaluate our own arithmetic, so a load that only they would stop counts as
published here.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from health_assets import settings
from health_assets.assets import load_all
from health_assets.contracts.contract import ERROR
from health_assets.orchestration.assets import by_months, referenced, source_of
from health_assets.quality.expectations import evaluated
from health_assets.quality.run_outcome import FOUND
from health_assets.sources.check import check_sources
from health_assets.sources.formats import SourceError
from health_assets.sources.load_warnings import load_warnings
from health_assets.sources.quarantine import filter_rows
from health_assets.tables import HISTORIES, TABLES, Table, reached, source_contracts
from health_assets.warehouse.history import history_of
from health_assets.warehouse.storage import Warehouse


@dataclass(frozen=True)
class Ran:
    """What a run says: why it stopped, if it did; its warnings; what it read from the files, and the figures made of it."""

    stopped: str = ""
    warnings: list[str] = field(default_factory=list)
    contents: dict[str, Any] = field(default_factory=dict)  # of each staged table, with what it remembers
    figures: dict[str, Any] = field(default_factory=dict)


def run(
    settings_file: Path, wanted: Collection[str], figures: dict[str, str], known: dict[str, Any] | None = None
) -> Ran:
    """From the files to the figures; a blocking check of a load stops it.

    Args:
        settings_file: of the company.
        wanted: tables that the figures are read from.
        figures: name -> query.
        known: contents of staged tables of which the figures are known: where all are equal, none is computed.
    """
    load_all()
    try:
        company = settings.load(settings_file)
        check_sources(company, source_contracts())
        with Warehouse.opened(company.warehouse, company.load_day, company.published) as warehouse:
            tables = reached(company.sources)
            warehouse.empty([table for table in TABLES.values() if table not in tables])
            sources = [table for table in tables if table.is_staged or table.layer == "raw"]
            stopped, warnings = _loaded(sources, warehouse, company)
            if stopped:
                return Ran(stopped, warnings)
            contents = {table.name: _content(table, warehouse) for table in sources if table.is_staged}
            if contents == known:
                return Ran("", warnings, contents)
            needed = _needed(wanted)
            for table in tables:
                if table not in sources and table.name in needed:
                    _make(table, warehouse, company)
            found = {name: warehouse.connection.sql(query).fetchall() for name, query in figures.items()}
            return Ran("", warnings, contents, found)
    except (settings.SettingsError, SourceError) as error:
        return Ran(str(error))


def _loaded(tables: list[Table], warehouse: Warehouse, company: settings.Settings) -> tuple[str, list[str]]:
    """Write raw and staged tables; what stops the run, if anything does, and the warnings up to there."""
    warnings: list[str] = []
    for table in tables:
        _make(table, warehouse, company)
        if table.rows is not None:
            warnings += load_warnings(table.name.removeprefix("raw_"), table.rows, company)
        for check, is_error in _broken(table, warehouse, company):
            if is_error:
                return check, warnings
            warnings.append(check)
    return "", warnings


def _content(table: Table, warehouse: Warehouse) -> Any:
    """What a staged table and its history hold, whatever the order of the rows."""
    relations = [table.relation, *([history_of(table)] if table in HISTORIES.values() else [])]
    return [
        warehouse.connection.sql(f"select count(*), sum(hash(given)) from {relation} as given").fetchall()
        for relation in relations
    ]


def _needed(wanted: Collection[str]) -> set[str]:
    """The wanted tables and all that they read."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += TABLES[name].inputs
    return found


def _make(table: Table, warehouse: Warehouse, company: settings.Settings) -> None:
    as_of = company.load_day
    known: dict[str, Any] = {"settings": company, "load_day": company.load_day, "as_of": as_of}
    given = {name: known[name] for name in table.injected if name in known}
    if table.monthly:
        frames = {name: partial(warehouse.read, TABLES[name]) for name in table.inputs}
        frames |= {
            target.split(".")[0]: partial(warehouse.read, TABLES[target.split(".")[0]])
            for target in referenced(table).values()
        }
        resources = SimpleNamespace(open_warehouse=warehouse, settings=company, as_of=as_of)
        for months, marks, rows in by_months(table, frames, given, resources, []):
            warehouse.write_months(table, months, rows, marks)
        return
    given |= {name: warehouse.read_history(HISTORIES[name], until=as_of) for name in table.histories}
    rows = table.function(**{name: warehouse.read(TABLES[name], until=as_of) for name in table.inputs}, **given)
    if table.is_staged:
        existing = {
            column: warehouse.read(TABLES[target.split(".")[0]])
            .select(target.split(".")[1])
            .unique()
            .collect()
            .to_series()
            for column, target in referenced(table).items()
        }
        warehouse.write(table, filter_rows(rows, table.contract, existing, source_of(table, company)))
    else:
        warehouse.write(table, rows)


def _broken(table: Table, warehouse: Warehouse, company: settings.Settings) -> Iterator[tuple[str, bool]]:
    """The failed checks of a staged table, those that stop a run first."""
    if not table.is_staged:
        return
    failed = [
        (expectation, evidence)
        for expectation, passed, evidence in evaluated(table, warehouse, company.load_day, company)
        if not passed
    ]
    for expectation, evidence in sorted(failed, key=lambda one: one[0].severity != ERROR):
        yield f"{table.name}: {expectation.name} {evidence.get(FOUND, evidence)}", expectation.severity == ERROR
