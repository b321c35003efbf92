"""Tables as Dagster assets: how each is read, computed, written and described in the Dagster UI."""

import inspect
from collections.abc import Collection, Iterator
from datetime import date
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from health_assets.contracts.contract import available_from, grain, meta, question
from health_assets.contracts.months import period_of
from health_assets.orchestration.groups import group_of
from health_assets.orchestration.io_manager import BY_PERIOD, WHOLE
from health_assets.orchestration.partitions import monthly_partitions
from health_assets.orchestration.preview import short_type
from health_assets.orchestration.pulls import pull_name
from health_assets.settings import Settings
from health_assets.settings.pull import pulled_vendor
from health_assets.settings.source import Source
from health_assets.sources.events.report import with_report
from health_assets.sources.load_warnings import load_warnings
from health_assets.sources.quarantine import FilteredRows, filter_rows
from health_assets.sources.readers import collected, erased_rows, made_keys, read_source
from health_assets.tables import HISTORIES, TABLES, Table
from health_assets.warehouse.code_version import code_version
from health_assets.warehouse.stale_months import files_with, stale_months, written_together
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.unchanged_tables import is_unchanged, mark_of

OWNER = "team:customer-success-operations"
NOT_CONNECTED = {"connected": "no"}


def asset_of(
    table: Table, settings: Settings, *, is_reached: bool = True, is_awaited: bool = False
) -> dg.AssetsDefinition:
    """The Dagster asset of a table: same name, its transform, its contract as description and columns.

    One that no connected source reaches bears a tag and is left out of the daily job, unless it is awaited: a file that
    this product writes itself may connect its source at any time.
    """
    targets = referenced(table) if table.is_staged else {}
    remembered = [HISTORIES[name].name for name in table.histories]
    reads = list(dict.fromkeys([*table.inputs, *remembered, *(target.split(".")[0] for target in targets.values())]))
    extent = {name: BY_PERIOD if table.monthly else None if name in table.inputs else WHOLE for name in reads}
    ins = {name: dg.AssetIn(metadata=extent[name]) for name in reads}
    injected = {name for name in table.injected if name != "period"}

    def compute(context: dg.AssetExecutionContext, **frames: Any) -> Any:
        given = {name: getattr(context.resources, name) for name in injected}
        if table.layer == "raw":
            _warn_of_oddities(context, table, settings)
        if table.monthly:  # as a function: Dagster would run a generator as an op
            return partial(by_months, table, frames, given, context.resources, _requested(context))
        warehouse, as_of = context.resources.open_warehouse, context.resources.as_of
        given |= _histories(table, warehouse, as_of) | {name: frames[name] for name in table.inputs}
        mark = mark_of(warehouse, table, given, context.resources.settings, as_of)
        if is_unchanged(warehouse, table, mark):
            return []
        rows = table.function(**given)
        made = (
            filter_rows(rows, table.contract, _existing(targets, frames), source_of(table, settings))
            if table.is_staged
            else rows
        )
        return [
            (made, mark)
        ]  # to be taken out when it is written: Dagster may keep what a step returns until the run ends

    return dg.asset(
        name=table.name,
        code_version=code_version(table),
        ins=ins,
        deps=_pulls_read(table, settings),
        required_resource_keys=injected | {"open_warehouse", "settings", "as_of"},
        partitions_def=monthly_partitions(settings) if table.monthly else None,
        backfill_policy=dg.BackfillPolicy.single_run() if table.monthly else None,
        group_name=group_of(table, is_reached=is_reached),
        kinds={"polars", "duckdb"} if table.layer != "raw" else {"file", "duckdb"},
        owners=[OWNER],
        tags={} if is_reached or is_awaited else NOT_CONNECTED,
        description=f"{inspect.getdoc(table.contract) or ''}\n\nGrain: {grain(table.contract)}.",
        metadata=_definition_metadata(table),
        freshness_policy=_freshness(table),
    )(compute)


def _pulls_read(table: Table, settings: Settings) -> list[str]:
    """The pulls that a raw table follows."""
    source = settings.sources.get(table.name.removeprefix("raw_")) if table.layer == "raw" else None
    vendors = {pulled_vendor(one, settings.pulled) for one in source.descriptions} if source else set()
    return [pull_name(vendor) for vendor in sorted(filter(None, vendors))]


def _requested(context: dg.AssetExecutionContext) -> list[date]:
    """The months that the run was started for."""
    is_by_month = context.has_partition_key_range or context.has_partition_key
    return [date.fromisoformat(key) for key in context.partition_keys] if is_by_month else []


