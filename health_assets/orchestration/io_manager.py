"""How tables get in and out of the run's warehouse, and what the Dagster UI shows of each write."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, partial
from typing import Any

import dagster as dg
import polars as pl

from health_assets.contracts.contract import dtypes
from health_assets.orchestration.preview import preview
from health_assets.quality.expectations import Submission, expectations_of, submit, submit_others, waits_for
from health_assets.reporting.mart_charts import image
from health_assets.settings import Settings
from health_assets.sources.quarantine import FilteredRows
from health_assets.tables import TABLES, Table
from health_assets.warehouse.computing import computed
from health_assets.warehouse.quarantined import load_counts, quarantine_reasons
from health_assets.warehouse.storage import Warehouse, made_ahead

BY_PERIOD = {"read": "by period"}
ROWS_KEPT = 5_000  # of a table that is kept in memory for its next reader
WHOLE = {"read": "whole"}  # keys that exist: a row is no orphan because its account signs up after the as-of day


class TableIOManager(dg.IOManager):
    """Tables in and out of the run's warehouse; no transform gets a row that was not known by the as-of day."""

    def __init__(self, warehouse: Warehouse, as_of: date, settings: Settings) -> None:
        self.warehouse = warehouse
        self.as_of = as_of
        self.settings = settings
        self._rows: dict[str, int] = {}  # of the tables that this run has written
        self._kept: dict[tuple[str, date | None], pl.LazyFrame] = {}

    def load_input(self, context: dg.InputContext) -> pl.LazyFrame | Callable[..., pl.LazyFrame]:
        """The frame of a table; for monthly transforms a function of the days that they need."""
        table = TABLES[context.asset_key.path[-1]]
        wanted = (context.definition_metadata or {}).get("read")
        if wanted == BY_PERIOD["read"]:
            return partial(self._read, table)
        return self._read(table, until=None if wanted == WHOLE["read"] else self.as_of)

    def _read(self, table: Table, *, until: date | None = None, since: date | None = None) -> pl.LazyFrame:
        """A table as the warehouse has it; a small one, which many transforms read, is kept from its first reader on."""
        if table.monthly or since or self._rows.get(table.name, ROWS_KEPT + 1) > ROWS_KEPT:
            return self.warehouse.read(table, until=until, since=since)
        key = (table.name, until)
        if key not in self._kept:
            self._kept[key] = self.warehouse.read(table, until=until).collect().lazy()
        return self._kept[key]

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write a whole table, or the months that the transform hands over one after the other."""
        table = TABLES[context.asset_key.path[-1]]
        if table.monthly:
            requested = set(context.asset_partition_keys) if context.has_asset_partitions else set()
            groups = (
                (
                    months,
                    marks,
                    rows if isinstance(rows, FilteredRows) else computed(self.warehouse, table, rows, months),
                )
                for months, marks, rows in obj()
            )
            for months, marks, rows in made_ahead(groups):
                self.warehouse.write_months(table, months, rows, marks)
                for month in months:
                    if month.isoformat() not in requested:
                        context.log_event(dg.AssetMaterialization(context.asset_key, partition=month.isoformat()))
        elif obj:  # nothing is passed where the table stays as it is
            rows, mark = obj.pop()
            self.warehouse.write(table, rows, mark)
        self._rows[table.name] = self.warehouse.row_count(table.relation)
        self._kept = {key: rows for key, rows in self._kept.items() if key[0] != table.name}
        self.warehouse.submitted[table.name] = list(self._submitted(table))
        context.add_output_metadata(self._described(table))

    def _submitted(self, table: Table) -> Iterator[Submission]:
        """Everything that can be evaluated by now; what compares a load, or tables yet to be written, is not."""
        submission = submit(table, self.warehouse)
        yield submission
        awaited = {name for expectation in expectations_of(table) for name in waits_for(table, expectation)}
        if awaited <= self._rows.keys() and not table.is_staged:
            yield submit_others(table, submission, self.warehouse, self.settings, self.as_of)

    def _described(self, table: Table) -> dict[str, Any]:
        shown: dict[str, Any] = {"dagster/row_count": self._rows[table.name]}
        if table.monthly and not self.warehouse.written.get(table.name):
            shown["months_written"] = 0
        elif table.monthly:
            shown["months_written"] = len(self.warehouse.written[table.name])
        cursor = self.warehouse.cursor()
        shown["dagster/column_lineage"] = _lineage(table.name)
        shown["preview"] = dg.MetadataValue.md(preview(table, cursor))
        if drawn := image(table.name, cursor, self.settings):
            shown["chart"] = dg.MetadataValue.md(drawn)
        if table.is_staged:
            loaded = load_counts(cursor, table)
            shown["quarantined_rows"] = loaded["rows_quarantined"]
            shown |= {count: loaded[count] for count in ("duplicates_collapsed", "rows_left_out", "values_blanked")}
            if shown["quarantined_rows"]:
                shown["quarantine_reasons"] = quarantine_reasons(cursor, table)
        if "risk_level" in dtypes(table.contract) and "account_id" in table.contract.primary_key():
            at_risk = cursor.execute(f"select count(*) from {table.relation} where risk_level in ('high', 'critical')")
            shown["at_risk_accounts"] = int(at_risk.fetchone()[0])  # type: ignore[index]
        return shown


@cache
def _lineage(table_name: str) -> dg.TableColumnLineage:
    """Which columns of the inputs have the same name and type; what is computed under a new name has no lineage here."""
    table = TABLES[table_name]
    deps = {
        name: [
            dg.TableColumnDep(asset_key=dg.AssetKey(upstream), column_name=name)
            for upstream in table.inputs
            if dtypes(TABLES[upstream].contract).get(name) == dtype
        ]
        for name, dtype in dtypes(table.contract).items()
    }
    return dg.TableColumnLineage({name: found for name, found in deps.items() if found})
