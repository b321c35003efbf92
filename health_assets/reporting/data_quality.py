"""What the last run read, what it could not keep, and what is out of date."""

import duckdb
import polars as pl

from health_assets.reporting.formatting import counted
from health_assets.reporting.reader import Row, frame, row, rows


def quarantined(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Rows in quarantine and rows read, by quarantine table; only tables with a row."""
    return rows(
        connection,
        """
        select 'quarantine.' || split_part(relation, '.', 2) as quarantine_table,
               sum(rows_quarantined)::bigint as quarantined_count, sum(rows_read)::bigint as read_count
        from quarantine.loads group by 1 having sum(rows_quarantined) > 0 order by 1
        """,
    )


def sources(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Every source that was read: rows read and kept, rows in quarantine, last day, and whether it is out of date."""
    return frame(
        connection,
        """
        select split_part(relation, '.', 2) as source, sum(rows_read)::bigint as rows_read,
               sum(rows_kept)::bigint as rows_kept, sum(rows_quarantined)::bigint as rows_quarantined,
               sum(duplicates_collapsed)::bigint as duplicates_collapsed, sum(values_blanked)::bigint as values_blanked,
               any_value(last_day) as last_day, any_value(stale_after_days) as stale_after_days,
               bool_or(about.as_of_date - last_day > stale_after_days) as is_stale
        from quarantine.loads
        left join main.sources as known on known.source = split_part(relation, '.', 2)
        cross join about
        group by 1 having sum(rows_read) > 0 order by 1
        """,
    )


def totals(connection: duckdb.DuckDBPyConnection) -> Row:
    """Rows read, kept and in quarantine, of all sources together."""
    return row(
        connection,
        """
        select sum(rows_read)::bigint as rows_read, sum(rows_kept)::bigint as rows_kept,
               sum(rows_quarantined)::bigint as rows_quarantined
        from quarantine.loads
        """,
    )


def stale_sources(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """The sources that are silent for longer than they may be or could not be pulled, each with its last day, in words."""
    found = rows(
        connection,
        """
        select source, last_day, as_of_date - last_day as silent_days, pull_failure
        from main.sources cross join about where as_of_date - last_day > stale_after_days order by source
        """,
    )
    return [one | {"meaning": _meaning(one)} for one in found]


def _meaning(stale: Row) -> str:
    if stale["pull_failure"]:
        return f"could not be pulled, and is complete up to {stale['last_day']}: {stale['pull_failure']}"
    silent = counted(stale["silent_days"], "day")
    return f"has been silent for {silent} (last day {stale['last_day']}): what depends on it is not measured"


def quarantined_rows(connection: duckdb.DuckDBPyConnection, limit: int) -> pl.DataFrame:
    """Rows in quarantine with their reasons, file, row number, hint and the record as it was read."""
    tables = rows(
        connection,
        """
        select table_name from duckdb_columns()
        where schema_name = 'quarantine' and column_name = 'source_row' and database_name = current_database() order by 1
        """,
    )
    if not tables:
        return pl.DataFrame()
    queries = " union all ".join(
        f"select '{one['table_name']}' as source, source_file, source_row, array_to_string(reasons, ', ') as reasons, hint, "
        f'record from quarantine."{one["table_name"]}"'
        for one in tables
    )
    return frame(connection, f"from ({queries}) order by source, source_file, source_row limit ?", [limit])


def unreadable_values(connection: duckdb.DuckDBPyConnection, limit: int) -> pl.DataFrame:
    """Values that were set to null because they could not be read, by column and word, most frequent first."""
    return frame(
        connection,
        """
        select split_part(relation, '.', 2) as source, column_name, word, sum(row_count)::bigint as row_count,
               array_to_string(flatten(list(samples))[:3], ', ') as samples
        from quarantine.unreadable_values group by 1, 2, 3
        order by 4 desc, 1, 2, 3 limit ?
        """,
        [limit],
    )


def check_counts(connection: duckdb.DuckDBPyConnection) -> Row:
    """How many checks the run that published evaluated, and how many of them only warned."""
    return row(
        connection, "select count(*) as check_count, count(*) filter (not is_passed) as warned_count from main.checks"
    )


def warnings(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The checks that warned: what they found. A check that fails otherwise keeps a run from publishing."""
    return frame(
        connection,
        "select asset, check_name, finding from main.checks where not is_passed order by asset, check_name",
    )