def by_months(
    table: Table, frames: dict[str, Any], given: dict[str, Any], resources: Any, requested: list[date]
) -> Iterator[tuple[list[date], dict[date, str], pl.LazyFrame | FilteredRows]]:
    """The groups of months to write, each with its rows, computed when the writer needs them."""
    warehouse: Warehouse = resources.open_warehouse
    settings, as_of = resources.settings, resources.as_of
    targets = referenced(table) if table.is_staged else {}
    months, marks = stale_months(warehouse, table, as_of, settings, requested)
    if not months and not warehouse.holds(table.relation):
        yield [], marks, table.contract.create_empty(lazy=True)
    if table.is_staged and months:
        existing = _existing(targets, {reads: read() for reads, read in frames.items() if reads not in table.inputs})
        for group in written_together(warehouse, table, months):
            yield group, marks, _filtered_months(warehouse, table, group, given, existing, settings)
        return
    for group in written_together(warehouse, table, months):
        period = period_of(group, as_of)
        inputs = {name: frames[name](until=period.last_day if TABLES[name].monthly else as_of) for name in table.inputs}
        given_here = given | _histories(table, warehouse, period.last_day)
        given_here |= {"period": period} if "period" in table.injected else {}
        yield group, marks, table.function(**inputs, **given_here)


def _histories(table: Table, warehouse: Warehouse, until: date) -> dict[str, pl.LazyFrame]:
    """The histories that a transform reads, as far as they were seen by a day."""
    return {name: warehouse.read_history(HISTORIES[name], until=until) for name in table.histories}


def _filtered_months(
    warehouse: Warehouse,
    table: Table,
    months: list[date],
    given: dict[str, Any],
    existing: dict[str, pl.Series],
    settings: Settings,
) -> FilteredRows:
    """Some months of an event source from the files that hold them, with the rows without a readable time."""
    raw = TABLES[table.inputs[0]]
    name = raw.name.removeprefix("raw_")
    month = pl.col(str(available_from(table.contract))).dt.truncate("1mo")
    files = files_with(warehouse, raw, months)

    def filtered(by_row: Collection[str]) -> FilteredRows:
        rows = table.function(read_source(name, raw.rows, settings, files, by_row), **given)  # type: ignore[arg-type]
        inside = rows.filter(month.is_null() | month.is_in(months))
        source = source_of(table, settings)
        found = filter_rows(inside, table.contract, existing, source, monthly=True)
        return with_report(found, name, source, months) if source and source.engine else found

    return collected(name, settings, filtered)


def source_of(table: Table, settings: Settings) -> Source | None:
    """How the company describes the source of a staged table."""
    return settings.sources.get(table.name.removeprefix("staged_"))


def referenced(table: Table) -> dict[str, str]:
    """Column -> "table.column" that its values must exist in."""
    columns = table.contract.columns().items()
    return {name: target for name, column in columns if (target := meta(column, "references"))}


def _existing(targets: dict[str, str], frames: dict[str, pl.LazyFrame]) -> dict[str, pl.Series]:
    return {
        column: frames[target.split(".")[0]].select(target.split(".")[1]).unique().collect().to_series()
        for column, target in targets.items()
    }


def _warn_of_oddities(context: dg.AssetExecutionContext, table: Table, settings: Settings) -> None:
    name = table.name.removeprefix("raw_")
    for warning in load_warnings(name, table.rows, settings):  # type: ignore[arg-type]
        context.log.warning(warning)
    if hidden := erased_rows(name, table.rows, settings):  # type: ignore[arg-type]
        context.add_output_metadata({"erased": hidden})
    if made := made_keys(name, table.rows, settings):  # type: ignore[arg-type]
        context.add_output_metadata({"made_keys": ", ".join(made)})


def _definition_metadata(table: Table) -> dict[str, Any]:
    key = table.contract.primary_key()
    columns = [
        dg.TableColumn(
            name=name,
            type=short_type(column.dtype),
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=[name] == key),
        )
        for name, column in table.contract.columns().items()
    ]
    code = inspect.unwrap(table.function).__code__
    place = dg.LocalFileCodeReference(file_path=code.co_filename, line_number=code.co_firstlineno)
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[place]),
        "dagster/table_name": table.relation,
        "question": question(table.contract),
    }


def _freshness(table: Table) -> dg.FreshnessPolicy | None:
    """Marts are expected to be updated daily; 30 hours allow for a late run."""
    from datetime import timedelta

    if table.layer != "mart":
        return None
    return dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26))
