"""The event reduction beside a hand-written one: events -> (account, user, day) -> (account, day), on the same files.

    python benchmarks/events.py --accounts 2000

Each contestant is a process of its own on the Parquet files of the simulated company:
    decoding  the columns that the reduction needs, read and thrown away
    duckdb    two-stage SQL with the same columns in its result, sessions included, stored in a DuckDB file
    ours      the product's transforms on the parsed events, in the product's groups of months, stored in a DuckDB file
What comes out is compared, so that none wins by doing less. Reading, parsing and writing are included in both, imports in
none; memory is what comes on top of the imports. They take turns, and the least of each counts.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pandas  # noqa: F401 - DuckDB imports both of these at its first query with a value, its first frame
import polars as pl
import pyarrow  # noqa: F401

from health_assets import settings as company_settings
from health_assets.assets.fact.event_daily import fact_event_daily
from health_assets.assets.fact.usage_daily import fact_usage_daily
from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.assets.staged.features import Features
from health_assets.assets.staged.usage_events import UsageEvents, staged_usage_events
from health_assets.contracts.months import months_between, period_of
from health_assets.settings import Settings
from health_assets.tables import TABLES, Table
from health_assets.warehouse.file_format import create
from health_assets.warehouse.stale_months import ROWS_PER_WRITE
from health_assets.warehouse.storage import Warehouse, made_ahead

NEEDED = [name for name in UsageEvents.column_names() if name != "event_id"]  # the key is not read by either
GROUPED_SQL = """
create table user_daily as
with events as (
    select account_id, user_id, lower(event_name) as event_name, event_timestamp, event_timestamp::date as day,
           duration_seconds,
           coalesce(event_timestamp - lag(event_timestamp) over (partition by account_id, user_id order by event_timestamp)
                    > interval 30 minutes, true) as starts_session
    from read_parquet('{files}') where user_id is not null
)
select account_id, user_id, day, count(*) as event_count, count(distinct event_name) as feature_count,
       count(*) filter (starts_session) as session_count, sum(duration_seconds) as active_seconds
from events group by all order by all;

create table usage_daily as
with features as (
    select account_id, event_timestamp::date as day, lower(event_name) as event_name, count(*) as event_count
    from read_parquet('{files}') group by all
), users as (select account_id, day, count(*) as active_user_count from user_daily group by all)
select account_id, day, sum(event_count) as event_count, count(*) as feature_count,
       coalesce(any_value(active_user_count), 0) as active_user_count
