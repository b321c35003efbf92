"""A preset, ready to be read: DuckDB with the views that the vendor's SQL reads, over files or over tables of a database."""

import glob
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from health_assets.settings import Settings
from health_assets.settings.pull import pulled_vendor
from health_assets.settings.source import Description
from health_assets.sources.databases import (
    Connection,
    DatabaseTable,
    answered_by_duckdb,
    connected,
    no_such_schema,
    over_files,
)
from health_assets.sources.formats import SourceError
from health_assets.sources.landing import written
from health_assets.sources.presets.vendors import VendorTable, macros_of, needed_by, read_by, sql_of
from health_assets.sources.presets.views import (
    IN_PARENT,
    MISSING,
    READERS,
    create_empty_view,
    create_nested_view,
    create_view,
    key_of,
    literal,
    places_of,
    quoted,
)

CHILD, PARENT_KEY = "_dlt_parent_id", "_dlt_id"  # by which dlt joins the rows of a list to the row that it was in
READ = {  # ending -> how DuckDB reads it; text where the file is text
    ".csv": "read_csv([{}], all_varchar = true, union_by_name = true)",
    ".tsv": "read_csv([{}], all_varchar = true, union_by_name = true)",
    ".parquet": "read_parquet([{}], union_by_name = true)",
    ".json": "read_json([{}], maximum_depth = 1, union_by_name = true)",
    ".jsonl": "read_json([{}], maximum_depth = 1, union_by_name = true)",
    ".ndjson": "read_json([{}], maximum_depth = 1, union_by_name = true)",
}


@contextmanager
def opened_preset(
    description: Description, source: str, settings: Settings, limit: int | None = None
) -> Iterator[Connection]:
    """What answers the SQL of a vendor, for the `with` block.

    Args:
        description: with the preset.
        source: one that the vendor's data give.
        settings: of the company.
        limit: rows that are fetched of each table of a database; 0 shows whether all are there.

    Raises:
        SourceError: the vendor or source is not known, or a table or column that it needs is missing.
    """
    vendor = str(description.preset)
    sql = sql_of(vendor, source)
    with over_files(settings.folder, settings.timezone) as database, tempfile.TemporaryDirectory() as landed:
        database.execute(READERS + macros_of(vendor))
        missing, there = list[VendorTable](), set[str]()
        for table in _in_order(read_by(vendor, sql)):
            if raw := _raw(database, table, description, settings, Path(landed), limit):
                there |= {f"{table.name}.{column}" for column in create_view(database, vendor, table, raw)}
            elif _is_nested(table, there):
                create_nested_view(database, vendor, table)
                there |= {f"{table.name}.{column.name}" for column in table.columns}
            else:
                missing.append(table)
        for table in sorted(missing, key=lambda one: one.name not in needed_by(sql)):
            if table.name in needed_by(sql, there):
                raise SourceError(_lacks(vendor, table, description, settings))
            is_missed = table.instead_of is None or table.instead_of in {one.name for one in missing}
            create_empty_view(database, table, MISSING if is_missed else "")
        yield Connection(None, lambda statement: answered_by_duckdb(database, statement), str, "")


def missing_tables(source: str, settings: Settings) -> str:
    """The tables that the presets of a source would read and that are not there, as a sentence; blank if there are none.

    Raises:
        SourceError: as opened_preset does.
    """
    missing: dict[str, set[str]] = {}
    described = settings.sources.get(source)
    for description in described.descriptions if described else []:
        if description.preset:
            with opened_preset(description, source, settings, limit=0) as database:
                views = f"select view_name from duckdb_views() where comment = {literal(MISSING)}"
                found = {str(name) for batch in database.answer(views).batches for name in batch.column(0).to_pylist()}
            missing.setdefault(description.preset, set()).update(found)
    return "; ".join(
        f"tables of {vendor} that are not there: {', '.join(sorted(tables))}"
        for vendor, tables in missing.items()
        if tables
    )


def _is_nested(table: VendorTable, there: set[str]) -> bool:
    """Whether the rows of a table are in a column of another, which is there."""
    if table.inside is None:
        return False
    parent, arrays = table.inside
    return any(f"{parent}.{array.partition('.')[0]}" in there for array in arrays)


def _lacks(vendor: str, table: VendorTable, description: Description, settings: Settings) -> str:
    if pulled_vendor(description, settings.pulled):
        return f"{table.name} has not been pulled from {vendor} yet; run `health-assets pull {vendor}`"
    nested = [f"{array} in {table.inside[0]}" for array in table.inside[1]] if table.inside else []
    wanted = f"{vendor}: needs {' or '.join([*table.called, *nested])}"
    if description.connection is None:
        return f"{wanted}; there is {', '.join(file.name for file in _all_files(description)) or 'nothing that can be read'}"
    with connected(description.connection, settings.timezone) as database:
        tables = sorted(_tables_of(database, description))
        if tables:
            return (
                f"{wanted}; there is {', '.join(tables)} (only tables that this user has the right to read are listed)"
            )
        if description.database_schema:
            return f"{wanted}; {no_such_schema(database, [description.database_schema])}"
    return f"{wanted}; there is no table that this user has the right to read"


