"""The warehouse: one DuckDB file, written by one run at a time, table by table or month by month, each in a transaction.

What a month was made from is recorded in the transaction that writes it, so a run can tell which months are out of date.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from polars.io.plugins import register_io_source

from health_assets.contracts import dtypes, fingerprint, known_from, meta
from health_assets.expressions import Period
from health_assets.gate import NOTHING_READ, QUARANTINE_SCHEMA, Gated
from health_assets.parsing import typed
from health_assets.settings import Settings
from health_assets.sources import UNREADABLE
from health_assets.tables import TABLES, Table

ROWS_PER_WRITE = 2_000_000  # months are computed together up to about so many rows
MEMORY = "1GB"  # of DuckDB; what it needs beyond that goes to files beside the warehouse


class WarehouseError(Exception):
    """The warehouse file cannot be used; the message says why and what to do."""


@dataclass
class Warehouse:
    """The only connection of a run to its DuckDB file; while it is open no other run can start."""

    connection: duckdb.DuckDBPyConnection
    path: Path
    written: dict[str, list[date]] = field(default_factory=dict)  # months written by this run
    asked: dict[str, Any] = field(default_factory=dict)  # verdicts.Asked: tables of this run that are being judged
    _held: set[str] = field(default_factory=set)  # tables known to exist

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["Warehouse"]:
        """Open the warehouse for one run and close it at its end.

        Raises:
            WarehouseError: another run holds it, or the file was damaged and has been put aside.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            had_log = path.with_name(f"{path.name}.wal").exists()
            connection = duckdb.connect(str(path))
            _refuse_cut_file(connection, path, had_log=had_log)
            connection.execute(f"set memory_limit = '{MEMORY}'")
        except duckdb.Error as error:
            raise WarehouseError(_cannot_open(path, str(error))) from None
        try:
            for schema in ("raw", "staged", "dim", "fact", "mart", "quarantine", "house"):
                connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                "create table if not exists house.months "
                "(relation varchar, month date, fingerprint varchar, row_count bigint, primary key (relation, month))"
            )
            connection.execute(
                "create table if not exists quarantine.loads (relation varchar, month date, rows_read bigint, "
                "rows_kept bigint, rows_quarantined bigint, duplicates_collapsed bigint, values_blanked bigint)"
            )
            connection.execute(
                "create table if not exists house.accepted "
                "(relation varchar, column_name varchar, row_count bigint, median double)"
            )
            yield cls(connection, path)
        finally:
            connection.close()

    # -- reading ------------------------------------------------------------------------------------------------------

    def read(
        self, table: Table, *, until: date | None = None, since: date | None = None, judged: bool = False
    ) -> pl.LazyFrame:
        """A table in its contract's dtypes, rows known by the evening of `until` only; monthly tables lazily.

        A lazy frame reads through a cursor of its own and must be collected while the warehouse is open. To be judged,
        enums stay the text that is stored, so that a word that is none of theirs is seen.
        """
        if not self.holds(table.relation):
            return table.contract.create_empty(lazy=True)
        known = known_from(table.contract)
        bounds = []
        if known and until:
            bounds.append(f"{known}::date <= date '{until}'")
        if known and since:
            bounds.append(f"{known}::date >= date '{since}'")
        where = f" where {' and '.join(bounds)}" if bounds else ""
        columns = ", ".join(dtypes(table.contract))
        query = f"select {columns} from {table.relation}{where}"
        frame = self._scanned(query) if table.monthly else self.connection.cursor().sql(query).pl().lazy()
        wanted = dtypes(table.contract)
        if judged:
            wanted = {name: pl.String() if isinstance(dtype, pl.Enum) else dtype for name, dtype in wanted.items()}
        return frame.cast(dict(wanted))

    def _scanned(self, query: str) -> pl.LazyFrame:
        """A query as a lazy frame; each place of a plan that reads it has a cursor of its own, as two cannot share one."""

        def scan(
            columns: list[str] | None, predicate: pl.Expr | None, row_limit: int | None, _batch_size: int | None
        ) -> Iterator[pl.DataFrame]:
            rows = self.connection.cursor().sql(query).pl(lazy=True)
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows if columns is None else rows.select(columns)
            yield (rows if row_limit is None else rows.head(row_limit)).collect()

        shape = self.connection.cursor().sql(f"{query} limit 0").pl().schema
        return register_io_source(scan, schema=shape, is_pure=True)

    def holds(self, relation: str) -> bool:
        """Whether a table exists; none is ever dropped."""
        if relation in self._held:
            return True
        schema, name = relation.split(".")
        found = self.connection.cursor().execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, name]
        )
        if found.fetchone() is None:
            return False
        self._held.add(relation)
        return True

    def row_count(self, relation: str) -> int:
        """Rows of a table."""
        return self.connection.cursor().execute(f"select count(*) from {relation}").fetchone()[0]  # type: ignore[index]

    # -- writing ------------------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """All or nothing: whatever is raised inside leaves the warehouse as it was."""
        cursor = self.connection.cursor()
        cursor.execute("begin")
        try:
            yield cursor
        except BaseException:
            cursor.execute("rollback")
            raise
        cursor.execute("commit")

    def write(self, table: Table, rows: pl.LazyFrame | Gated) -> int:
        """Replace a whole table; gated rows bring their quarantine along. Returns the rows written."""
        with self.transaction() as cursor:
            kept = rows.kept if isinstance(rows, Gated) else _collected(table, rows)
            _create(cursor, table)
            _insert(cursor, table.relation, kept)
            if isinstance(rows, Gated):
                _quarantine(cursor, table, rows, None)
        return kept.height

    def empty(self, tables: Iterable[Table]) -> None:
        """Tables that nothing connected reaches are there, with their columns, and hold no row."""
        with self.transaction() as cursor:
            for table in tables:
                if not self._fits(table) or self.row_count(table.relation):
                    _create(cursor, table)
                    cursor.execute("delete from house.months where relation = ?", [table.relation])
                if table.is_gated:
                    _quarantine(cursor, table, NOTHING_READ, None)

    def write_months(
        self, table: Table, months: Sequence[date], rows: pl.LazyFrame | Gated, marks: dict[date, str]
    ) -> int:
        """Replace some months of a table and record what they were made from. Returns the rows written."""
        known = known_from(table.contract)
        in_months = pl.col(known).dt.truncate("1mo").is_in(list(months))  # type: ignore[arg-type]
        with self.transaction() as cursor:
            if not self._fits(table):
                _create(cursor, table)
                cursor.execute("delete from house.months where relation = ?", [table.relation])
            kept = (rows.kept if isinstance(rows, Gated) else _collected(table, rows)).filter(in_months)
            for month in months:
                after = (month + timedelta(days=32)).replace(day=1)
                cursor.execute(f"delete from {table.relation} where {known} >= ? and {known} < ?", [month, after])
            _insert(cursor, table.relation, kept)
            if isinstance(rows, Gated):
                _quarantine(cursor, table, rows, list(months))
            counts: dict[date, int] = dict(kept.group_by(pl.col(known).dt.truncate("1mo")).len().iter_rows())  # type: ignore[arg-type]
            for month in months:
                cursor.execute(
                    "insert or replace into house.months values (?, ?, ?, ?)",
                    [table.relation, month, marks[month], counts.get(month, 0)],
                )
        self.written.setdefault(table.name, []).extend(months)
        return kept.height

    def _fits(self, table: Table) -> bool:
        """Whether the table as it lies in the file has the contract's columns, in order and type."""
        cursor = self.connection.cursor()
        cursor.register("shape", _storable(table.contract.create_empty()))
        wanted = cursor.execute("select column_name, column_type from (describe shape)").fetchall()
        if not self.holds(table.relation):
            return False
        return wanted == cursor.execute(f"select column_name, column_type from (describe {table.relation})").fetchall()

    # -- months -------------------------------------------------------------------------------------------------------

    def months_of(self, relation: str) -> dict[date, tuple[str, int]]:
        """What is recorded of a monthly table: month -> (fingerprint, rows)."""
        rows = self.connection.cursor().execute(
            "select month, fingerprint, row_count from house.months where relation = ?", [relation]
        )
        return {month: (mark, count) for month, mark, count in rows.fetchall()}

    def stale_months(
        self, table: Table, as_of: date, settings: Settings, requested: Iterable[date] = ()
    ) -> tuple[list[date], dict[date, str]]:
        """The months that a run has to write, and the fingerprint that each then gets.

        A month is out of date when it is missing, was written under another contract or for fewer of its days, when
        what came in for it has changed, or when somebody asked for it; the current month always is, and in its first
        three days the one before.
        """
        marks = self._fingerprints(table, as_of, settings)
        recorded = self.months_of(table.relation)
        current = as_of.replace(day=1)
        always = {current, *requested} | ({(current - timedelta(days=1)).replace(day=1)} if as_of.day <= 3 else set())
        foreign = not self._fits(table)
        always |= self._months_of_changed_orphans(table, settings)
        return [
            month
            for month, mark in marks.items()
            if foreign or month in always or recorded.get(month, (None, 0))[0] != mark
        ], marks

    def _months_of_changed_orphans(self, table: Table, settings: Settings) -> set[date]:
        """Months with quarantined orphans whose key exists by now, or with rows whose key exists no longer."""
        if not table.is_gated or not self.holds(table.relation):
            return set()
        quarantined = self.connection.cursor().sql(f"select month, reasons, record from {_quarantine_of(table)}").pl()
        spelling = settings.sources.get(table.name.removeprefix("staged_"))
        known = known_from(table.contract)
        months: set[date] = set()
        for column, declared in table.contract.columns().items():
            if target := meta(declared, "references"):
                reads, key = target.split(".")
                keys = self.read(TABLES[reads]).select(key).unique().collect()
                orphans = quarantined.filter(pl.col("reasons").list.contains(f"{column}__orphan")).select(
                    "month", pl.col("record").str.json_path_match(f"$.{column}").alias(column)
                )
                found = orphans.filter(
                    typed(column, pl.String(), pl.String(), settings, spelling).is_in(keys[key].implode())
                )
                months.update(found["month"].drop_nulls())
                cursor = self.connection.cursor()
                cursor.register("existing", keys)
                left = cursor.execute(
                    f"select distinct date_trunc('month', {known})::date from {table.relation} "
                    f"where {column} not in (select {key} from existing)"
                )
                months.update(month for (month,) in left.fetchall())
                cursor.unregister("existing")
        return months

    def _fingerprints(self, table: Table, as_of: date, settings: Settings) -> dict[date, str]:
        """Month -> hash of the contract, the settings it uses, its last day, and what came in up to it."""
        monthly_inputs = [TABLES[name] for name in table.inputs if TABLES[name].monthly]
        upstream = {name.name: self.months_of(name.relation) for name in monthly_inputs}
        arrivals = [self._arrivals(TABLES[name]) for name in table.inputs if not TABLES[name].monthly]
        first = min(set[date]().union(*upstream.values(), *arrivals), default=None)
        if first is None:
            return {}
        basis = fingerprint(table.contract) + settings.fingerprint(*table.settings_sections)
        if table.is_gated and (spelling := settings.sources.get(table.name.removeprefix("staged_"))):
            basis += spelling.model_dump_json(exclude={"path"})
        basis += "".join(self._timeless(TABLES[name]) for name in table.inputs)
        marks = {}
        for month in months_between(max(first, settings.history_start), as_of):
            start = None if table.lookback_months is None else months_before(month, table.lookback_months)
            made_from = [
                sorted((m, *mark) for m, mark in known.items() if m <= month and (start is None or m >= start))
                for known in upstream.values()
            ] + [
                sorted((m, str(n)) for m, n in known.items() if m <= month and (start is None or m >= start))
                for known in arrivals
            ]
            shape = (basis, min(end_of_month(month), as_of), made_from)
            marks[month] = hashlib.sha256(repr(shape).encode()).hexdigest()[:12]
        return marks

    def _timeless(self, table: Table) -> str:
        """Hash of what an input says of all days alike, e.g. which event is which feature; empty where it says nothing."""
        columns = [name for name, column in table.contract.columns().items() if meta(column, "timeless")]
        if not columns or not self.holds(table.relation):
            return ""
        rows = self.connection.cursor().execute(f"select {', '.join(columns)} from {table.relation} order by all")
        return hashlib.sha256(repr(rows.fetchall()).encode()).hexdigest()

    def _arrivals(self, table: Table) -> dict[date, object]:
        """What an input holds by the month from which it is known; by file for the profile of an event source."""
        if not self.holds(table.relation):
            return {}
        if table.rows is not None and "month" in dtypes(table.contract):
            rows = self.connection.cursor().execute(
                f"select month, list((source_file, row_count) order by source_file) from {table.relation} "
                f"where month <> '{UNREADABLE}' group by month"
            )
            return {date.fromisoformat(f"{month}-01"): files for month, files in rows.fetchall()}
        known = known_from(table.contract)
        if known is None:
            return {}
        if table.is_gated:
            return self._contents(table, known)
        rows = self.connection.cursor().execute(
            f"select date_trunc('month', {known})::date, count(*) from {table.relation} where {known} is not null group by 1"
        )
        return dict(rows.fetchall())

    def _contents(self, table: Table, known: str) -> dict[date, object]:
        """A sum of hashes by month, so that a row that is corrected in place is seen.

        Each date of a row counts in its own month, together with what every row always has; so a payment changes the
        month in which it was made, not that of the invoice. States without a date (enums, flags) change nothing.
        """
        columns = table.contract.columns().items()
        dates = [name for name, column in columns if column.dtype.is_temporal()]
        always = [
            name
            for name, column in columns
            if not column.nullable and column.dtype != pl.Boolean and not isinstance(column.dtype, pl.Enum)
        ]
        row = ", ".join(f'"{name}"' for name in always)
        each_date = " union all ".join(
            f"select greatest(date_trunc('month', {name}), date_trunc('month', {known}))::date as month, "
            f"hash('{name}', {name}, {row}) as content from {table.relation} where {name} is not null"
            for name in dates
        )
        rows = self.connection.cursor().execute(
            f"select month, count(*), sum(content) from ({each_date}) where month is not null group by month"
        )
        return {month: content for month, *content in rows.fetchall()}

    def files_with(self, raw: Table, months: Sequence[date]) -> list[str]:
        """The files of an event source that have rows in some months, or rows without a readable time."""
        rows = self.connection.cursor().execute(
            f"select distinct source_file from {raw.relation} where month = ? or month in (select unnest(?))",
            [UNREADABLE, [f"{month:%Y-%m}" for month in months]],
        )
        return sorted(file for (file,) in rows.fetchall())

    def _rows_by_month(self, table: Table) -> dict[date, int]:
        """Rows of a monthly table, or of the files of an event source, by month; empty for any other table."""
        if table.monthly:
            return {month: count for month, (_, count) in self.months_of(table.relation).items()}
        if table.rows is None or "month" not in dtypes(table.contract):
            return {}
        return {month: sum(count for _, count in files) for month, files in self._arrivals(table).items()}  # type: ignore[attr-defined]

    def written_together(self, table: Table, months: Sequence[date]) -> Iterator[list[date]]:
        """Neighbouring months in groups small enough for memory, by the rows of the inputs in them."""
        sizes = [self._rows_by_month(TABLES[name]) for name in table.inputs]
        members = self.row_count("dim.account") if self.holds("dim.account") else 0
        group: list[date] = []
        rows = 0
        for month in months:
            size = max(members * 31, *(known.get(month, 0) for known in sizes))
            if group and (rows + size > ROWS_PER_WRITE or month != months_after(group[-1], 1)):
                yield group
                group, rows = [], 0
            group.append(month)
            rows += size
        if group:
            yield group


