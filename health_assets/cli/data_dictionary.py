"""The generated pages of docs/: tables.md from the contracts, sources.md and settings.md from contracts and settings.

`python -m health_assets.cli.data_dictionary` writes them; a test fails while a page is not what this makes. Nothing is
described here: a description belongs to its column, a setting's meaning to its field or to defaults.yml.
"""

import sys
from pathlib import Path

import duckdb
from dataframely.columns import Column, Enum

from health_assets.assets import load_all
from health_assets.cli.settings_page import settings_page
from health_assets.cli.sources_page import sources_page
from health_assets.contracts.contract import WARN, dtypes, grain, meta, question
from health_assets.quality.expectations import expectations_of
from health_assets.sources.quarantine import LOAD_COUNTS, QUARANTINE_SCHEMA
from health_assets.tables import Table
from health_assets.warehouse.snapshot import SCHEMAS, add_guide_views
from health_assets.warehouse.sql import table_of

CHECKOUT = Path(__file__).parents[2]
LAYERS = {
    "mart": "Answers, one question a table. In the snapshot.",
    "fact": "What happened, one row per thing or day: 0 = measured, none; null = not measured. In the snapshot.",
    "dim": "Who and what, as of the day of the run. In the snapshot.",
    "quarantine": "",
    "entity and metrics": "",
    "staged": "Parsed and typed, not in the snapshot. Rows that break the contract are in the `quarantine` table of the same name, "
    "with their reasons. [sources.md](sources.md) says what is understood.",
    "raw": "What the files say, as text, with file and row number; of event-scale sources only a profile. Not in the snapshot.",
}


def tables_page() -> str:
    """docs/tables.md: every table with its question, grain, columns and checks, the marts first."""
    tables = load_all().values()
    body, contents = [], []
    for layer, meaning in LAYERS.items():
        contents.append(f"* [{layer}](#{_anchor(layer)})")
        body += [
            "",
            f"## {layer}",
            "",
            *([meaning] if meaning else {"quarantine": _quarantine}.get(layer, _guide_views)()),
        ]
        for table in sorted((table for table in tables if table.schema == layer), key=_domain_and_name):
            contents.append(f"  * [{table.relation}](#{_anchor(table.relation)}): {question(table.contract)}")
            body += ["", *_described(table)]
    introduction = [
        "# Tables",
        "",
        "Generated from the contracts by `make docs`; do not edit. In the second column `key` means part of the primary key (the "
        "grain), `null` that the value may be null, `→` that it must exist in another table. A failed check stops what "
        "depends on the table and keeps the snapshot as it was; one marked *warn* is only reported.",
        "",
        "## Contents",
        "",
    ]
    return "\n".join(introduction + contents + body) + "\n"


def _domain_and_name(table: Table) -> tuple[str, ...]:
    """Marts by domain (health, revenue, support ...), then by name."""
    return table.function.__module__.rpartition(".")[0], table.relation


def _anchor(title: str) -> str:
    """The anchor that GitHub and GitLab give a title."""
    return title.replace(".", "").replace(" ", "-")


def _described(table: Table) -> list[str]:
    columns = [
        f"| {name} | {_type(column)} | {_marks(name, column, table)} | {cell(column.description or '')} |"
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
        f"Checks: {', '.join(checks)}.",
    ]


def _quarantine() -> list[str]:
    columns = ", ".join(f"`{name}`" for name in QUARANTINE_SCHEMA)
    counts = ", ".join(f"`{name}`" for name in LOAD_COUNTS)
    return [
        f"Rejected rows, one table per staged table (`quarantine.invoices`), in the snapshot. Each row has {columns}: where it "
        "stands, the month it would belong to (event scale only), the names of the rules that it breaks, how to fix it where "
        "that is known, and the record as JSON.",
        "",
        f"`quarantine.loads` counts by `relation` and `month`: {counts}. Rows read = kept + quarantined + collapsed + left out. "
        "`quarantine.unreadable_values` holds the values that became null because they could not be read, by `relation`, `month`, "
        "`column_name` and `word`, with the number of rows and up to three places in the files.",
    ]


def _guide_views() -> list[str]:
    """The views as DuckDB makes them over empty tables."""
    lines = [
        "Views in the snapshot under the names of the customer experience guide, in which a customer is an account "
        "(guide_views.sql), with `array_remove` as a macro. `about` holds the company, the as-of day and the time of publishing, "
        "`sources` the last day and the limit of each source, `rule_versions` the versions of the alert rules.",
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


def _type(column: Column) -> str:
    if isinstance(column, Enum):
        return ", ".join(f"`{word}`" for word in column.categories)
    return str(column.dtype).split("(")[0]


def _marks(name: str, column: Column, table: Table) -> str:
    marks = ["key"] if name in table.contract.primary_key() else []
    if column.nullable:
        marks.append("null")
    if target := meta(column, "references"):
        marks.append(f"→ {target}")
    return ", ".join(marks)


def cell(text: str) -> str:
    """A text as one cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {"tables.md": tables_page, "sources.md": sources_page, "settings.md": settings_page}


def main(arguments: list[str]) -> None:
    """Write the pages into the folder that is given, or into docs/ of the checkout that this file belongs to."""
    if not arguments and not (CHECKOUT / "pyproject.toml").exists():
        sys.exit(
            "the package is installed, not a checkout: name the folder to write to, "
            "e.g. python -m health_assets.cli.data_dictionary docs"
        )
    folder = Path(arguments[0]) if arguments else CHECKOUT / "docs"
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{', '.join(PAGES)}: written to {folder}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
