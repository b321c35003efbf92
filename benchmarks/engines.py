"""Months of events reduced by each engine: seconds of CPU per million events, and the rows that come back.

    python benchmarks/engines.py --events 10000000 --engines polars duckdb sail spark
    python benchmarks/engines.py --events 100000000 --months 10

The events are random: an account has 50 users, a user about 400 events of 20 names a month, 1 % of the rows are copies of another.
CPU is that of this process and of the server. Sail and Spark run on this machine with all its cores; Spark needs Java and the
jars that `make spark` fetches.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from health_assets.contracts.months import end_of_month, months_after, months_between
from health_assets.settings import Settings, load
from health_assets.sources import answers
from health_assets_tests.loopback_spark import sail, spark

FIRST, COPIES = date(2024, 1, 1), 0.01
PER_USER, USERS_OF_ACCOUNT, NAMES, AT_ONCE = 400, 50, 20, 10_000_000
SERVERS = {"sail": sail, "spark": lambda: spark(cores="*", memory="6g", is_compiled=True)}


def events(folder: Path, count: int, months: Sequence[date]) -> None:
    """Write the events, as many for each month, in files of one month and at most ten million."""
    for place, month in enumerate(months):
        _events_of(month, folder, place * (count // len(months)), count // len(months))


def _events_of(month: date, folder: Path, begin: int, count: int) -> None:
    generator, days = np.random.default_rng(7 + begin), end_of_month(month).day
    for part, first in enumerate(range(begin, begin + count, AT_ONCE)):
        size = min(AT_ONCE, begin + count - first)
        user = generator.integers(0, max(count // PER_USER, 1), size)
        day, second = generator.integers(0, days, size), generator.integers(8 * 3600, 18 * 3600, size)
        rows = pl.DataFrame(
            {"n": np.arange(first, first + size), "user": user, "name": generator.zipf(1.5, size) % NAMES}
            | {"seconds": day * 86_400 + second, "duration_seconds": generator.integers(1, 600, size) / 10}
        )
        rows = pl.concat([rows, rows.head(int(size * COPIES))]).select(
            event_id=pl.format("e{}", "n"),
            account_id=pl.format("a{}", pl.col("user") // USERS_OF_ACCOUNT),
            user_id=pl.format("u{}", "user"),
            event_name=pl.format("event_{}", "name"),
            event_timestamp=pl.datetime(month.year, month.month, 1, time_zone="UTC") + pl.duration(seconds="seconds"),
            duration_seconds="duration_seconds",
        )
        rows.write_parquet(folder / f"events-{month:%Y-%m}-{part:03}.parquet")


def company(folder: Path, engine: str, months: Sequence[date]) -> Settings:
    """A company with these events and an engine."""
    (folder / "accounts.csv").write_text(f"account_id,company_name,signup_date\na0,One,{FIRST}\n")
    how = f"spark, remote: env:{engine.upper()}" if engine in SERVERS else engine
    (folder / "settings.yml").write_text(
        f"company: Benchmark\nas_of: {end_of_month(months[-1])}\nhistory_start: {months[0]}\ntimezone: Europe/Berlin\n"
        f"warehouse: {engine}.duckdb\npublished: published.duckdb\nsources:\n  accounts: {{path: accounts.csv}}\n"
        f"  usage_events: {{path: 'events-*.parquet', engine: {how}}}\n"
    )
    return load(folder / "settings.yml")


def _cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def measured(folder: Path, engine: str, months: Sequence[date]) -> tuple[float, float, int, int]:
    """Seconds of wall and CPU, rows of the source, rows that came back."""
    settings = company(folder, engine, months)
    with SERVERS[engine]() if engine in SERVERS else nullcontext() as server:
        if server is not None:
            os.environ[engine.upper()] = server.url
        before = _cpu_of(server.process.pid) if server is not None else 0.0
        wall, own = time.perf_counter(), time.process_time()
        answers.fetch_answers(settings)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        own += _cpu_of(server.process.pid) - before if server is not None else 0.0
    reduced = pl.scan_parquet(settings.answers / "*" / "usage_events.20*")
    rows, stand_for = reduced.select(pl.len(), pl.col("source_row_count").sum()).collect().row(0)
    return wall, own, stand_for, rows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--months", type=int, default=1, help="over which they are spread")
    arguments.add_argument("--engines", nargs="+", default=["polars", "duckdb", "sail", "spark"])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        months = months_between(FIRST, months_after(FIRST, given.months - 1))
        events(folder, given.events, months)
        print(
            f"{'engine':8} {'events':>12} {'wall s':>8} {'CPU s':>8} {'CPU s / million':>16} {'rows back':>12} {'share':>6}"
        )
        for engine in given.engines:
            wall, cpu, count, rows = measured(folder, engine, months)
            million = cpu / (count / 1e6)
            print(
                f"{engine:8} {count:>12,} {wall:>8.1f} {cpu:>8.1f} {million:>16.2f} {rows:>12,} {rows / count:>6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
