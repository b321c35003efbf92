"""The warehouse and the snapshot as Dagster's `DuckDBResource`, for the run and for a company's own assets."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from dagster_duckdb import DuckDBResource


class DuckDBFile(DuckDBResource):
    """A DuckDB file. A file that another process holds is reported at once, where the stock resource tries for minutes.

    Inside a run a connection to the warehouse shares the run's own, since a process has one DuckDB instance per file.
    """

    read_only: bool = False

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for the `with` block, to the file that a link points to at this moment."""
        connection = duckdb.connect(
            os.path.realpath(self.database), read_only=self.read_only, config=self.connection_config
        )
        try:
            yield connection
        finally:
            connection.close()
