"""A month of events reduced by each engine: seconds of CPU per million events, and the rows that come back.

    python benchmarks/engines.py --events 10000000 --engines polars duckdb sail spark

The events are random: an account has 50 users, a user about 400 events of 20 names a month, 1 % of the rows are copies of another.
CPU is that of this process and of the server. Sail and Spark run on this machine with all its cores; Spark needs Java and the
jars that `make spark` fetches.
"""

import argparse
import os
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import polars as pl

from health_assets.settings import Settings, load
from health_assets.sources import answers
from health_assets_tests.loopback_spark import sail, spark

MONTH, DAYS, COPIES = "2025-01", 31, 0.01
PER_USER, USERS_OF_ACCOUNT, NAMES, AT_ONCE = 400, 50, 20, 10_000_000
SERVERS = {"sail": sail, "spark": lambda: spark(cores="*", memory="6g", is_compiled=True)}


def events(folder: Path, count: int) -> None:
    """Write the events of one month, in files of at most ten million."""
    generator = np.random.default_rng(7)
    for part, first in enumerate(range(0, count, AT_ONCE)):
        size = min(AT_ONCE, count - first)
        user = generator.integers(0, max(count // PER_USER, 1), size)
        day, second = generator.integers(0, DAYS, size), generator.integers(8 * 3600, 18 * 3600, size)
        rows = pl.DataFrame(
            {"n": np.arange(first, first + size), "user": user, "name": generator.zipf(1.5, size) % NAMES}
            | {"seconds": day * 86_400 + second, "duration_seconds": generator.integers(1, 600, size) / 10}
        )
        rows = pl.concat([rows, rows.head(int(size * COPIES))]).select(
            event_id=pl.format("e{}", "n"),
            account_id=pl.format("a{}", pl.col("user") // USERS_OF_ACCOUNT),
            user_id=pl.format("u{}", "user"),
            event_name=pl.format("event_{}", "name"),
            event_timestamp=pl.datetime(2025, 1, 1, time_zone="UTC") + pl.duration(seconds="seconds"),
            duration_seconds="duration_seconds",
        )
        rows.write_parquet(folder / f"events-{part:03}.parquet")


def company(folder: Path, engine: str) -> Settings:
    """A company with these events and an engine."""
    (folder / "accounts.csv").write_text("account_id,company_name,signup_date\na0,One,2024-01-01\n")
    how = f"spark, remote: env:{engine.upper()}" if engine in SERVERS else engine
    (folder / "settings.yml").write_text(
        f"company: Benchmark\nas_of: {MONTH}-{DAYS}\nhistory_start: {MONTH}-01\ntimezone: Europe/Berlin\n"
        f"warehouse: {engine}.duckdb\npublished: published.duckdb\nsources:\n  accounts: {{path: accounts.csv}}\n"
        f"  usage_events: {{path: 'events-*.parquet', engine: {how}}}\n"
    )
    return load(folder / "settings.yml")


def _cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def measured(folder: Path, engine: str) -> tuple[float, float, int, int]:
    """Seconds of wall and CPU, rows of the source, rows that came back."""
    settings = company(folder, engine)
    with SERVERS[engine]() if engine in SERVERS else nullcontext() as server:
        if server is not None:
            os.environ[engine.upper()] = server.url
        before = _cpu_of(server.process.pid) if server is not None else 0.0
        wall, own = time.perf_counter(), time.process_time()
        answers.fetch_answers(settings)
        wall, own = time.perf_counter() - wall, time.process_time() - own
        own += _cpu_of(server.process.pid) - before if server is not None else 0.0
    reduced = pl.scan_parquet(settings.answers / "*" / f"usage_events.{MONTH}.*")
    rows, stand_for = reduced.select(pl.len(), pl.col("source_row_count").sum()).collect().row(0)
    return wall, own, stand_for, rows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--engines", nargs="+", default=["polars", "duckdb", "sail", "spark"])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        events(folder, given.events)
        print(
            f"{'engine':8} {'events':>12} {'wall s':>8} {'CPU s':>8} {'CPU s / million':>16} {'rows back':>12} {'share':>6}"
        )
        for engine in given.engines:
            wall, cpu, count, rows = measured(folder, engine)
            million = cpu / (count / 1e6)
            print(
                f"{engine:8} {count:>12,} {wall:>8.1f} {cpu:>8.1f} {million:>16.2f} {rows:>12,} {rows / count:>6.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