def period_of(months: Sequence[date], as_of: date) -> Period:
    """The days of neighbouring months, up to the as-of day."""
    return Period(months[0], min(end_of_month(months[-1]), as_of))


def months_between(first: date, last: date) -> list[date]:
    """First days of the months from one day's to another's."""
    return (
        pl.date_range(first.replace(day=1), last.replace(day=1), "1mo", eager=True).to_list() if first <= last else []
    )


def months_before(month: date, count: int) -> date:
    """The month so many months earlier."""
    return months_after(month, -count)


def months_after(month: date, count: int) -> date:
    """The month so many months later."""
    years, months = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(years, months + 1, 1)


def end_of_month(month: date) -> date:
    """The last day of a month."""
    return months_after(month, 1) - timedelta(days=1)


def _collected(table: Table, rows: pl.LazyFrame) -> pl.DataFrame:
    wanted = dtypes(table.contract)
    collected = rows.collect(engine="streaming" if table.monthly else "auto")
    if set(collected.columns) != set(wanted):
        missing, extra = set(wanted) - set(collected.columns), set(collected.columns) - set(wanted)
        raise ValueError(
            f"{table.name}: the transform and its contract disagree: lacks {missing}, has {extra} too many"
        )
    return collected.select(list(wanted)).cast(dict(wanted))


