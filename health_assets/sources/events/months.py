"""The events of an engine -> a Parquet file for each month of reduced events, read like any other file of a company.

A run asks the engine how many events each month has, and has the current month reduced, and others whose count has changed.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from health_assets.contracts.months import months_after, months_between
from health_assets.settings import Settings
from health_assets.settings.answers import ANSWER
from health_assets.settings.source import Description
from health_assets.sources.erased import read_list
from health_assets.sources.erased_answers import without_erased_rows
from health_assets.sources.events.engines import COLUMNS, Engine, guarded, opened
from health_assets.sources.events.reduction import (
    AT,
    DAY_NUMBER,
    FIRST_NULLED,
    NANOS,
    NULLED,
    PROBLEM,
    REJECTED,
    SAMPLE,
    SECONDS,
    WIDEST,
    Reading,
    by_day,
    read,
    reduced,
    rejected,
    superseded,
)
from health_assets.sources.events.report import STANDS_FOR, UNREADABLE, plan_of, recorded
from health_assets.sources.landing import written
from health_assets.sources.quarantine import SUPERSEDED, WORDS_KEPT
from health_assets.sources.sqlite_files import Answer

BATCH_ROWS = 100_000


def fetch_months(description: Description, source: str, target: Path, settings: Settings) -> int:
    """Bring the reduced months up to date; returns the events that were reduced anew.

    Args:
        description: the events and their engine.
        source: its name in the settings.
        target: of the files, without month and ending.
        settings: of the company.

    Raises:
        SourceError: the engine is lost, or the events cannot be read; months that were not finished stay as they were.
    """
    return guarded(lambda: _fetched(description, source, target, settings), description)


def _fetched(description: Description, source: str, target: Path, settings: Settings) -> int:
    plan, reading = plan_of(description, source, settings), _reading(description, settings)
    write = partial(_write, description, source, settings)
    months = months_between(settings.history_start, settings.load_day)
    always = {months[-1], *(months[-2:] if settings.load_day.day <= 3 else ())}
    with opened(description) as engine:
        counts, left_out = _by_month(engine, reading)
        fetched = 0
        for month in months:
            made, file = (plan, counts[month]), _file(target, f"{month:%Y-%m}")
            record = recorded(file) or {}
            if counts[month] and (month in always or (record.get("plan"), record.get("counted")) != made):
                write(file, *_month(engine, reading, month), plan, counts[month], left_out[month])
                fetched += counts[month]
        elsewhere = {f"{month:%Y-%m}": rows for month, rows in counts.items() if month and month not in months}
        rest = _timeless(engine, reading) if counts[None] else _nothing(engine)
        rest[1]["months"] = elsewhere | {UNREADABLE: counts[None]}
        write(_file(target, UNREADABLE), *rest, plan, counts[None], left_out[None])
    kept = {_file(target, f"{month:%Y-%m}") for month in months if counts[month]} | {_file(target, UNREADABLE)}
    for file in target.parent.glob(f"{target.name}.*{ANSWER[1:]}"):
        if file not in kept:
            file.unlink()
    return fetched


def sample_of_months(description: Description, source: str, target: Path, settings: Settings) -> None:
    """The latest month that has events, in place of all: what checks look at before a run.

    Raises:
        SourceError: the engine is lost, or the events cannot be read.
    """
    guarded(lambda: _sampled(description, source, target, settings), description)


def _sampled(description: Description, source: str, target: Path, settings: Settings) -> None:
    reading = _reading(description, settings)
    with opened(description) as engine:
        counts, left_out = _by_month(engine, reading)
        there = [month for month in months_between(settings.history_start, settings.load_day) if counts[month]]
        made = _month(engine, reading, there[-1]) if there else _nothing(engine)
        month = there[-1] if there else None
        name = f"{month:%Y-%m}" if month else UNREADABLE
        plan = plan_of(description, source, settings)
        _write(description, source, settings, _file(target, name), *made, plan, counts[month], left_out[month])


def _reading(description: Description, settings: Settings) -> Reading:
    zones = (description.timezone or settings.timezone, settings.timezone)
    gap = settings.engagement.session_gap_minutes
    unit = description.unit.get("event_timestamp")
    return Reading(settings.timezone, zones, settings.history_start, settings.load_day, unit, gap)


def _by_month(engine: Engine, reading: Reading) -> tuple[Counter[date | None], Counter[date | None]]:
    """Events, and those that are left out, by local month; None for those without a readable time."""
    counts, left_out = Counter[date | None](), Counter[date | None]()
    for day, rows, out in engine.collected(by_day(read(engine.events(), reading))).iter_rows():
        month = None if day is None else _month_of(int(day))
        counts[month] += int(rows)
        left_out[month] += int(out)
    return counts, left_out


def _month_of(day: int) -> date:
    latest = (date.max - WIDEST).days
    return (WIDEST + timedelta(days=min(day, latest))).replace(day=1)


def _month(engine: Engine, reading: Reading, month: date) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The reduced rows of a month, and the record of its events."""
    end = months_after(month, 1)
    near = replace(reading, first=month - timedelta(days=32), last=end + timedelta(days=2))
    events = read(engine.events(), near)
    groups = engine.collected(reduced(events, near, month, end))
    lost = engine.collected(rejected(events, month, end))
    record = _record_of(lost) | {
        "month": f"{month:%Y-%m}",
        "rows": int(groups["rows"].sum()),
        "collapsed": int(groups["collapsed"].sum()),
        "superseded": int(groups["superseded"].sum()),
    }
    if record["superseded"]:
        others = engine.collected(superseded(events, month, end))
        record["rejected"] += [
            _said([SUPERSEDED], place, record["superseded"], row)
            for place, row in enumerate(_sorted(others).to_dicts(), 1)
        ]
    return _rows_of(groups, month), record


