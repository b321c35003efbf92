"""What the last run could not keep."""

import duckdb

from health_assets.reporting.reader import Row, rows


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