def _create(cursor: duckdb.DuckDBPyConnection, table: Table) -> None:
    cursor.register("shape", _storable(table.contract.create_empty()))
    # "with no data": after `select * from` an empty frame, DuckDB 1.5 hides a bulk insert of the same transaction
    cursor.execute(f"create or replace table {table.relation} as from shape with no data")
    cursor.unregister("shape")


def _insert(cursor: duckdb.DuckDBPyConnection, relation: str, rows: pl.DataFrame) -> None:
    if rows.height:
        cursor.register("incoming", _storable(rows))
        cursor.execute(f"insert into {relation} by name select * from incoming")
        cursor.unregister("incoming")


def _storable(rows: pl.DataFrame) -> pl.DataFrame:
    """Enums as text: DuckDB would make a type of each list of words."""
    return rows.with_columns(
        pl.col(name).cast(pl.String) for name, dtype in rows.schema.items() if isinstance(dtype, pl.Enum)
    )


def _quarantine(cursor: duckdb.DuckDBPyConnection, table: Table, gated: Gated, months: list[date] | None) -> None:
    """Replace what is quarantined of a table, or of some months of it and of the rows without a readable time."""
    relation = _quarantine_of(table)
    cursor.register("shape", pl.DataFrame(schema=QUARANTINE_SCHEMA))
    cursor.execute(f"create table if not exists {relation} as from shape with no data")
    cursor.unregister("shape")
    replaced = "true" if months is None else "(month is null or month in (select unnest(?)))"
    values = [] if months is None else [months]
    cursor.execute(f"delete from {relation} where {replaced}", values)
    cursor.execute(f"delete from quarantine.loads where relation = '{table.relation}' and {replaced}", values)
    _insert(cursor, relation, gated.rejected)
    _insert(cursor, "quarantine.loads", gated.loads.with_columns(relation=pl.lit(table.relation)))


