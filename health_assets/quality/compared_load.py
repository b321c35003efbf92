"""A staged table that was just written, and its last published load: what every comparison of loads starts from."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from health_assets.contracts.contract import available_from, dtypes
from health_assets.settings import Settings
from health_assets.sources.columns import given_columns
from health_assets.sources.readers import made_keys
from health_assets.tables import TABLES, Table
from health_assets.warehouse.published_load import described, keys_of
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

SAMPLES = 3


def profile_of(table: Table, warehouse: Warehouse, as_of: date) -> dict[str, dict[str, Any]]:
    """Column -> its description as it was just written, for which the rows are read once in a run."""
    profiles = warehouse.profiles
    if table.relation not in profiles:
        profiles[table.relation] = described(warehouse.cursor(), table, as_of)
    return {row["column_name"]: row for row in profiles[table.relation].to_dicts()}


@dataclass(frozen=True)
class Load:
    """A staged table that was just written, and its last published load."""

    table: Table
    cursor: duckdb.DuckDBPyConnection
    warehouse: Warehouse
    as_of: date
    settings: Settings

    @property
    def source(self) -> str:
        """Its name in the settings."""
        return self.table.name.removeprefix("staged_")

    @cached_property
    def now(self) -> dict[str, dict[str, Any]]:
        """Column -> its description as it was just written."""
        return profile_of(self.table, self.warehouse, self.as_of)

    @cached_property
    def before(self) -> dict[str, dict[str, Any]]:
        """Column -> its description; empty if the source was not connected or had no row."""
        query = f"from loads.columns where relation = {literal(self.table.relation)} and row_count > 0"
        return {row["column_name"]: row for row in self.cursor.sql(query).pl().to_dicts()}

    @cached_property
    def rows(self) -> int:
        """Rows of the table."""
        return self.warehouse.row_count(self.table.relation)

    @cached_property
    def has_keys(self) -> bool:
        """Whether the file has stable keys: neither a hash of the row, nor one per daily snapshot."""
        raw = TABLES.get(f"raw_{self.source}")
        is_made = raw is not None and raw.rows is not None and made_keys(self.source, raw.rows, self.settings)
        return (
            bool(self.columns_by_key)
            and not is_made
            and available_from(self.table.contract) not in self.table.contract.primary_key()
        )

    @cached_property
    def given(self) -> list[str]:
        """The columns that come from files."""
        raw = TABLES.get(f"raw_{self.source}")
        ours = list(dtypes(self.table.contract))
        return [name for name in ours if name in given_columns(raw.rows)] if raw and raw.rows else ours

    @property
    def since(self) -> str:
        """With which load it is compared, in words."""
        return f"since the load published as of {self.last_day}"

    @property
    def last_day(self) -> date:
        """The as-of day of the load that was published last."""
        day: date = next(iter(self.before.values()))["as_of_date"]
        return day

    @cached_property
    def columns_by_key(self) -> set[str]:
        """The columns that are known key by key of the load that was published last."""
        rows = self.cursor.execute(
            "select column_name from duckdb_columns() where database_name = current_database() "
            f"and schema_name || '.' || table_name = {literal(keys_of(self.table))}"
        )
        return {name for (name,) in rows.fetchall()}

    def one(self, query: str) -> tuple[Any, ...]:
        """The only row of a query."""
        return self.cursor.execute(query).fetchone() or ()


def and_more(found: list[str]) -> str:
    """How many there are beyond those that are shown."""
    return f" and {len(found) - SAMPLES} more" if len(found) > SAMPLES else ""
