"""A vendor's tables, as files or a database hold them -> views with the columns that the vendor's SQL reads.

A column that is missing is null in the type that it would have, so that no SQL has to ask for it. A value that cannot be read
in its type stops the query and is named.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from health_assets.sources.formats import SourceError
from health_assets.sources.presets.vendors import PARENT, VendorColumn, VendorTable

SQL_TYPES = {
    "text": "varchar", "key": "varchar", "number": "double", "moment": "timestamptz", "day": "date", "flag": "boolean",
    "json": "json",
}  # fmt: skip
READERS = """
create macro read_moment(t) as case
  when regexp_full_match(t, '\\d{9,10}(\\.\\d+)?') then to_timestamp(t::double)
  when regexp_full_match(t, '\\d{12,13}(\\.0)?') then to_timestamp(t::double / 1000)
  when length(t) > 10 and regexp_matches(t, '(Z| ?UTC| ?GMT|:\\d\\d(\\.\\d+)?[+-]\\d\\d(:?\\d\\d)?)$') then try_cast(
    regexp_replace(regexp_replace(regexp_replace(t, '(Z| ?UTC| ?GMT)$', '+00'), '([+-]\\d\\d)(\\d\\d)$', '\\1:\\2'),
    '([T ]\\d\\d:\\d\\d)([+-])', '\\1:00\\2') as timestamptz)
  else timezone('UTC', try_cast(regexp_replace(t, '([T ]\\d\\d:\\d\\d)$', '\\1:00') as timestamp)) end;
create macro read_day(t) as coalesce(
  case when length(t) <= 10 then try_cast(t as date) end, timezone(current_setting('TimeZone'), read_moment(t))::date);
create macro read_number(t) as try_cast(t as double);
create macro read_flag(t) as case
  when lower(t) in ('true', 't', 'yes', 'y', '1', '1.0') then true
  when lower(t) in ('false', 'f', 'no', 'n', '0', '0.0') then false end;
"""


MISSING = "missing"  # the comment of a view whose table is not there, and whose rows no other table gives
IN_PARENT = "_id_of_parent"  # the column that holds the key of the row that a nested row is in
WRITTEN = {"moment": "a time", "day": "a day", "number": "a number", "flag": "true or false"}


@dataclass(frozen=True)
class Place:
    """Where a value is: a column, and a path into its JSON where there is one."""

    column: str
    kind: str  # DuckDB's type of the column
    path: str = ""


def key_of(name: str) -> str:
    """A name without case and punctuation, by which `AccountId`, `account_id` and `account__id` are the same."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def places_of(column: VendorColumn, there: Iterable[tuple[str, str]]) -> list[Place]:
    """Where a table has the values of a column, in the order in which they count."""
    by_key = {key_of(name): (name, kind) for name, kind in there}
    found = []
    for called in column.called:
        names = [IN_PARENT] if called.startswith(PARENT) else called.split(".")
        for depth in range(len(names), 0, -1):
            if given := by_key.get(key_of(".".join(names[:depth]))):
                found.append(Place(*given, path=".".join(names[depth:])))
                break
    return list(dict.fromkeys(found))


def create_view(database: duckdb.DuckDBPyConnection, vendor: str, table: VendorTable, raw: str) -> set[str]:
    """The view of a table over the one that holds it, by its raw name; the columns that are there.

    Raises:
        SourceError: a column is missing without which the table has no meaning.
    """
    there = [(name, str(kind)) for name, kind, *_ in database.execute(f"describe {quoted(raw)}").fetchall()]
    places = {column.name: places_of(column, there) for column in table.columns}
    for name in table.required:
        if not places[name]:
            names = ", ".join(next(one for one in table.columns if one.name == name).called)
            raise SourceError(
                f"{vendor}: {table.name} has no column {names}; it has {', '.join(name for name, _ in there)}"
            )
    values = [_value(vendor, table, column, places[column.name]) for column in table.columns]
    database.execute(f"create view {quoted(table.name)} as select {', '.join(values)} from {quoted(raw)}")
    return {name for name, found in places.items() if found}


def create_nested_view(database: duckdb.DuckDBPyConnection, vendor: str, table: VendorTable) -> None:
    """The view of a table whose rows are JSON arrays in a column of another view."""
    if table.inside is None:
        raise ValueError(f"{table.name} is not inside another table")
    parent, arrays = table.inside
    found = [_json(Place(root, "JSON", path)) for root, _, path in (array.partition(".") for array in arrays)]
    each = [f"case when json_type({one}) = 'ARRAY' then {one} end" for one in found]
    rows = f"coalesce({', '.join(each)})"
    values = []
    for column in table.columns:
        inside = [Place("element", "JSON", called) for called in column.called if not called.startswith(PARENT)]
        above = [Place(IN_PARENT, "VARCHAR")] if any(called.startswith(PARENT) for called in column.called) else []
        values.append(_value(vendor, table, column, [*inside, *above]))
    elements = f"select id as {IN_PARENT}, unnest(cast({rows} as json[])) as element from {quoted(parent)}"
    database.execute(f"create view {quoted(table.name)} as select {', '.join(values)} from ({elements})")


def create_empty_view(database: duckdb.DuckDBPyConnection, table: VendorTable, comment: str = "") -> None:
    """The view of a table that is not there, with a comment."""
    values = ", ".join(f"null::{SQL_TYPES[column.kind]} as {quoted(column.name)}" for column in table.columns)
    database.execute(f"create view {quoted(table.name)} as select {values} where false")
    database.execute(f"comment on view {quoted(table.name)} is {literal(comment)}")


def _value(vendor: str, table: VendorTable, column: VendorColumn, places: list[Place]) -> str:
    name = quoted(column.name)
    if not places:
        return f"null::{SQL_TYPES[column.kind]} as {name}"
    if column.kind == "json":
        return f"coalesce({', '.join(map(_json, places))}) as {name}"
    text = f"coalesce({', '.join(map(_text, places))})"
    if column.kind == "text":
        return f"{text} as {name}"
    if column.kind == "key":
        return f"regexp_replace({text}, '\\.0$', '') as {name}"
    value = f"coalesce({', '.join(_typed(column.kind, place) for place in places)})"
    where = literal(f"{vendor}: {table.name}.{column.name} cannot be read as {WRITTEN[column.kind]}: ")
    return f"case when {value} is null and {text} is not null then error({where} || {text}) else {value} end as {name}"


def _json(place: Place) -> str:
    column = quoted(place.column)
    whole = f"try_cast({column} as json)" if place.kind == "VARCHAR" else f"to_json({column})"
    return f"json_extract({whole}, {literal(f'$.{place.path}')})" if place.path else whole


def _text(place: Place) -> str:
    if place.path:
        text = f"({_json(place)} ->> '$')"
    elif place.kind == "JSON":
        text = f"({quoted(place.column)} ->> '$')"
    else:
        text = f"{quoted(place.column)}::varchar"
    return f"nullif(trim({text}), '')"


def _typed(kind: str, place: Place) -> str:
    """A value in the type of its column; times without a zone are UTC, as vendors and loaders write them."""
    column = quoted(place.column)
    if not place.path and place.kind.startswith("TIMESTAMP"):
        moment = column if "ZONE" in place.kind else f"timezone('UTC', {column})"
        if kind in ("moment", "day"):
            return moment if kind == "moment" else f"timezone(current_setting('TimeZone'), {moment})::date"
    if not place.path and place.kind == "DATE" and kind in ("moment", "day"):
        return column if kind == "day" else f"timezone('UTC', {column}::timestamp)"
    return f"read_{kind}({_text(place)})"
