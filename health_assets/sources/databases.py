"""Databases that answer a query, in batches of rows: SQLite, DuckDB and MySQL by themselves, others through ADBC or connectorx.

Every connection only reads. The URL comes from the environment; no part of it is in a message but the variable's name.
"""

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa

from health_assets.settings.suggestions import nearest
from health_assets.sources.formats import SourceError
from health_assets.sources.sqlite_files import BATCH_ROWS, Answer, answered_by_sqlite, sqlite_columns

DRIVER = re.compile(  # what a driver puts before the message of the database
    r"^(?:Invalid Input Error: |[A-Z_]+: (?:\[\w+\] )?(?:Failed to [\w ]+: )?(?:could not begin COPY: )?(?:ERROR: +)?)"
)
INSTALL = "pip install 'health-assets[databases]'"
ADBC = {  # scheme of a URL -> the module that connects
    "postgresql": "adbc_driver_postgresql.dbapi",
    "postgres": "adbc_driver_postgresql.dbapi",
    "snowflake": "adbc_driver_snowflake.dbapi",
}
MYSQL = ("mysql", "mariadb")
CONNECTORX = ("mssql", "redshift", "bigquery", "trino")
SCHEMES = (*ADBC, *MYSQL, *CONNECTORX, "sqlite", "duckdb")
WITHOUT_HOST = ("sqlite", "duckdb", "bigquery", "snowflake")  # whose URLs name a file, or are split by their own rules
NOT_ESCAPED = (
    "the URL cannot be split into user, password and host; in a password write %40 for @, %2F for /, %3A for :, "
    "%3F for ? and %23 for #"
)
FAILURES = (OSError, RuntimeError, ValueError, TypeError, duckdb.Error, sqlite3.Error, pa.ArrowException)


@dataclass(frozen=True)
class DatabaseTable:
    """A table of a database."""

    schema: str | None
    name: str
    relation: str  # as a statement names it
    columns: list[str]


class NotConnectedError(SourceError):
    """A connection is not there, which concerns every source that has it."""


class Connection:
    """A database, open for reading; messages name it by the variable that holds its URL, DuckDB over files not at all."""

    def __init__(
        self, name: str | None, answer: Callable[[str], Answer], columns: Callable[[str | None], str], url: str
    ) -> None:
        self._named = f"{name}: " if name else ""
        self.is_local = not name
        self._answer = answer
        self._columns = columns
        self._url = url

    def answer(self, statement: str) -> Answer:
        """The rows of one statement; they can be taken once.

        Raises:
            SourceError: it is wrong, not allowed, or the connection is lost, also while rows are taken; without any secret.
        """
        failure = ""
        try:
            answer = self._answer(statement.strip().rstrip(";"))
        except _failures() as error:
            failure = self.hidden(str(error))
        if failure:  # raised here, so that no traceback shows the driver's own error
            raise SourceError(f"{self._named}{failure}")
        return Answer(answer.schema, self._batches(answer))

    def _batches(self, answer: Answer) -> Iterator[pa.RecordBatch]:
        failure = ""
        try:
            yield from answer.batches
        except _failures() as error:
            failure = self.hidden(str(error))
        if failure:
            lost = "" if self.is_local else "the connection was lost, or a row cannot be read: "
            raise SourceError(f"{self._named}{lost}{failure}")

    def limited(self, statement: str, rows: int) -> str:
        """The statement for the first rows of its answer; unchanged where the database has no `limit`."""
        has_limit = not self._url.startswith("mssql")
        return f"select * from ({statement}) as answer limit {rows}" if has_limit else statement

    def quoted(self, name: str) -> str:
        """A name as the database's SQL writes it."""
        mark = "`" if self._url.startswith((*MYSQL, "bigquery")) else '"'
        return f"{mark}{name.replace(mark, mark * 2)}{mark}"

    def tables(self, schema: str | None) -> dict[str, "DatabaseTable"]:
        """The tables of a schema by name; without one those of all schemas, by schema and name.

        Raises:
            SourceError: they cannot be listed.
        """
        found: dict[str, DatabaseTable] = {}
        for batch in self.answer(self._columns(schema)).batches:
            for row in batch.to_pylist():
                own, table, column = (None if value is None else str(value) for value in row.values())
                name = str(table) if schema or own is None else f"{own}.{table}"
                relation = ".".join(self.quoted(part) for part in (own, table) if part)
                found.setdefault(name, DatabaseTable(own, str(table), relation, [])).columns.append(str(column))
        return found

    def hidden(self, text: str) -> str:
        """A message in one line, without the URL, user and password."""
        return hidden(text, self._url)


