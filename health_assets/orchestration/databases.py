"""The warehouse and the snapshot as Dagster's `DuckDBResource`, for the run and for a company's own assets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dagster_duckdb import DuckDBResource

from health_assets.settings.overwritten import marts_file
from health_assets.warehouse.marts_file import MARTS, find_marts
from health_assets.warehouse.sql import literal


class DuckDBFile(DuckDBResource):
    """A DuckDB file. A file that another process holds is reported at once, where the stock resource tries for minutes.

    Inside a run a connection to the warehouse shares the run's own, since a process has one DuckDB instance per file.
    """

    read_only: bool = False
    is_warehouse: bool = False  # whose second file is attached

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the `with` block, to the file that a link points to at this moment."""
        connection = duckdb.connect(
            os.path.realpath(self.database), read_only=self.read_only, config=self.connection_config
        )
        try:
            marts = marts_file(Path(self.database))
            if self.is_warehouse and marts.exists():
                connection.execute(f"attach if not exists {literal(str(marts))} as {MARTS}")
                find_marts(connection)
            yield connection
        finally:
            connection.close()
