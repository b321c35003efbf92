"""Tables without months that stay as they are as long as what they were made from does not change.

Which they are, and what they depend on, is said by `made_from` of tables.py.
"""

import hashlib
import inspect
from datetime import date
from typing import Any

import polars as pl

from health_assets.contracts.contract import fingerprint
from health_assets.settings import Settings
from health_assets.tables import TABLES, Table
from health_assets.warehouse.code_version import code_version, version_of
from health_assets.warehouse.marts_file import ALL_MONTHS
from health_assets.warehouse.sql import registered
from health_assets.warehouse.storage import Warehouse


def mark_of(warehouse: Warehouse, table: Table, given: dict[str, Any], settings: Settings, as_of: date) -> str | None:
    """A hash of what a table would be made from now: contract, settings, code and inputs; None if it is always made.

    Args:
        warehouse: with the months of its inputs.
        table: without months.
        given: what its transform is called with, by name.
        settings: of the company.
        as_of: the day of the run.
    """
    if table.made_from is None:
        return None
    month = as_of.replace(day=1)
    months = {
        name: sorted(known for known in warehouse.months_of(TABLES[name].relation).items() if known[0] < month)
        for name in table.inputs
        if TABLES[name].monthly
    }
    code = [fingerprint(table.contract), code_version(table), version_of(table.made_from)]
    made_from = table.made_from(**{name: given[name] for name in inspect.signature(table.made_from).parameters})
    found = [*code, settings.fingerprint(*table.settings_sections), month, months, _content(warehouse, made_from)]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:12]


def is_unchanged(warehouse: Warehouse, table: Table, mark: str | None) -> bool:
    """Whether a table was made from what the mark stands for, so that it would come out the same."""
    recorded = warehouse.months_of(table.relation).get(ALL_MONTHS)
    return mark is not None and recorded is not None and recorded[0] == mark and warehouse.fits(table)


def _content(warehouse: Warehouse, rows: pl.LazyFrame) -> tuple[Any, ...] | None:
    """Number of rows and a sum of their hashes, whatever their order."""
    cursor = warehouse.cursor()
    with registered(cursor, "made_from", rows.collect()):
        return cursor.execute("select count(*), sum(hash(made_from)) from made_from").fetchone()
