"""What is deleted after a while: the raw rows of months that are over, and what was quarantined of them.

Only tables of event scale are kept month by month; every other staged table, and its quarantine, holds what the files hold
now. The daily facts that were made from the rows stay, so no published figure changes. That the rows of a month were
deleted is recorded in the transaction that deletes them: the month is then not made anew from nothing, but its rows are read
from the files again when a table needs them (stale_months.py).
"""

from datetime import date

from health_assets.contracts.contract import available_from
from health_assets.contracts.months import months_before
from health_assets.settings import Settings
from health_assets.tables import TABLES, Table
from health_assets.warehouse.quarantined import UNREADABLE, quarantine_of
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

DELETED = "internal.deleted_months"
RAW_MONTHS_READ = 3  # a month of a fact is made from raw rows of so many months before it at most


def first_kept_month(as_of: date, settings: Settings) -> date | None:
    """The first month whose raw rows stay; None if they all do."""
    kept = settings.maintenance.keep_raw_months
    return None if kept is None else months_before(as_of.replace(day=1), kept)


def deleted_months(warehouse: Warehouse, table: Table) -> set[date]:
    """The months of a table whose raw rows were deleted."""
    rows = warehouse.cursor().execute(f"select month from {DELETED} where relation = {literal(table.relation)}")
    return {month for (month,) in rows.fetchall()}


def delete_old_rows(warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, int]:
    """Delete what is older than the settings keep. Returns the rows that were deleted, by relation.

    To be called after the checks and before the snapshot is published: the next load is compared with what is left.
    """
    counted: dict[str, int] = {}
    first = first_kept_month(as_of, settings)
    months = settings.maintenance.keep_quarantine_months
    first_quarantined = None if months is None else months_before(as_of.replace(day=1), months)
    for table in TABLES.values():
        if not (table.is_staged and table.monthly and warehouse.holds(table.relation)):
            continue
        if first is not None:
            counted[table.relation] = _delete_raw_rows(warehouse, table, first)
        if first_quarantined is not None:
            quarantine = quarantine_of(table)
            old = f"delete from {quarantine} where month < {literal(first_quarantined)}"
            counted[quarantine] = counted.get(quarantine, 0) + _deleted(warehouse, old)
    return {relation: rows for relation, rows in counted.items() if rows}


def _delete_raw_rows(warehouse: Warehouse, table: Table, first: date) -> int:
    """Delete the rows before a month, with their counts, so that the counts that are left add up."""
    known, old = available_from(table.contract), f"month < {literal(first)}"
    of_table = f"relation = {literal(table.relation)} and {old}"
    warehouse.profiles.pop(table.relation, None)
    with warehouse.transaction() as cursor:
        cursor.execute(
            f"insert or replace into {DELETED} select relation, month from internal.months where {of_table} and row_count > 0"
        )
        cursor.execute(f"delete from quarantine.loads where {of_table}")
        cursor.execute(f"delete from {UNREADABLE} where {of_table}")
        cursor.execute(f"delete from {quarantine_of(table)} where {old}")
        return int(cursor.execute(f"delete from {table.relation} where {known} < {literal(first)}").fetchall()[0][0])


def _deleted(warehouse: Warehouse, statement: str) -> int:
    with warehouse.transaction() as cursor:
        return int(cursor.execute(statement).fetchall()[0][0])