def no_such_schema(database: Connection, wanted: list[str]) -> str:
    """Which of some schemas do not exist, and those that do.

    Raises:
        SourceError: the schemas cannot be listed.
    """
    there = sorted({table.schema for table in database.tables(None).values() if table.schema})
    missing = [schema for schema in wanted if schema.lower() not in map(str.lower, there)]
    listed = f"there are {', '.join(there)}" if there else "there is none"
    return "; ".join(
        f"there is no schema {schema!r} with tables that this user may read; {listed}"
        + (f" (did you mean {meant!r}?)" if (meant := nearest(schema, there)) else "")
        for schema in missing
    )


def is_ambiguous(url: str) -> bool:
    """Whether a password with characters that a URL reserves would make a part of it the host; no message may show any of it."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0].lower() in WITHOUT_HOST or not rest:
        return False
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, _, host = authority.rpartition("@")
    port = re.sub(r"^(\[[^\]]*\]|[^:]*)", "", host.rpartition(",")[2])
    is_split = "@" in user or "@" in rest.removeprefix(authority).partition("?")[0]
    return is_split or bool(re.search(r"[\[\]]", user)) or re.fullmatch(r"(:\d*)?", port) is None


def hidden(text: str, url: str) -> str:
    """A message in one line, without any secret of a URL: the whole, its password, what follows a question mark."""
    given = urlsplit(url) if "://" in url else None
    secrets = {url}
    if given:
        secrets |= {given.password or "", unquote(given.password or ""), given.netloc.rpartition("@")[0], given.query}
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    text = re.sub(r"(?i)(password|token|secret)=\S+", r"\1=***", text)
    lines = [line.strip() for line in text.splitlines() if line.strip(" ^") and not line.startswith("Query was:")]
    return DRIVER.sub("", " ".join(lines).partition("Query was:")[0]).strip()


@contextmanager
def connected(connection: str, timezone: str) -> Iterator[Connection]:
    """The database that an environment variable names, for the `with` block.

    Args:
        connection: env:NAME, as the settings give it.
        timezone: in which days of a query begin, where the database has time zones.

    Raises:
        SourceError: the variable is not set, the database is unknown, or it refuses the connection.
    """
    name = connection.removeprefix("env:")
    url = os.environ.get(name, "").strip()
    if not url:
        raise NotConnectedError(
            f"connection {connection}: the environment variable {name} is not set; export {name}=postgresql://..."
        )
    scheme = url.partition("://")[0].partition("+")[0].lower() if "://" in url else ""
    if scheme in SCHEMES and is_ambiguous(url):
        raise NotConnectedError(f"connection {connection}: {NOT_ESCAPED}")
    failure = ""
    opened: Any = None
    try:
        opened = _opened(scheme, url, timezone)
    except _failures() as error:
        failure = hidden(str(error), url)
    except ModuleNotFoundError as error:
        failure = f"needs the package {str(error.name).partition('.')[0]}: {INSTALL}"
    if opened is None:
        known = f"begin it with one of {', '.join(f'{one}://' for one in SCHEMES)}"
        failure = failure or f"is not the URL of a known database; {known}"
        raise NotConnectedError(f"connection {connection}: {failure}")
    with closing(opened[0]):
        yield Connection(name, opened[1], opened[2], url)


def _opened(
    scheme: str, url: str, timezone: str
) -> tuple[Any, Callable[[str], Answer], Callable[[str | None], str]] | None:
    """What to close, what answers a statement, and the statement that lists tables and columns."""
    if scheme == "duckdb":
        database = duckdb.connect(_path(url), read_only=True, config=NO_EXTENSIONS)
        database.execute("set timezone = ?", [timezone])
        return database, lambda statement: answered_by_duckdb(database, statement), _information_schema
    if scheme == "sqlite":
        file = sqlite3.connect(f"{Path(_path(url)).absolute().as_uri()}?mode=ro", uri=True)
        return file, lambda statement: answered_by_sqlite(file, statement), sqlite_columns
    if scheme in ADBC:
        return *_by_adbc(scheme, url, timezone), _information_schema
    if scheme in MYSQL:  # nothing is open between two statements, as with connectorx
        return ExitStack(), import_module("health_assets.sources.mysql_databases").by_mysql(url), _information_schema
    if scheme in CONNECTORX:
        connectorx = import_module("connectorx")
        return ExitStack(), lambda statement: _answered_by_connectorx(connectorx, url, statement), _information_schema
    return None


NO_EXTENSIONS: dict[str, Any] = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def answered_by_duckdb(database: duckdb.DuckDBPyConnection, statement: str) -> Answer:
    """The answer of DuckDB to one statement that reads.

    Raises:
        ValueError: it is another kind of statement.
        duckdb.Error: it is wrong.
    """
    statements = database.extract_statements(statement)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("must be a single SELECT")
    reader = database.execute(statements[0]).to_arrow_reader(BATCH_ROWS)
    return Answer(reader.schema, iter(reader))


@contextmanager
def over_files(folder: Path, timezone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB over files, relative paths from a folder; on one thread, so that the order of rows is always the same."""
    config = NO_EXTENSIONS | {"threads": 1, "file_search_path": str(folder)}
    with duckdb.connect(":memory:", config=config) as files, tempfile.TemporaryDirectory(prefix="spilled-") as spilled:
        files.execute("set timezone = ?", [timezone])
        files.execute("set temp_directory = ?", [spilled])
        files.execute("set lock_configuration = true")
        yield files


