"""Where events are read: Parquet files by Polars or DuckDB, tables and Parquet files by Spark over Spark Connect.

What Narwhals cannot say on all of them is here, a line for each: the microseconds of a time, and a condition in SQL.
"""

import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import duckdb
import narwhals as nw
import polars as pl

from health_assets.settings.source import Description
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.databases import FAILURES, NO_EXTENSIONS, hidden
from health_assets.sources.events.reduction import LEFT_OUT, MOMENT, VERSION
from health_assets.sources.events.times import FORM, TEXT, with_iso_text
from health_assets.sources.formats import SourceError
from health_assets.sources.moments import Zones, moment

INSTALL = "pip install 'health-assets[spark]'"
COLUMNS = ("event_id", "account_id", "user_id", "event_name", "event_timestamp", "event_count", "duration_seconds")
KEYS = ("event_id", "account_id", "user_id", "event_name")
RETRIES, FIRST_WAIT, LONGEST_WAIT = 4, 200, 2_000  # milliseconds
DETAILS = re.compile(r'details = "(.*)"')
Made = TypeVar("Made")
QUOTE = '"'
IN_UTC = Zones("UTC", "UTC")


class Engine:
    """An engine with the events of a company, open for reading."""

    def __init__(self, description: Description, native: Any) -> None:
        self._description = description
        self._native = native

    def events(self) -> nw.LazyFrame[Any]:
        """The columns of ours, with their moment, and whether `where` leaves a row out.

        Raises:
            SourceError: a column is missing, or of a type that cannot be read.
        """
        described = self._description
        rows = nw.from_native(self._native)
        given = rows.collect_schema()
        theirs = _theirs(described, given.names())
        for fault in _faults(described, theirs, given):
            raise SourceError(fault)
        at = theirs["event_timestamp"]
        native = _with_left_out(self._native, described.where)
        if given[at] == nw.String:
            native = _with_moment(with_iso_text(nw.from_native(native), at).to_native(), TEXT)
        elif given[at].is_temporal():
            native = _with_moment(native, at)
        rows = nw.from_native(native)
        form = [nw.col(FORM)] if given[at] == nw.String else []
        moment = nw.col(at if given[at].is_numeric() else MOMENT)
        version = [nw.col(described.newest_by).alias(VERSION)] if described.newest_by else []
        texts = [nw.col(name).cast(nw.String).alias(ours) for ours, name in theirs.items() if ours in KEYS]
        others = [nw.col(name).alias(ours) for ours, name in theirs.items() if ours not in KEYS]
        wanted = [*texts, *others, *version, *form, moment.alias(MOMENT), nw.col(LEFT_OUT)]
        return cast(nw.LazyFrame[Any], rows.select(*wanted))

    def collected(self, rows: nw.LazyFrame[Any]) -> pl.DataFrame:
        """The rows of a plan, on this machine."""
        return pl.DataFrame(rows.collect("pyarrow").to_arrow())


@contextmanager
def opened(description: Description) -> Iterator[Engine]:
    """The engine of a description, for the `with` block; what it raises is its own: see `guarded`."""
    if description.engine == "polars":
        yield Engine(description, pl.scan_parquet(description.path))
    elif description.engine == "duckdb":
        with duckdb.connect(":memory:", config=NO_EXTENSIONS) as files:
            files.execute("set timezone = 'UTC'")
            yield Engine(description, files.read_parquet(description.path))
    else:
        with _spark(description) as session:
            yield Engine(description, _of_spark(session, description))


@contextmanager
def _spark(description: Description) -> Iterator[Any]:
    variable = _variable(description)
    url = os.environ.get(variable, "").strip()
    if not url.startswith("sc://"):
        said = "is not the URL of a Spark Connect server" if url else "is not set"
        raise SourceError(f"the environment variable {variable} {said}; export {variable}=sc://host:15002")
    session = _session(url)
    try:
        yield session
    finally:
        session.client._channel.close()  # stop() would wait for a server that is lost


def _session(url: str) -> Any:
    with _spark_home():
        from pyspark.sql import SparkSession
        from pyspark.sql.connect.client.retries import DefaultPolicy

        logging.getLogger("pyspark.sql.connect.logging").disabled = True  # what it reports is raised as well
        session = SparkSession.builder.remote(url).create()
    session.client.set_retry_policies(
        [DefaultPolicy(max_retries=RETRIES, initial_backoff=FIRST_WAIT, max_backoff=LONGEST_WAIT)]
    )
    session.conf.set("spark.sql.session.timeZone", "UTC")
    return session


@contextmanager
def _spark_home() -> Iterator[None]:
    """The variable SPARK_HOME is set: without it PySpark ends a process that `python -c` started, as if it ran its doctests."""
    if "SPARK_HOME" in os.environ:
        yield
        return
    os.environ["SPARK_HOME"] = ""
    try:
        yield
    finally:
        del os.environ["SPARK_HOME"]


def _of_spark(session: Any, description: Description) -> Any:
    rows = session.table(description.table) if description.table else session.read.parquet(*description.path)
    rows.schema  # noqa: B018 - asks the server, so that a table that does not exist is found here
    return rows