def _quarantine_of(table: Table) -> str:
    return f"quarantine.{table.name.split('_', 1)[1]}"


def holder_of(error: str) -> str | None:
    """The process that holds the warehouse, if that is what DuckDB complains of."""
    holder = re.search(r"PID (\d+)", error)
    return holder[1] if holder else None


def _refuse_cut_file(connection: duckdb.DuckDBPyConnection, path: Path, *, had_log: bool) -> None:
    """DuckDB opens a file whose end is missing, and fails later where a block is read that is not there.

    Each used block has a place of its own in the file; free ones at its end are cut off by DuckDB itself, and a log that
    is read on opening uses blocks that are not written yet.
    """
    size = connection.execute("select used_blocks * block_size from pragma_database_size()").fetchone()
    if size and not had_log and path.stat().st_size < size[0]:
        connection.close()
        raise duckdb.IOException(f"it has {path.stat().st_size:,} bytes of more than {size[0]:,}")


def _cannot_open(path: Path, error: str) -> str:
    if process := holder_of(error):
        return (
            f"{path}: another run (process {process}) is writing the warehouse; wait for it to end, or stop it, "
            "and start again. Readers use the published snapshot meanwhile"
        )
    said = f"{path}: cannot be opened as a DuckDB file ({error.splitlines()[0]})"
    if re.search(r"version number|permission denied|no space left", error, re.IGNORECASE):
        return f"{said}; nothing was changed"
    if not _is_ours(path):
        return f"{said}; move it aside and run again: the warehouse is rebuilt from the sources"
    return f"{said}; kept aside as {_put_aside(path).name}. Run again: the warehouse is rebuilt from the sources"


def _is_ours(path: Path) -> bool:
    """Whether the file began its life as a DuckDB file; anything else may be named by mistake and is left alone."""
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _put_aside(path: Path) -> Path:
    """Rename a damaged file and its log, so that they can be looked at and the next run starts anew."""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%dT%H%M%S}")
    log = path.with_name(f"{path.name}.wal")
    if log.exists():
        log.rename(aside.with_name(f"{aside.name}.wal"))
    return path.rename(aside)