def _by_adbc(scheme: str, url: str, timezone: str) -> tuple[Any, Callable[[str], Answer]]:
    connection = import_module(ADBC[scheme]).connect(url, autocommit=True)
    if scheme.startswith("postgres"):
        with connection.cursor() as cursor:
            cursor.execute("set default_transaction_read_only = on")
            cursor.execute(f"set timezone = '{timezone}'")

    def answer(statement: str) -> Answer:
        cursor = connection.cursor()
        cursor.execute(statement)
        reader = cursor.fetch_record_batch()

        def batches() -> Iterator[pa.RecordBatch]:
            with cursor:
                yield from reader

        return Answer(reader.schema, batches())

    return connection, answer


def _answered_by_connectorx(connectorx: Any, url: str, statement: str) -> Answer:
    reader = connectorx.read_sql(url, statement, return_type="arrow_stream", batch_size=BATCH_ROWS)
    return Answer(reader.schema, iter(reader))


def _path(url: str) -> str:
    """The file of a URL: three slashes begin a relative path, four an absolute one, as do three where only that exists."""
    path = unquote(url.partition("://")[2]).removeprefix("/")
    return f"/{path}" if not Path(path).exists() and Path(f"/{path}").exists() else path


def _information_schema(schema: str | None) -> str:
    wanted = f"= '{schema}'" if schema else "not in ('information_schema', 'pg_catalog', 'sys', 'mysql')"
    return (
        "select table_schema, table_name, column_name from information_schema.columns "
        f"where lower(table_schema) {wanted.lower()} order by table_schema, table_name, ordinal_position"
    )


def _failures() -> tuple[type[Exception], ...]:
    """What drivers raise; ADBC's errors are of a type of their own, known once it is installed."""
    try:
        return (*FAILURES, import_module("adbc_driver_manager").Error)
    except ModuleNotFoundError:
        return FAILURES