def guarded(make: Callable[[], Made], description: Description) -> Made:
    """What is made; an error of an engine as one line without secrets, and without the engine's own traceback.

    Raises:
        SourceError: the engine is lost, refuses, or cannot compute what is asked of it.
    """
    failure = ""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"pyspark(\.|$)")  # of versions of pandas, and of retries
            return make()
    except SourceError as error:
        raise SourceError(str(error)) from None
    except ModuleNotFoundError as error:
        failure = f"needs the package {str(error.name).partition('.')[0]}: {INSTALL}"
    except _failures() as error:
        failure = without_secrets(_said(error), os.environ.get(_variable(description), "").strip())
    place = _variable(description) if description.engine == "spark" else str(description.engine)
    raise SourceError(f"{place}: {failure}")


def _failures() -> tuple[type[Exception], ...]:
    """What engines raise; the errors of Spark and gRPC are known once they are imported."""
    spark = (sys.modules.get("pyspark.errors"), sys.modules.get("grpc"))
    found = [getattr(module, name, None) for module, name in zip(spark, ("PySparkException", "RpcError"), strict=True)]
    return (*FAILURES, pl.exceptions.PolarsError, *(kind for kind in found if kind is not None))


def _variable(description: Description) -> str:
    return str(description.remote).removeprefix("env:")


def _said(error: Exception) -> str:
    """The first line of a message that says something; of gRPC its details."""
    text = str(error)
    if details := DETAILS.search(text):
        return details[1]
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)


def without_secrets(text: str, url: str) -> str:
    """A message without the URL of a server, and without what stands after its host: tokens, users, clusters."""
    parameters = re.split(r"[;&]", url.partition("/;")[2])
    for value in sorted({one.partition("=")[2] for one in parameters} | set(parameters) - {""}, key=len, reverse=True):
        text = text.replace(value, "***") if value else text
    return hidden(text, url) if url else text


def _theirs(description: Description, header: list[str]) -> dict[str, str]:
    """Our columns that the table has, with their names."""
    mapped = {ours: theirs for theirs, ours in description.mapped if theirs in header}
    renamed = set(mapped.values())
    return {name: name for name in COLUMNS if name in header and name not in renamed} | {
        ours: theirs for ours, theirs in mapped.items() if ours in COLUMNS
    }


def _faults(description: Description, theirs: dict[str, str], given: nw.Schema) -> Iterator[str]:
    header = given.names()
    for name in [*description.columns, *([description.newest_by] if description.newest_by else [])]:
        if name not in header:
            yield f"the events have no column {name!r}{did_you_mean(name, header)}"
    for ours in ("event_name", "event_timestamp"):
        if ours not in theirs:
            yield f"the events have no column {ours!r}; map theirs with `columns`{did_you_mean(ours, header)}"
            return
    if "account_id" not in theirs and "user_id" not in theirs:
        yield "the events have neither account_id nor user_id; map theirs with `columns`"
    for ours in KEYS:
        if ours in theirs and given[theirs[ours]].is_float():
            yield f"column {theirs[ours]!r} is a floating-point number; cast it to text or to an integer to use it as {ours}"
    at = given[theirs["event_timestamp"]]
    if at.is_numeric() and description.unit.get("event_timestamp") not in ("s", "ms", "us"):
        yield "event_timestamp is a number; say with `unit: {event_timestamp: s}` (or ms, us) what it counts"
    if not (at.is_numeric() or at.is_temporal() or at == nw.String):
        yield f"event_timestamp is of type {at}; it must be a time, a text or a number"


def _with_moment(rows: Any, column: str) -> Any:
    """Microseconds since 1970 of a time; of one without a zone, or of a text, as if it were in UTC."""
    if isinstance(rows, pl.LazyFrame):
        dtype = rows.collect_schema()[column]
        at = pl.col(column) if isinstance(dtype, pl.Datetime) else moment(pl.col(column), dtype, IN_UTC, [], None)
        return rows.with_columns(at.dt.timestamp("us").alias(MOMENT))
    if isinstance(rows, duckdb.DuckDBPyRelation):
        return rows.project(f"*, epoch_us(try_cast({_quoted(column, QUOTE)} as timestamptz)) as {MOMENT}")
    return rows.selectExpr("*", f"unix_micros(try_cast({_quoted(column, '`')} as timestamp)) as {MOMENT}")


def _with_left_out(rows: Any, where: str | None) -> Any:
    """Whether a row does not meet the condition of the settings."""
    if isinstance(rows, pl.LazyFrame):
        met = pl.sql_expr(where).fill_null(False) if where else pl.lit(True)
        return rows.with_columns((~met).alias(LEFT_OUT))
    is_left_out = f"not coalesce(({where}), false)" if where else "false"
    if isinstance(rows, duckdb.DuckDBPyRelation):
        return rows.project(f"*, {is_left_out} as {LEFT_OUT}")
    return rows.selectExpr("*", f"{is_left_out} as {LEFT_OUT}")


def _quoted(name: str, mark: str) -> str:
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