def _timeless(engine: Engine, reading: Reading) -> tuple[pl.DataFrame, dict[str, Any]]:
    """The record of the events without a readable time."""
    rows, record = _nothing(engine)
    return rows, record | _record_of(engine.collected(rejected(read(engine.events(), reading), None, None)))


def _nothing(engine: Engine) -> tuple[pl.DataFrame, dict[str, Any]]:
    """No reduced row, and nothing lost."""
    counts = dict.fromkeys(("rows", "collapsed", "superseded", "rejected_rows", "nulled_rows"), 0)
    given = engine.events().collect_schema().names()
    who = [name for name in ("account_id", "user_id") if name in given]
    texts, numbers = dict.fromkeys((*who, "event_name"), pl.String), dict.fromkeys((DAY_NUMBER, AT, *_SUMS), pl.Int64)
    empty = pl.concat([pl.DataFrame(schema=texts), pl.DataFrame(schema=numbers)], how="horizontal")
    return _rows_of(empty, WIDEST), {"month": UNREADABLE, "rejected": [], "nulled": [], **counts}


_SUMS = ("_count", "sessions_begun", SECONDS, NANOS, "durations", "rows", "superseded", "collapsed")


def _rows_of(groups: pl.DataFrame, month: date) -> pl.DataFrame:
    """The reduced rows in the columns of the raw contract, in one order, with keys of their own."""
    who = [name for name in ("account_id", "user_id") if name in groups.columns]
    seconds = pl.col(SECONDS).cast(pl.Float64) + pl.col(NANOS).cast(pl.Float64) / 1e9
    return (
        groups.with_columns(pl.col(*_SUMS).cast(pl.Int64))
        .sort(*who, "event_name", DAY_NUMBER)
        .with_row_index("_number")
        .select(
            *who,
            "event_name",
            event_id=pl.format("{}-{}", pl.lit(f"{month:%Y-%m}"), "_number"),
            event_timestamp=pl.col(AT).cast(pl.Datetime("us", "UTC")),
            event_count="_count",
            duration_seconds=pl.when(pl.col("durations") > 0).then(seconds),
            sessions_begun="sessions_begun",
            **{STANDS_FOR: "rows"},
        )
    )


def _record_of(lost: pl.DataFrame) -> dict[str, Any]:
    """How many events were rejected or lost a value, with the first of each kind."""
    counted = lost.group_by(PROBLEM).agg(pl.col("rows").first().cast(pl.Int64)).rows()
    said, words = [], Counter[tuple[str, str]]()
    places = Counter[int]()
    for row in _sorted(lost).to_dicts():
        places[row[PROBLEM]] += 1
        if reasons := [reason for key, reason in REJECTED.items() if row[PROBLEM] & key]:
            said.append(_said(reasons, places[row[PROBLEM]], int(row["rows"]), row))
        for key, column in NULLED.items():
            if row[PROBLEM] & key:
                words[column, str(row[column])] += 1
    return {
        "rejected": said,
        "rejected_rows": sum(rows for problem, rows in counted if problem % FIRST_NULLED),
        "nulled": [{"column": column, "word": word, "rows": rows} for (column, word), rows in sorted(words.items())][
            :WORDS_KEPT
        ],
        "nulled_rows": sum(rows for problem, rows in counted if problem >= FIRST_NULLED),
    }


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    shown = [name for name in COLUMNS if name in rows.columns]
    return rows.sort(*(name for name in (PROBLEM, AT, *shown) if name in rows.columns), nulls_last=True).head(
        SAMPLE * 64
    )


def _said(reasons: list[str], place: int, rows: int, row: dict[str, Any]) -> dict[str, Any]:
    given = {name: None if row[name] is None else str(row[name]) for name in COLUMNS if name in row}
    return {"reasons": sorted(reasons), "place": place, "rows": rows, "record": given}


def _file(target: Path, month: str) -> Path:
    return target.with_name(f"{target.name}.{month}{ANSWER}")


def _write(
    description: Description,
    source: str,
    settings: Settings,
    file: Path,
    rows: pl.DataFrame,
    record: dict[str, Any],
    plan: str,
    counted: int,
    left_out: int,
) -> None:
    """Replace the file of a month; what names an erased account or user is not kept."""
    erased = read_list(settings)
    record |= {"plan": plan, "counted": counted, "left_out": left_out, "at": datetime.now(UTC).isoformat()}
    record.setdefault("months", {record["month"]: counted})
    if erased.entries:
        of_others = [one for one in record["rejected"] if not erased.names_someone(_texts(one["record"])).any()]
        record["rejected"] = of_others
    table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    answer = Answer(table.schema, _batches(table))
    written(without_erased_rows(answer, source, description.of_reduced_months(), settings), file, record)


def _texts(record: dict[str, str | None]) -> pl.Series:
    return pl.Series(list(record.values()), dtype=pl.String)


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches(max_chunksize=BATCH_ROWS)
