"""What a load kept, quarantined and could not read of each staged table, next to the table itself.

Which rows are kept is decided in sources/quarantine.py.
"""

from datetime import date

import duckdb
import polars as pl

from health_assets.settings.source import Source
from health_assets.sources.quarantine import (
    LOAD_COUNTS,
    QUARANTINE_SCHEMA,
    SUMMED,
    SUPERSEDED,
    UNREADABLE_SCHEMA,
    FilteredRows,
)
from health_assets.tables import Table
from health_assets.warehouse.sql import insert, literal, table_of

UNREADABLE = "quarantine.unreadable_values"
LOADS_SCHEMA = {"relation": pl.String, "month": pl.Date, **dict.fromkeys((*LOAD_COUNTS, SUMMED), pl.Int64)}
REASONS_SHOWN = 3


def quarantine_of(table: Table) -> str:
    """Where the rejected rows of a staged table go."""
    return f"quarantine.{table.name.split('_', 1)[1]}"


def load_counts(cursor: duckdb.DuckDBPyConnection, table: Table) -> dict[str, int]:
    """The LOAD_COUNTS of a staged table, and `rows_lost`: read, but by month neither kept nor accounted for."""
    lost = "abs(rows_read - rows_kept - rows_quarantined - duplicates_collapsed - coalesce(rows_left_out, 0) - coalesce(rows_summed, 0))"
    sums = {count: count for count in (*LOAD_COUNTS, SUMMED)} | {"rows_lost": lost}
    found = cursor.execute(
        f"select {', '.join(f'coalesce(sum({of}), 0)::bigint' for of in sums.values())} "
        f"from quarantine.loads where relation = {literal(table.relation)}"
    )
    return dict(zip(sums, found.fetchone() or (), strict=True))


def quarantine_reasons(cursor: duckdb.DuckDBPyConnection, table: Table) -> str:
    """Why rows of a table were quarantined, the most frequent reasons first, each with its row count."""
    reasons = cursor.execute(
        f"select reason, count(*) from (select unnest(reasons) as reason from {quarantine_of(table)}) "
        "group by reason order by count(*) desc, reason"
    ).fetchall()
    more = f", and {len(reasons) - REASONS_SHOWN} more reasons" if len(reasons) > REASONS_SHOWN + 1 else ""
    shown = reasons[:REASONS_SHOWN] if more else reasons
    return ", ".join(f"{reason} {rows:,}" for reason, rows in shown) + more


def unknown_words(cursor: duckdb.DuckDBPyConnection, table: Table, column: str) -> list[tuple[str, int]]:
    """Words of a column because of which rows were quarantined, the most frequent first, each with its row count."""
    of_reason = f"from {quarantine_of(table)} where list_contains(reasons, {literal(f'{column}__is_known')})"
    return cursor.execute(
        f"select json_extract_string(record, {literal(f'$.{column}')}) as word, count(*) {of_reason} "
        "group by word order by count(*) desc, word"
    ).fetchall()


def declared_versions(cursor: duckdb.DuckDBPyConnection, table: Table, source: Source | None) -> int:
    """Rows whose place another row of their key takes, where the settings say that rows of one key are versions."""
    if source is None or any(
        one.duplicates not in ("newest", "oldest") and not one.newest_by for one in source.descriptions
    ):
        return 0
    superseded = f"from {quarantine_of(table)} where list_contains(reasons, {literal(SUPERSEDED)})"
    return int(cursor.execute(f"select count(*) {superseded}").fetchone()[0])  # type: ignore[index]


def replace_quarantine(
    cursor: duckdb.DuckDBPyConnection, table: Table, filtered: FilteredRows, months: list[date] | None
) -> None:
    """Replace what is quarantined of a table, or of some months of it and of the rows without a readable time."""
    relation = quarantine_of(table)
    cursor.execute(f"create table if not exists {table_of(relation, QUARANTINE_SCHEMA)}")
    replaced = "true" if months is None else f"(month is null or month in {literal(months)})"
    cursor.execute(f"delete from {relation} where {replaced}")
    cursor.execute(f"delete from quarantine.loads where relation = {literal(table.relation)} and {replaced}")
    cursor.execute(f"create table if not exists {table_of(UNREADABLE, UNREADABLE_SCHEMA | {'relation': pl.String()})}")
    cursor.execute(f"delete from {UNREADABLE} where relation = {literal(table.relation)} and {replaced}")
    insert(cursor, relation, filtered.rejected)
    insert(cursor, UNREADABLE, filtered.unreadable.with_columns(relation=pl.lit(table.relation)))
    insert(cursor, "quarantine.loads", filtered.loads.with_columns(relation=pl.lit(table.relation)))
