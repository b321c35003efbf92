"""A table of a database that values are written to: PostgreSQL through ADBC, SQLite and DuckDB directly.

Rows are inserted or updated by account_id, a batch in one transaction. A table that is missing is created.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa

from health_assets.alerts.channels import Answer, Status
from health_assets.alerts.markup import cut
from health_assets.alerts.state_file import AlertError
from health_assets.settings.write_back import Target
from health_assets.sources.databases import INSTALL, hidden
from health_assets.write_back.batch import Batch
from health_assets.write_back.values import Value

NUMBERS = ("health_score", "trend_30d", "churn_risk_score", "attention_rank", "mrr", "days_to_renewal")
ABOUT_ROWS = ("22", "23")  # classes of SQLSTATE: data exceptions, violated constraints
PASSING = ("08", "40", "53", "55", "57")  # connection, serialization, resources, locks, shut down
SCHEMES = ("postgresql", "postgres", "sqlite", "duckdb")
LONGEST_REASON = 200  # characters


class DatabaseTable:
    """A table that is given rows by account_id; the URL can be used but not read."""

    rows_at_once = 1000

    def __init__(self, variable: str, url: str, target: Target, seconds: float) -> None:
        self.scheme = urlsplit(url).scheme.lower()
        if self.scheme not in SCHEMES:
            raise AlertError(f"{variable}: is not the URL of a database that can be written to; {', '.join(SCHEMES)}")
        self.__url, self.__table, self.__seconds = url, str(target.table), seconds
        self.__columns = {theirs: ours in NUMBERS for ours, theirs in target.names.items()}  # name -> is a number

    def post(self, message: Batch) -> Answer:
        """Insert or update the rows of a batch, all or none; which of them cannot be written is found by halving it."""
        try:
            with self.__connected() as cursor:
                cursor.execute(self.__creation())
                self.__write(cursor, message)
        except ModuleNotFoundError as error:
            return Answer(Status.retry, f"needs the package {str(error.name).partition('.')[0]}: {INSTALL}")
        except Exception as error:  # noqa: BLE001 - each driver has errors of its own; their text may hold the URL
            return self.__failed(error)
        return Answer(Status.delivered)

    @contextmanager
    def __connected(self) -> Iterator[Any]:
        """A cursor; committed at the end, rolled back by an error."""
        path = unquote(self.__url.partition("://")[2]).removeprefix("/")
        path = f"/{path}" if Path(f"/{path}").parent.exists() and not Path(path).exists() else path
        connection: Any
        if self.scheme == "sqlite":
            connection = sqlite3.connect(path, timeout=1)  # seconds; a later attempt waits longer
        elif self.scheme == "duckdb":
            connection = duckdb.connect(path)
            connection.begin()
        else:
            limits = f"connect_timeout={self.__seconds:.0f}&tcp_user_timeout={self.__seconds * 1000:.0f}"
            url = f"{self.__url}{'&' if '?' in self.__url else '?'}{limits}"
            connection = import_module("adbc_driver_postgresql.dbapi").connect(url)
        with closing(connection):
            with closing(connection.cursor()) if self.scheme != "duckdb" else _left_open(connection) as cursor:
                yield cursor
            connection.commit()

    def __creation(self) -> str:
        kinds = {True: "double precision", False: "text"}
        columns = "".join(f", {_quoted(name)} {kinds[is_number]}" for name, is_number in self.__columns.items())
        return f"create table if not exists {_quoted(self.__table)} (account_id text primary key{columns})"

    def __write(self, cursor: Any, message: Batch) -> None:
        names = [_quoted(name) for name in self.__columns]
        marks = [f"${place}" if self.scheme.startswith("postgres") else "?" for place in range(1, len(names) + 2)]
        updates = ", ".join(f"{name} = excluded.{name}" for name in names)
        statement = (
            f"insert into {_quoted(self.__table)} (account_id, {', '.join(names)}) values ({', '.join(marks)}) "
            f"on conflict (account_id) do update set {updates}"
        )
        rows = [(row.account_id, *(row.by_name[name] for name in self.__columns)) for row in message.rows]
        cursor.executemany(statement, self.__typed(rows) if self.scheme.startswith("postgres") else rows)

    def __typed(self, rows: Sequence[tuple[Value, ...]]) -> pa.RecordBatch:
        """The rows with their types, which a column of nulls would lack."""
        kinds = [pa.string(), *(pa.float64() if is_number else pa.string() for is_number in self.__columns.values())]
        columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
        return pa.RecordBatch.from_arrays(columns, names=[f"p{place}" for place in range(len(columns))])

    def __failed(self, error: Exception) -> Answer:
        reason = cut(hidden(str(error), self.__url), LONGEST_REASON)
        state = str(getattr(error, "sqlstate", None) or "")
        is_about_rows = state[:2] in ABOUT_ROWS or isinstance(
            error, sqlite3.IntegrityError | sqlite3.DataError | duckdb.ConstraintException | duckdb.ConversionException
        )
        is_passing = state[:2] in PASSING or (not state and not is_about_rows and not _is_final(error))
        return Answer(Status.retry if is_passing else Status.dead, reason, is_about_message=is_about_rows)


@contextmanager
def _left_open(connection: Any) -> Iterator[Any]:
    yield connection


def _is_final(error: Exception) -> bool:
    """Whether the same statement would fail again: no such table or column, not allowed."""
    if isinstance(error, sqlite3.OperationalError):
        return "locked" not in str(error) and "unable to open" not in str(error)
    return isinstance(error, duckdb.CatalogException | duckdb.BinderException | sqlite3.DatabaseError)


def _quoted(name: str) -> str:
    """A name of one or two parts that the settings have checked."""
    return ".".join(f'"{part}"' for part in name.split("."))
