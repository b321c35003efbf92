"""The warehouse: two DuckDB files, written by one run at a time, table by table or month by month, each in a transaction.

The second file has dim, fact and mart (marts_file.py). What a month was made from is recorded in the transaction that
writes it; stale_months.py decides which months are out of date.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from health_assets.contracts.contract import available_from, dtypes
from health_assets.contracts.history import VALID_FROM, history_contract
from health_assets.contracts.months import months_after
from health_assets.settings.overwritten import marts_file
from health_assets.sources.quarantine import NOTHING_READ, FilteredRows
from health_assets.tables import Table
from health_assets.warehouse.computing import computed
from health_assets.warehouse.earlier_versions import LaterVersionError, kept_aside, upgrade
from health_assets.warehouse.file_format import create
from health_assets.warehouse.history import create_history, history_of, remember
from health_assets.warehouse.marts_file import (
    MONTHS,
    attach_marts,
    find_marts,
    is_in_marts,
    lay_out_marts,
    months_table,
    record_whole,
)
from health_assets.warehouse.published_load import adopt, create_loads
from health_assets.warehouse.quarantined import LOADS_SCHEMA, replace_quarantine
from health_assets.warehouse.recovery import refuse_cut_file, why_it_does_not_open
from health_assets.warehouse.sql import insert, literal, registered, storable, table_of, use_one_thread_if_small

RECORDED = {"relation": pl.String, "month": pl.Date, "fingerprint": pl.String, "row_count": pl.Int64}
Item = TypeVar("Item")
Connect = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
SCHEMAS = ("raw", "staged", "quarantine", "internal")  # of the first file
CHECKPOINT = "256MB"  # of log; at the default of 16 MB a run stops every few tables to tidy up
MEMORY = "500MB"  # of DuckDB; what it needs beyond that goes to temporary files next to the warehouse


class WarehouseError(Exception):
    """The warehouse file cannot be used; the message says why and what to do."""


@dataclass
class Warehouse:
    """The only connection of a run to its DuckDB files; while it is open no other run can start."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    load_day: date | None = None
    written: dict[str, list[date]] = field(default_factory=dict)  # months written by this run
    submitted: dict[str, Any] = field(default_factory=dict)  # table -> its expectations.Submissions
    accepted: list[tuple[str, str, str, str]] = field(default_factory=list)  # relation, check, finding, user
    descriptions: dict[str, str] = field(default_factory=dict)  # source -> its settings as JSON, as published
    profiles: dict[str, pl.DataFrame] = field(default_factory=dict)  # relation -> its columns, until it is written
    open_files: ExitStack = field(default_factory=ExitStack)  # closed after the connection
    _held: set[str] = field(default_factory=set)  # tables known to exist
    _path: str = ""  # where its cursors look up names

    @classmethod
    @contextmanager
    def opened(
        cls,
        path: Path,
        load_day: date | None = None,
        published: Path | None = None,
        connect: Connect | None = None,
    ) -> Iterator["Warehouse"]:
        """Open the warehouse for one run and close it at its end.

        Args:
            path: of the first file.
            load_day: the day that the files describe, for values without a date; None remembers none of them.
            published: the snapshot, from which a rebuilt warehouse takes over what was loaded before.
            connect: how the first file is opened, where the run shares it with other users in this process.

        Raises:
            WarehouseError: another run holds it, or a file was damaged and has been renamed.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        had_log = path.with_name(f"{path.name}.wal").exists()
        with ExitStack() as open_files, ExitStack() as stack:
            try:
                create(path)
                connection = stack.enter_context(connect() if connect else closing(duckdb.connect(str(path))))
                refuse_cut_file(connection, path, had_log=had_log)
                connection.execute(f"set memory_limit = '{MEMORY}'; set checkpoint_threshold = '{CHECKPOINT}'")
            except duckdb.Error as error:
                stack.close()
                raise WarehouseError(why_it_does_not_open(path, str(error))) from None
            try:
                _create_schemas(connection)
            except LaterVersionError as error:
                raise WarehouseError(f"{path}: {error}") from None
            try:
                attach_marts(connection, path)
            except duckdb.Error as error:
                stack.close()
                raise WarehouseError(why_it_does_not_open(marts_file(path), str(error))) from None
            lay_out_marts(connection, path)
            use_one_thread_if_small(connection)
            if published:
                adopt(connection, published)
            yield cls(connection, path, load_day, open_files=open_files)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A cursor that finds the schemas of both files."""
        cursor = self.connection.cursor()
        self._path = find_marts(cursor, self._path)
        return cursor

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(
        self, table: Table, *, until: date | None = None, since: date | None = None, as_stored: bool = False
    ) -> pl.LazyFrame:
        """A table in its contract's dtypes, rows known by the evening of `until` only; monthly tables lazily.

        A lazy frame reads through a cursor of its own and must be collected while the warehouse is open. With
        `as_stored`, as checks need it, enums stay text, so that a word that is not allowed is seen.
        """
        if not self.holds(table.relation):
            return table.contract.create_empty(lazy=True)
        wanted = dtypes(table.contract)
        if as_stored:
            wanted = {name: pl.String() if isinstance(dtype, pl.Enum) else dtype for name, dtype in wanted.items()}
        known, bounds = available_from(table.contract), {"<=": until, ">=": since}
        inside = " and ".join(f"{known}::date {sign} date '{day}'" for sign, day in bounds.items() if known and day)
        query = f"select {', '.join(wanted)} from {table.relation} where {inside or 'true'}"
        rows = self._scanned(query) if table.monthly else self.cursor().sql(query).pl().lazy()
        return rows.cast(dict(wanted))

    def read_history(self, table: Table, *, until: date) -> pl.LazyFrame:
        """The undated values of a staged table that were seen by a day, in the dtypes of contracts.history."""
        contract, relation = history_contract(table.contract), history_of(table)
        if not self.holds(relation):
            return contract.create_empty(lazy=True)
        columns, key = ", ".join(dtypes(contract)), ", ".join(contract.primary_key())
        seen = f"select {columns} from {relation} where {VALID_FROM} <= {literal(until)} order by {key}"
        return self.cursor().sql(seen).pl().lazy().cast(dict(dtypes(contract)))

    def _scanned(self, query: str) -> pl.LazyFrame:
        """A query as a lazy frame; each place of a plan that reads it has a cursor of its own, as two cannot share one."""

        def scan(
            columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, _batch_size: int | None
        ) -> Iterator[pl.DataFrame]:
            rows = self.cursor().sql(query).pl(lazy=True)
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows if columns is None else rows.select(columns)
            rows = rows if row_limit is None else rows.head(row_limit)
            # in batches, so that in memory there is only what is kept of them
            yield from rows.collect_batches(maintain_order=True, engine="streaming")

        shape = self.cursor().sql(f"{query} limit 0").pl().schema
        return register_io_source(scan, schema=shape, is_pure=True)

    def holds(self, relation: str) -> bool:
        """Whether a table exists; none is ever dropped."""
        if not self._held:
            names = self.cursor().execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
            self._held.update(name for (name,) in names)
        return relation in self._held

    def row_count(self, relation: str) -> int:
        """Rows of a table."""
        return int(self.cursor().execute(f"select count(*) from {relation}").fetchall()[0][0])

    # -- writing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing, in one of the two files: whatever is raised inside leaves the warehouse as it was."""
        cursor = self.cursor()
        cursor.execute("begin")
        try:
            yield cursor
        except BaseException:
            cursor.execute("rollback")
            raise
        cursor.execute("commit")

    def write(self, table: Table, rows: pl.LazyFrame | FilteredRows, mark: str | None = None) -> int:
        """Replace a whole table, recording what it was made from, if given, and its quarantine. Returns the rows written."""
        with self.transaction() as cursor:
            kept = rows.kept if isinstance(rows, FilteredRows) else computed(self, table, rows)
            self._lay_out(cursor, table)
            insert(cursor, table.relation, kept)
            if mark is not None:
                record_whole(cursor, table.relation, mark, kept.height)
            if isinstance(rows, FilteredRows):
                replace_quarantine(cursor, table, rows, None)
            if table.is_staged and self.load_day:
                remember(cursor, table, self.load_day)
                self._held.add(history_of(table))
        self._held.add(table.relation)
        self.profiles.pop(table.relation, None)
        return kept.height

    def empty(self, tables: Sequence[Table]) -> None:
        """Tables that nothing connected reaches are there, with their columns, and hold no row."""
        for in_marts in (False, True):
            with self.transaction() as cursor:
                for table in (table for table in tables if is_in_marts(table.relation) is in_marts):
                    if not self.fits(table) or self.row_count(table.relation):
                        self._lay_out(cursor, table)
                    if table.is_staged:
                        replace_quarantine(cursor, table, NOTHING_READ, None)
        self._held.update(table.relation for table in tables)
        self.profiles.clear()

    def write_months(
        self,
        table: Table,
        months: Sequence[date],
        rows: pl.LazyFrame | pl.DataFrame | FilteredRows,
        marks: dict[date, str],
    ) -> int:
        """Replace neighbouring months of a table and record what they were made from. Returns the rows written."""
        known = available_from(table.contract)
        day = pl.col(str(known)).cast(pl.Date)
        first, end = (months[0], months_after(months[-1], 1)) if months else (date.max, date.max)
        with self.transaction() as cursor:
            if not self.fits(table):
                with kept_aside(cursor, table, is_held=self.holds(table.relation)):
                    self._lay_out(cursor, table)
            made = rows.kept if isinstance(rows, FilteredRows) else computed(self, table, rows, months)
            kept = made.filter(day >= first, day < end)
            cursor.execute(
                f"delete from {table.relation} where {known} >= {literal(first)} and {known} < {literal(end)}"
            )
            insert(cursor, table.relation, kept)
            if isinstance(rows, FilteredRows):
                replace_quarantine(cursor, table, rows, list(months))
            by_day = kept.group_by(day=day).len()  # these few are truncated faster than the day of each row
            counts = dict(by_day.group_by(pl.col("day").dt.truncate("1mo")).agg(pl.col("len").sum()).iter_rows())
            written = [(table.relation, month, marks[month], counts.get(month, 0)) for month in months]
            with registered(cursor, "written", pl.DataFrame(written, RECORDED, orient="row")):
                cursor.execute(f"insert or replace into {months_table(table.relation)} by name from written")
            if table.is_staged:
                is_written = f"relation = {literal(table.relation)} and month in {literal(months)}"
                cursor.execute(f"delete from internal.deleted_months where {is_written}")
        self._held.add(table.relation)
        self.profiles.pop(table.relation, None)
        self.written.setdefault(table.name, []).extend(months)
        return kept.height

    def fits(self, table: Table) -> bool:
        """Whether the stored table has the contract's columns, in order and type."""
        if not self.holds(table.relation):
            return False
        stored = self.cursor().sql(f"from {table.relation} limit 0").pl()
        return stored.schema == storable(table.contract.create_empty()).schema

    def _lay_out(self, cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
        """Create the table again, without rows and without recorded months."""
        cursor.execute(f"create or replace table {table_of(table.relation, dtypes(table.contract))}")
        cursor.execute(f"delete from {months_table(table.relation)} where relation = {literal(table.relation)}")

    # -- months -------------------------------------------------------------------------------------------------------

    def months_of(self, relation: str) -> dict[date, tuple[str, int]]:
        """What is recorded of a monthly table: month -> (fingerprint, rows)."""
        recorded = f"from {months_table(relation)} where relation = {literal(relation)}"
        rows = self.cursor().execute(f"select month, fingerprint, row_count {recorded}")
        return {month: (mark, count) for month, mark, count in rows.fetchall()}


def _create_schemas(connection: duckdb.DuckDBPyConnection) -> None:
    """Schemas and the tables about the others, where they are missing; what an earlier version kept there is dropped."""
    for schema in SCHEMAS:
        connection.execute(f"create schema if not exists {schema}")
    connection.execute(f"create table if not exists internal.months {MONTHS}")
    connection.execute(
        "create table if not exists internal.deleted_months (relation varchar, month date, primary key (relation, month))"
    )
    connection.execute(f"create table if not exists {table_of('quarantine.loads', LOADS_SCHEMA)}")
    upgrade(connection)
    create_loads(connection)
    create_history(connection)


def made_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made on another thread while the one before it is used: computed while DuckDB writes."""
    with ThreadPoolExecutor(max_workers=1) as worker:
        coming = worker.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = worker.submit(next, items, None)
            yield item
