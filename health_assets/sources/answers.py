"""The queries of the settings -> Parquet files that are read like any other file of a company.

A run fetches every answer anew, batch by batch, and replaces the file of the run before when the last row has arrived. Of an
answer by month (`:since` and `:until` in the query) it fetches the current month, and others whose count has changed.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from health_assets.contracts.months import months_after, months_between
from health_assets.settings import Settings
from health_assets.settings.answers import ANSWER, answer_of, is_sql_file, with_answers_in
from health_assets.settings.source import Description
from health_assets.sources.databases import (
    Connection,
    NotConnectedError,
    answered_by_duckdb,
    connected,
    over_files,
)
from health_assets.sources.erased_answers import without_erased_rows
from health_assets.sources.formats import SourceError
from health_assets.sources.landing import MADE_BY, written
from health_assets.sources.presets.opened import opened_preset
from health_assets.sources.presets.vendors import sql_of
from health_assets.sources.sqlite_files import Answer

BOUND = re.compile(r"(?<![:\w]):(since|until)\b")
REDUCTION = "health_assets.sources.events.months"  # needs narwhals, which is an extra
WHOLE = ("accounts", "users")  # sources whose keys others are compared with


@dataclass(frozen=True)
class Query:
    """One description whose rows are an answer."""

    source: str
    place: str  # in the settings
    description: Description
    target: Path  # without the ending


def fetch_answers(
    settings: Settings, is_wanted: Callable[[Description], bool] = lambda description: True
) -> dict[str, int]:
    """Bring the answers of all queries up to date; the rows that were fetched, by source.

    Args:
        settings: of the company.
        is_wanted: whether the answer of a description is to be fetched.

    Raises:
        SourceError: a query cannot be answered; its earlier answer stays as it was.
    """
    queries = [query for query in queries_of(settings, settings.answers) if is_wanted(query.description)]
    return {query.source: _fetched(query, settings) for query in queries}


@contextmanager
def sampled(settings: Settings, rows: int) -> Iterator[tuple[Settings, dict[str, str]]]:
    """The settings with the first rows of each query as its answer, and what is wrong by source, for the `with` block.

    Args:
        settings: of the company.
        rows: that are fetched of each answer.
    """
    faults: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        for query in queries_of(settings, Path(folder)):
            try:
                if query.description.engine:
                    _reduction().sample_of_months(query.description, query.source, query.target, settings)
                    continue
                with _database(query, settings, limit=0) as database:
                    statement = _bound(_statement(query), settings.history_start, _end(settings))
                    is_whole = query.source in WHOLE
                    answer = database.answer(statement if is_whole else database.limited(statement, rows))
                    some = answer if is_whole else Answer(answer.schema, _first(answer.batches, rows))
                    written(some, _file(query.target), statement)
            except NotConnectedError as error:
                faults[query.source] = str(error)
            except SourceError as error:
                faults[query.source] = f"{query.place}: {error}"
        yield settings.model_copy(update={"sources": with_answers_in(settings.sources, Path(folder))}), faults


@contextmanager
def answered_apart(settings: Settings) -> Iterator[Settings]:
    """The settings with all answers fetched into a folder of their own, for the `with` block; those of the runs stay as they are.

    Raises:
        SourceError: a query cannot be answered.
    """
    with tempfile.TemporaryDirectory(prefix="answers-") as folder:
        for query in queries_of(settings, Path(folder)):
            _fetched(query, settings)
        yield settings.model_copy(update={"sources": with_answers_in(settings.sources, Path(folder))})


def queries_of(settings: Settings, folder: Path) -> list[Query]:
    """All descriptions whose rows are an answer, each with the file that the answer goes to."""
    found = []
    for name, source in settings.sources.items():
        for number, description in enumerate(source.descriptions, 1):
            if description.is_queried:
                key = "engine" if description.engine else "preset" if description.preset else "query"
                place = f"sources.{name}" if len(source.descriptions) == 1 else f"sources.{name}[{number - 1}]"
                found.append(Query(name, f"{place}.{key}", description, answer_of(folder, name, number, description)))
    return found


def statement_of(description: Description, source: str) -> str:
    """The SQL of a query, its own, of its file, or of its preset.

    Raises:
        SourceError: there is no such file, or preset.
    """
    if description.engine:
        return ""
    if description.preset:
        return sql_of(description.preset, source)
    query = str(description.query)
    if not is_sql_file(query):
        return query
    try:
        return Path(query).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{query}: cannot be read ({error})") from None


def _fetched(query: Query, settings: Settings) -> int:
    try:
        if query.description.engine:
            return int(_reduction().fetch_months(query.description, query.source, query.target, settings))
        with _database(query, settings) as database:
            statement = _statement(query)
            if BOUND.search(statement):
                return _fetched_by_month(query, statement, database, settings)
            answer = without_erased_rows(database.answer(statement), query.source, query.description, settings)
            rows = written(answer, _file(query.target), statement)
            _remove(query.target, keep=[_file(query.target)])
            return rows
    except NotConnectedError:
        raise
    except SourceError as error:
        failure = str(error)
    raise SourceError(f"{query.place}: {failure}")


def _reduction() -> Any:
    try:
        return import_module(REDUCTION)
    except ModuleNotFoundError as error:
        missing = error.name
    raise SourceError(f"needs the package {missing}: pip install 'health-assets[spark]'")


def _fetched_by_month(query: Query, statement: str, database: Connection, settings: Settings) -> int:
    """Each month in a file of its own, so that one is fetched again without the others."""
    end = _end(settings)
    months = months_between(settings.history_start, end - timedelta(days=1))
    bound = {month: _bound(statement, month, months_after(month, 1)) for month in months}
    counts = _counts(bound, database)
    files = {month: _file(query.target, month) for month in months}
    always = {months[-1], *(months[-2:] if settings.load_day.day <= 3 else ())}
    rows = 0
    for month, file in files.items():
        if counts[month] and (month in always or _recorded(file) != (counts[month], bound[month])):
            answer = without_erased_rows(database.answer(bound[month]), query.source, query.description, settings)
            rows += written(answer, file, bound[month])
    kept = [file for month, file in files.items() if counts[month]]
    if not kept:
        written(database.answer(bound[months[-1]]), files[months[-1]], bound[months[-1]])
        kept = [files[months[-1]]]
    _remove(query.target, keep=kept)
    return rows


def _counts(bound: Mapping[date, str], database: Connection) -> dict[date, int]:
    """The rows of each month, by one statement."""
    each = [
        f"select {number} as n, count(*) as row_count from ({statement}) as answer"
        for number, statement in enumerate(bound.values())
    ]
    answer = database.answer(" union all ".join(each))
    found = {int(n): int(count) for batch in answer.batches for n, count in (row.values() for row in batch.to_pylist())}
    return {month: found[number] for number, month in enumerate(bound)}


def _end(settings: Settings) -> date:
    """The day after the last month that is fetched."""
    return months_after(settings.load_day.replace(day=1), 1)


def _bound(statement: str, since: date, until: date) -> str:
    """The statement for the days from `since` until the day before `until`."""
    days = {"since": since, "until": until}
    return BOUND.sub(lambda found: f"'{days[found[1]]:%Y-%m-%d}'", statement.strip().rstrip(";"))


def _statement(query: Query) -> str:
    return statement_of(query.description, query.source)


@contextmanager
def _database(query: Query, settings: Settings, limit: int | None = None) -> Iterator[Connection]:
    """What answers the query: a database, or DuckDB over the company's files; of a preset's tables in a database so many rows."""
    description = query.description
    if description.preset:
        with opened_preset(description, query.source, settings, limit) as database:
            yield database
    elif description.connection:
        with connected(description.connection, settings.timezone) as database:
            yield database
    else:
        with over_files(settings.folder, settings.timezone) as files:
            yield Connection(None, lambda statement: answered_by_duckdb(files, statement), str, "")


def _file(target: Path, month: date | None = None) -> Path:
    return target.with_name(f"{target.name}{f'.{month:%Y-%m}' if month else ''}{ANSWER}")


def _remove(target: Path, keep: list[Path]) -> None:
    """Delete the answers of a query that was by month and is not, or of months before `history_start`."""
    for file in target.parent.glob(f"{target.name}.*{ANSWER[1:]}"):
        if file not in keep:
            file.unlink()


def _recorded(file: Path) -> tuple[int, str] | None:
    """The rows of an answer and its statement."""
    if not file.exists():
        return None
    try:
        found = pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return None
    return found.num_rows, json.loads((found.metadata or {}).get(MADE_BY, b'""'))


def _first(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(0, rows)
        rows -= batch.num_rows
        if rows <= 0:
            return
