"""What is known of a vendor: its tables, their columns and other names, and the SQL of each source."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.formats import SourceError

FOLDER = Path(__file__).parent
TYPES = ("text", "key", "number", "moment", "day", "flag", "json")
PARENT = "^"  # ^id is the key of the row that a nested row is in


@dataclass(frozen=True)
class VendorColumn:
    """A column that the SQL of a vendor reads."""

    name: str
    kind: str  # one of TYPES
    called: tuple[str, ...]  # what it may be called, in the order in which they are looked up; dots reach into JSON


@dataclass(frozen=True)
class VendorTable:
    """A table that the SQL of a vendor reads."""

    name: str
    called: tuple[str, ...]
    columns: tuple[VendorColumn, ...]
    required: tuple[str, ...]  # columns without which the table has no meaning
    inside: tuple[str, tuple[str, ...]] | None  # another table, and its column that holds the rows as a JSON array
    instead_of: str | None  # another table that says more; while that is there, nobody misses this one


def vendors() -> list[str]:
    """The names of the presets."""
    return sorted(file.parent.name for file in FOLDER.glob("*/tables.yml"))


def sources_of(vendor: str) -> list[str]:
    """The sources that a vendor's data give."""
    return sorted(file.stem for file in (FOLDER / vendor).glob("*.sql") if file.stem != "macros")


def sql_of(vendor: str, source: str) -> str:
    """The SQL of a source.

    Raises:
        SourceError: there is no such preset, or the vendor's data do not give the source.
    """
    if vendor not in vendors():
        raise SourceError(
            f"there is no preset {vendor!r}{did_you_mean(vendor, vendors())}; there are {', '.join(vendors())}"
        )
    if source not in sources_of(vendor):
        raise SourceError(f"preset {vendor} has no {source}; it has {', '.join(sources_of(vendor))}")
    return (FOLDER / vendor / f"{source}.sql").read_text(encoding="utf-8")


def macros_of(vendor: str) -> str:
    """Functions that the SQL of a vendor shares; empty where it has none."""
    file = FOLDER / vendor / "macros.sql"
    return file.read_text(encoding="utf-8") if file.exists() else ""


@cache
def tables_of(vendor: str) -> dict[str, VendorTable]:
    """The tables of a vendor."""
    described = yaml.safe_load((FOLDER / vendor / "tables.yml").read_text(encoding="utf-8"))
    return {name: _table(name, table) for name, table in described.items()}


def read_by(vendor: str, sql: str) -> list[VendorTable]:
    """The tables that a statement reads, with those that they are inside of."""
    tables = tables_of(vendor)
    names = set(re.findall(r"\w+", re.sub(r"--[^\n]*", "", sql))) & set(tables)
    while parents := {inside[0] for name in names if (inside := tables[name].inside)} - names:
        names |= parents
    return [table for name, table in tables.items() if name in names]


def needed_by(sql: str, there: Collection[str] | None = None) -> set[str]:
    """The tables without which a statement has no meaning, as its comments say; the others may be missing.

    `-- needs a, b`; and `-- needs c without a.price` where a table is needed only if another has no such column.

    Args:
        sql: of a source.
        there: columns that the vendor's tables have, as `table.column`; without them the second kind is left out.
    """
    needed: set[str] = set()
    for tables, _, columns in re.findall(r"^-- needs (.+?)( without (.+))?$", sql, re.MULTILINE):
        if not columns or (there is not None and not set(columns.split(", ")) & set(there)):
            needed |= set(tables.split(", "))
    return needed


def _table(name: str, described: dict[str, Any]) -> VendorTable:
    inside = described.get("inside")
    return VendorTable(
        name,
        (name, *described.get("called", ())),
        tuple(_column(column, given) for column, given in described["columns"].items()),
        tuple(described.get("required", ())),
        (inside["table"], tuple(inside["at"])) if inside else None,
        described.get("instead_of"),
    )


def _column(name: str, given: str) -> VendorColumn:
    """`moment created_at createdAt`: the type, then other names."""
    kind, *others = given.split()
    if kind not in TYPES:
        raise ValueError(f"{name}: {kind!r} is not one of {', '.join(TYPES)}")
    return VendorColumn(name, kind, (name, *others))