from features left join users using (account_id, day) group by all order by all;
"""


def decoding(folder: Path) -> tuple[int, ...]:
    events = pl.scan_parquet(folder / "usage_events/*.parquet")
    read = events.select("account_id", "user_id", "event_name", "event_timestamp", "duration_seconds")
    return (read.select(pl.all().null_count().sum(), pl.len()).collect(engine="streaming")["len"].item(),)


def by_duckdb(folder: Path) -> tuple[int, ...]:
    create(folder / "duckdb.duckdb")
    with duckdb.connect(str(folder / "duckdb.duckdb")) as connection:
        connection.execute(GROUPED_SQL.format(files=folder / "usage_events/*.parquet"))
        return _sums(connection, "user_daily", "usage_daily")


def ours(folder: Path) -> tuple[int, ...]:
    settings = company_settings.load(folder / "settings.yml")
    with Warehouse.opened(folder / "ours.duckdb") as warehouse:
        for table, months, rows in made_ahead(_reduced(folder, settings)):
            warehouse.write_months(table, months, rows, dict.fromkeys(months, ""))
        return _sums(warehouse.connection, "fact.user_daily", "fact.usage_daily")


def _reduced(folder: Path, settings: Settings) -> Iterator[tuple[Table, list[date], pl.DataFrame]]:
    """Users and accounts by day of groups of months; the day before is read for the sessions that it began."""
    by_user, by_account = TABLES["fact_user_daily"], TABLES["fact_usage_daily"]
    catalogue = Features.create_empty(lazy=True)
    for months in _written_together(folder):
        days = period_of(months, settings.load_day)
        before = months_between(days.starting(1), days.starting(1))
        files = [file for month in [*before, *months] if (file := _file_of(folder, month)).exists()]
        read = pl.scan_parquet(files).filter(pl.col("event_timestamp") >= days.starting(1))
        # as the product reads a file without these columns
        read = read.with_columns(event_count=pl.lit(None, pl.String), sessions_begun=pl.lit(None, pl.String))
        events = staged_usage_events(read, settings).select(NEEDED).collect()
        users = _computed(fact_user_daily(events.lazy(), catalogue, settings, days))
        yield by_user, months, users
        feed = _computed(fact_event_daily(events.lazy(), days)).lazy()
        usage = fact_usage_daily(events.lazy(), catalogue, feed, users.lazy(), settings, days)
        yield by_account, months, _computed(usage)


def _computed(rows: pl.LazyFrame) -> pl.DataFrame:
    """By the engine that the product uses for so many rows."""
    return rows.collect(engine="streaming")


def _written_together(folder: Path) -> Iterator[list[date]]:
    """Months in groups of at most so many events as the product computes together."""
    group, events = [], 0
    for file in sorted((folder / "usage_events").iterdir()):
        count = pl.scan_parquet(file).select(pl.len()).collect().item()
        if group and events + count > ROWS_PER_WRITE:
            yield group
            group, events = [], 0
        group.append(date.fromisoformat(f"{file.stem}-01"))
        events += count
    yield group


def _file_of(folder: Path, month: date) -> Path:
    return folder / f"usage_events/{month:%Y-%m}.parquet"


def _sums(connection: duckdb.DuckDBPyConnection, users: str, accounts: str) -> tuple[int, ...]:
    by_user = f"select count(*), sum(event_count), sum(feature_count), sum(session_count) from {users}"
    by_account = f"select count(*), sum(event_count), sum(feature_count), sum(active_user_count) from {accounts}"
    return tuple(int(value) for query in (by_user, by_account) for value in connection.sql(query).fetchall()[0])


def _used() -> tuple[float, float, float]:
    """Seconds of wall and CPU, and the peak of memory in GB, since the process began."""
    return time.perf_counter(), time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


CONTESTANTS = {"decoding": decoding, "duckdb": by_duckdb, "ours": ours}


def _turn(name: str, folder: str) -> list[float]:
    """One contestant in a process of its own, from nothing."""
    for stored in Path(folder).glob("*.duckdb"):
        stored.unlink()
    command = [sys.executable, __file__, "--contestant", name, folder]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(value) for value in output.split()]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--accounts", type=int, default=2000)
    arguments.add_argument("--turns", type=int, default=3)
    arguments.add_argument("--contestant", nargs=2, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.contestant:
        name, folder = given.contestant
        before = _used()
        sums = CONTESTANTS[name](Path(folder))
        print(*(now - then for now, then in zip(_used(), before, strict=True)), *sums)
        return
    with tempfile.TemporaryDirectory() as folder:
        cli = [sys.executable, "-m", "health_assets.cli.app", "demo", "--folder", folder, "--format", "parquet"]
        end = date(2026, 10, 31).isoformat()
        subprocess.run([*cli, "--accounts", str(given.accounts), "--end", end], check=True, stdout=subprocess.DEVNULL)
        turns = [{name: _turn(name, folder) for name in CONTESTANTS} for _ in range(given.turns)]
        found = {
            name: [min(values) for values in zip(*(turn[name] for turn in turns), strict=True)] for name in turns[0]
        }
        if found["duckdb"][3:] != found["ours"][3:]:
            sys.exit(f"the results differ: duckdb {found['duckdb'][3:]}, ours {found['ours'][3:]}")
        print(f"{found['decoding'][3]:,.0f} events of {given.accounts:,} accounts; same rows and sums\n")
        print(
            f"{'':10} {'wall s':>8} {'CPU s':>8} {'GB':>6} {'wall / duckdb':>14} {'CPU / duckdb':>13} {'GB / duckdb':>12}"
        )
        for name, (wall, cpu, memory, *_) in found.items():
            ratios = [mine / theirs for mine, theirs in zip((wall, cpu, memory), found["duckdb"][:3], strict=True)]
            print(
                f"{name:10} {wall:>8.1f} {cpu:>8.1f} {memory:>6.2f} {ratios[0]:>14.2f} {ratios[1]:>13.2f} {ratios[2]:>12.2f}"
            )


if __name__ == "__main__":
    main()
