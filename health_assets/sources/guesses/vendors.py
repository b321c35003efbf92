"""Whether files or tables are those of a vendor that has a preset."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from health_assets.sources.presets.vendors import VendorTable, needed_by, sources_of, sql_of, tables_of
from health_assets.sources.presets.views import key_of, places_of

MARKS = 2  # columns that only this vendor has, of which so many must be there


def presets_for(tables: Mapping[str, list[str]]) -> dict[str, tuple[str, set[str]]]:
    """The sources that a vendor's preset reads from tables with these columns: the vendor, and the tables that it takes."""
    found: dict[str, tuple[str, set[str]]] = {}
    columns = {key_of(column) for names in tables.values() for column in names}
    for vendor, marks in _marks().items():
        if len({key_of(mark) for mark in marks} & columns) < MARKS:
            continue
        for source in sources_of(vendor):
            needed = [table for name, table in tables_of(vendor).items() if name in needed_by(sql_of(vendor, source))]
            read = {table.name: _found(vendor, table, tables) for table in needed}
            own = {name for name in read.values() if name}
            nested = all(read[table.name] or (table.inside and read.get(table.inside[0])) for table in needed)
            if needed and own and nested and source not in found:
                found[source] = vendor, own
    return found


def tables_taken(vendor: str, tables: Mapping[str, list[str]]) -> set[str]:
    """All tables of a vendor, also those that no source needs, and older ones that hold the same under another name."""
    return {name for table in tables_of(vendor).values() for name in _all_found(vendor, table, tables)}


def _found(vendor: str, table: VendorTable, tables: Mapping[str, list[str]]) -> str | None:
    return next(_all_found(vendor, table, tables), None)


def _all_found(vendor: str, table: VendorTable, tables: Mapping[str, list[str]]) -> Iterator[str]:
    by_key = {key_of(name).removeprefix(vendor): name for name in tables}
    for called in table.called:
        name = by_key.get(key_of(called))
        if name is None:
            continue
        there = [(column, "VARCHAR") for column in tables[name]]
        places = {column.name: places_of(column, there) for column in table.columns}
        if all(places[required] for required in table.required):
            yield name


@cache
def _marks() -> dict[str, list[str]]:
    marks: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "marks.yml").read_text(encoding="utf-8"))
    return marks


def priority_of(vendor: str) -> int:
    """The place of a vendor among those that have the same source; the lowest counts."""
    return list(_marks()).index(vendor)