def _in_order(tables: list[VendorTable]) -> list[VendorTable]:
    """Tables that are inside others after those."""
    inside = {table.name: table.inside[0] for table in tables if table.inside}

    def depth(name: str) -> int:
        return 1 + depth(inside[name]) if name in inside else 0

    return sorted(tables, key=lambda table: depth(table.name))


def _exists(database: duckdb.DuckDBPyConnection, view: str) -> bool:
    found = database.execute("select count(*) from duckdb_views() where view_name = ?", [view]).fetchone()
    return bool(found and found[0])


def _raw(
    database: duckdb.DuckDBPyConnection,
    table: VendorTable,
    description: Description,
    settings: Settings,
    landed: Path,
    limit: int | None,
) -> str | None:
    """The name of a relation that holds a table of the vendor, under its own column names; None where there is none."""
    if description.connection is not None:
        reads = _landed(table, description, settings, landed, limit)
    else:
        reads = _read_files(_files_of(table, description)) or None
    if reads is None:
        return None
    name = f"raw_{table.name}"
    database.execute(f"create view {quoted(name)} as {reads}")
    parent = f"raw_{table.inside[0]}" if table.inside else ""
    if (
        parent
        and _exists(database, parent)
        and {CHILD, PARENT_KEY} <= {*_columns(database, name), *_columns(database, parent)}
    ):
        joined = f"{name}_of_parent"
        database.execute(
            f"create view {quoted(joined)} as select child.*, parent.id as {IN_PARENT} from {quoted(name)} as child "
            f"join {quoted(parent)} as parent on parent.{PARENT_KEY} = child.{CHILD}"
        )
        return joined
    return name


def _columns(database: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [str(name) for name, *_ in database.execute(f"describe {quoted(relation)}").fetchall()]


def _read_files(files: list[Path]) -> str:
    """The statement that reads the files of one table."""
    reads = []
    for ending, read in READ.items():
        same = [literal(str(file)) for file in files if _ending(file) == ending]
        reads += [f"select * from {read.format(', '.join(same))}"] if same else []
    return " union all by name ".join(reads)


def _files_of(table: VendorTable, description: Description) -> list[Path]:
    """The files that a table is in, named after it, or in a folder that is."""
    there = _all_files(description)
    for called in table.called:
        names = {key_of(called), key_of(f"{description.preset}{called}")}
        if found := [file for file in there if names & {_bare(file.stem), key_of(file.parent.name)}]:
            return found
    return []


def _all_files(description: Description) -> list[Path]:
    found: list[Path] = []
    for path in [description.path] if isinstance(description.path, str) else description.path:
        for match in sorted(glob.glob(path, recursive=True)):
            inside = sorted(Path(match).rglob("*")) if Path(match).is_dir() else [Path(match)]
            found += [file for file in inside if _ending(file) in READ and file.stat().st_size > 0]
    return found


def _ending(file: Path) -> str:
    return Path(file.name.lower().removesuffix(".gz")).suffix


def _bare(stem: str) -> str:
    """The name of a file without endings, and without the date or number that exports append."""
    return key_of(re.sub(r"([-_. ]?\d{2,})+$", "", stem.partition(".")[0]))


def _landed(
    table: VendorTable, description: Description, settings: Settings, folder: Path, limit: int | None
) -> str | None:
    """The columns that the vendor's SQL reads, fetched into a file; None where the database has no such table."""
    with connected(str(description.connection), settings.timezone) as database:
        there = _tables_of(database, description)
        names = {key_of(name): name for name in there}
        keys = [key_of(one) for called in table.called for one in (called, f"{description.preset}{called}")]
        name = next((names[key] for key in keys if key in names), None)
        if name is None:
            return None
        columns = [(column, "VARCHAR") for column in there[name].columns]
        wanted = {CHILD, PARENT_KEY} | {place.column for one in table.columns for place in places_of(one, columns)}
        listed = ", ".join(database.quoted(column) for column in there[name].columns if column in wanted)
        file = folder / f"{table.name}.parquet"
        statement = f"select {listed or '*'} from {there[name].relation}"
        written(database.answer(statement if limit is None else database.limited(statement, limit)), file, "")
    return f"select * from read_parquet({literal(str(file))})"


def _tables_of(database: Connection, description: Description) -> dict[str, DatabaseTable]:
    """The tables by name.

    Raises:
        SourceError: without a schema, the same name is in several.
    """
    if description.database_schema:
        return database.tables(description.database_schema)
    found: dict[str, DatabaseTable] = {}
    for table in database.tables(None).values():
        if other := found.get(table.name):
            both = f"{other.schema} and {table.schema}"
            raise SourceError(f"{table.name} is in the schemas {both}; name the one that is meant with database_schema")
        found[table.name] = table
    return found
