"""What a BI tool or `describe` shows of the snapshot: a comment on every table, view and column."""

import duckdb

from health_assets.contracts.contract import grain, question
from health_assets.tables import TABLES, Table
from health_assets.warehouse.sql import literal

ALWAYS_NULL = "Null in every row of this snapshot: not measured, or its source is not connected"
OF_SCHEMAS = {
    "quarantine": "Rows of {name} that could not be kept, with their reasons",
    "history": "Values of {name} that have no date of their own, each with the load days between which it was seen",
    "loads": "Keys and values of {name} as last published, with which the next load is compared",
    "entity": "View under the name that the customer experience guide uses; its columns are those of dim and mart",
    "metrics": "View under the name that the customer experience guide uses; its columns are those of dim and mart",
}
OF_TABLES = {
    "main.about": "The company, the as-of day, and when and by which run the snapshot was published",
    "main.sources": "Last day of each connected source, and the age at which it is stale",
    "main.rule_versions": "Version of each alert rule; levels of different versions are not compared",
    "quarantine.loads": "Rows read, kept, quarantined, collapsed and left out, by table and month",
    "quarantine.unreadable_values": "Values that became null because they could not be read, by column and word",
    "loads.accepted": "Loads that were stopped by a check and published anyway, with who accepted them",
    "loads.columns": "Filled values, sums and words of each column as last published",
    "history.loads": "The load days of each source",
}
OF_COLUMNS = {
    "source_file": "File, with its folder",
    "source_row": "Number of the row within its file, from 1 after the header",
    "reasons": "Names of the rules that the row breaks",
    "hint": "How to fix it, where that is known",
    "record": "The row as JSON",
    "month": "Month that the row belongs to; null where its source is not read by month",
    "valid_from": "Load day on which the value was first seen",
    "valid_to": "Load day on which another value was seen; null for the newest",
    "source": "Source, as the settings name it",
    "load_day": "Day on which the source was loaded",
    "is_published": "Whether that load was published",
    "relation": "Table",
    "rows_read": "Rows in the files",
    "rows_kept": "Rows in the staged table",
    "rows_quarantined": "Rows in the quarantine table",
    "rows_summed": "Events that an engine added to a reduced row",
    "duplicates_collapsed": "Rows equal to another one, kept once",
    "rows_left_out": "Rows left out by the `where` of the source",
    "values_blanked": "Values that became null because they could not be read",
    "company": "Name of the company",
    "as_of_date": "As-of day",
    "published_at": "When the snapshot was published, UTC",
    "run_id": "Run that published the snapshot",
    "last_day": "Last day with a row; of a source that could not be pulled, the last day that its pulls cover",
    "pull_failure": "Why the source could not be pulled from its API; null where it could, or comes from elsewhere",
    "stale_after_days": "Age in days from which the source is stale; null = never",
    "check_name": "Check that stopped the load",
    "finding": "What it found",
    "accepted_by": "User who published the load anyway",
    "accepted_at": "When, UTC",
}


def add_comments(connection: duckdb.DuckDBPyConnection) -> None:
    """Describe every table, view and column of the snapshot that the connection is open on, in one transaction.

    Those that bear their comment already are left as they are; the others are sent as one string.
    """
    by_relation = {table.relation: table for table in TABLES.values()}
    anywhere = {  # for views, whose columns are those of other tables
        name: meaning
        for table in TABLES.values()
        if table.layer in ("fact", "mart")
        for name, meaning in _meanings(table).items()
    }
    columns, statements = _columns(connection), []
    for schema, name, kind, present in connection.sql(
        "select schema_name, table_name, 'table', comment from duckdb_tables() union all "
        "select schema_name, view_name, 'view', comment from duckdb_views() where not internal order by all"
    ).fetchall():
        relation, table = f'{schema}."{name}"', by_relation.get(f"{schema}.{name}")
        described = table or TABLES.get(f"staged_{name}")
        meanings = _meanings(described) if described else {}
        comment = f"{question(table.contract)} Grain: {grain(table.contract)}." if table else _of(schema, name)
        if comment != present:
            statements.append(f"comment on {kind} {relation} is {literal(comment)}")
        empty = _always_null(connection, relation, list(columns[schema, name])) if table else set()
        for column, present_meaning in columns[schema, name].items():
            said = meanings.get(column) or OF_COLUMNS.get(column) or anywhere.get(column)
            meaning = said or column.replace("_", " ").capitalize()
            meaning += f". {ALWAYS_NULL}" if column in empty else ""
            if meaning != present_meaning:
                statements.append(f'comment on column {relation}."{column}" is {literal(meaning)}')
    connection.execute(";\n".join(["begin", *statements, "commit"]))


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], dict[str, str | None]]:
    """The columns of each table and view, each with the comment that it bears."""
    columns: dict[tuple[str, str], dict[str, str | None]] = {}
    for schema, name, column, comment in connection.sql(
        "select schema_name, table_name, column_name, comment from duckdb_columns() where not internal order by column_index"
    ).fetchall():
        columns.setdefault((schema, name), {})[column] = comment
    return columns


def _of(schema: str, name: str) -> str:
    """What a table says that has no contract, or is a company's own."""
    return OF_TABLES.get(f"{schema}.{name}") or OF_SCHEMAS.get(schema, "Table {name}").format(name=name)


def _meanings(table: Table) -> dict[str, str]:
    """What the contract says of each column."""
    return {name: (column.description or "").rstrip(".") for name, column in table.contract.columns().items()}


def _always_null(connection: duckdb.DuckDBPyConnection, relation: str, columns: list[str]) -> set[str]:
    """Columns without a value in any row, by DuckDB's own statistics, so that no row is read; none of an empty table.

    The statistics of what is in a list or struct come before its own.
    """
    statistics = ", ".join(f'stats("{column}")' for column in columns)
    found = connection.execute(f"select {statistics} from {relation} limit 1").fetchone()
    return {column for column, said in zip(columns, found or (), strict=False) if said.endswith("Has No Null: false]")}
