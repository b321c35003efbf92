"""The data dictionary: every table, its question, grain, columns and checks, written from the contracts.

`python -m health_assets.cli.data_dictionary` writes docs/data-dictionary.md; a test fails while that file is not what this
makes. Nothing is described here: a description stands with its column.
"""

import sys
from pathlib import Path

import duckdb
from dataframely.columns import Column, Enum

from health_assets.assets import load_all
from health_assets.contracts.contract import WARN, Contract, dtypes, grain, meta, question
from health_assets.quality.expectations import expectations_of
from health_assets.sources.quarantine import LOAD_COUNTS, QUARANTINE_SCHEMA
from health_assets.sources.readers import given_columns
from health_assets.tables import Table
from health_assets.warehouse.snapshot import SCHEMAS, add_guide_views
from health_assets.warehouse.sql import table_of

FILE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
LAYERS = {
    "raw": "What the files say, as text, with file and row number. Of event-scale sources only a profile. Not in the snapshot.",
    "staged": "Parsed and typed. Rows that break the contract are in `quarantine`, by the same name, with reasons. Read are: days "
    "and times in ISO form or in the source's `date_format`; numbers with a currency sign and commas between thousands; "
    "yes/no, true/false, y/n, t/f, 1/0; the words listed below in any case, with spaces or hyphens; other words by the "
    "source's `values`. Blank is null. Not in the snapshot.",
    "fact": "What happened: a row for each thing or day; 0 = measured, none; null = not measured. In the snapshot.",
    "mart": "Answers, one question a table. In the snapshot.",
}


def data_dictionary() -> str:
    """The whole page, as Markdown."""
    tables = load_all().values()
    lines = [
        "# Data dictionary",
        "",
        "Written from the contracts by `python -m health_assets.cli.data_dictionary`; do not edit.",
        "`key` = part of the primary key (the grain), `null` = may be null; what files must have stands below each raw "
        "table. Checks without a mark block what is "
        "downstream and the snapshot; those marked *warn* are shown and go on.",
    ]
    for layer, meaning in LAYERS.items():
        lines += ["", f"## {layer}", "", meaning]
        for table in sorted((table for table in tables if table.layer == layer), key=lambda table: table.relation):
            lines += ["", *_described(table)]
    lines += ["", "## quarantine", "", *_quarantine(), "", "## entity and metrics", "", *_guide_views()]
    return "\n".join(lines) + "\n"


def _described(table: Table) -> list[str]:
    columns = [
        f"| {name} | {_type(column)} | {_marks(name, column, table)} | {_cell(column.description or '')} |"
        for name, column in table.contract.columns().items()
    ]
    checks = [
        f"`{expectation.name}`{' *warn*' if expectation.severity == WARN else ''}"
        for expectation in expectations_of(table)
    ]
    reads = ", ".join(f"`{name}`" for name in table.inputs) or "the files"
    months = " Written by month." if table.monthly else ""
    return [
        f"### {table.relation}",
        "",
        f"{question(table.contract)} Grain: {grain(table.contract)}.{months} Made from {reads}.",
        "",
        "| column | type | | meaning |",
        "|---|---|---|---|",
        *columns,
        "",
        *([_files(table.rows), ""] if table.rows else []),
        f"Checks: {', '.join(checks)}.",
    ]


def _quarantine() -> list[str]:
    columns = ", ".join(f"`{name}`" for name in QUARANTINE_SCHEMA)
    counts = ", ".join(f"`{name}`" for name in LOAD_COUNTS)
    return [
        f"Rows that could not be kept, a table for each staged one (`quarantine.invoices`), in the snapshot. Each has {columns}: "
        "where it stands, the month it would belong to (event scale only), the names of the rules that it breaks, how to mend "
        "it where that is known, and the row as JSON.",
        "",
        f"`quarantine.loads` counts by `relation` and `month`: {counts}. Rows read = kept + quarantined + collapsed.",
    ]


def _guide_views() -> list[str]:
    """The views as DuckDB makes them over empty tables."""
    lines = [
        "Views in the snapshot under the names of the customer experience guide, in which a customer is an account "
        "(guide_views.sql). `array_remove` is there as a macro. Beside them `about` (company, as-of day, when it was published), "
        "`sources` (last day and limit of each) and `rule_versions` (of alerts).",
        "",
    ]
    with duckdb.connect() as connection:
        published = {table.relation: table for table in load_all().values() if table.schema in SCHEMAS}
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        for relation, table in published.items():
            connection.execute(f"create table {table_of(relation, dtypes(table.contract))}")
        add_guide_views(connection, tables=published)
        found = connection.sql(
            "select schema_name || '.' || view_name, string_agg('`' || column_name || '`', ', ' order by column_index) "
            "from duckdb_views() join duckdb_columns() using (schema_name) "
            "where view_name = table_name and schema_name in ('entity', 'metrics') group by all order by all"
        )
        return lines + [f"* `{view}`: {columns}" for view, columns in found.fetchall()]


def _files(rows: type[Contract]) -> str:
    """What a file of a source must have, and what it may have; a key that it lacks is made of the row."""
    needed = {
        name: bool(meta(column, "required")) and not meta(column, "key")
        for name, column in rows.columns().items()
        if name in given_columns(rows)
    }
    must, may = (
        ", ".join(f"`{name}`" for name, is_needed in needed.items() if is_needed is part) for part in (True, False)
    )
    return f"A file must have {must}; it may have {may}."


def _type(column: Column) -> str:
    if isinstance(column, Enum):
        return ", ".join(f"`{word}`" for word in column.categories)
    return str(column.dtype).split("(")[0]


def _marks(name: str, column: Column, table: Table) -> str:
    marks = ["key"] if name in table.contract.primary_key() else []
    if column.nullable:
        marks.append("null")
    if target := meta(column, "references"):
        marks.append(f"-> {target}")
    return ", ".join(marks)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(data_dictionary(), encoding="utf-8")
    sys.stdout.write(f"{FILE.name}: {len(load_all())} tables\n")
