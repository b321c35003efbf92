"""How rows, files, memory and time grow with accounts, events and months, as figures and plots.

    python benchmarks/growth.py                                       # some minutes; writes growth.json and growth.svg next to it
    python benchmarks/growth.py --accounts 150 2400 --months 6 48 --events 1 16

One of the three grows at a time; the other two have the first value of --accounts and of --events, and twelve months. Each company
is simulated (profile core). Its full run is as of the day before the last one, its daily run adds the last day. Wall and CPU seconds
are of whole processes, child processes included, memory is that of the largest process. More events are copies of each event under
keys of their own.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import polars as pl
from measured import measured

HERE = Path(__file__).parent
MONTHS = 12
SHOWN = {
    "published_rows": "published rows",
    "warehouse_mb": "warehouse, MB",
    "snapshot_mb": "snapshot, MB",
    "memory_gb": "memory, GB",
    "cpu_seconds": "CPU seconds",
    "wall_seconds": "wall seconds",
}


def copy_events(company: Path, times: int) -> None:
    """Each event so many times, under keys of their own, in the same files."""
    for file in sorted((company / "usage_events").glob("*.csv")) if times > 1 else []:
        events = pl.read_csv(file, infer_schema=False)
        copies = [events.with_columns(event_id=pl.col("event_id") + f"-{copy}") for copy in range(1, times)]
        pl.concat([events, *copies]).write_csv(file)


def grown(accounts: int, months: int, events: int) -> list[dict[str, Any]]:
    """A full and a daily run of one company: what they took, and what is there afterwards."""
    command = [sys.executable, "-m", "health_assets.cli.app"]
    last_day = datetime.now().astimezone().date() - timedelta(days=1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "dagster").mkdir()
        environment = {"DAGSTER_HOME": str(folder / "dagster"), "PYTHONPATH": ":".join([str(HERE.parent), *sys.path])}
        size = ["--accounts", str(accounts), "--months", str(months), "--profile", "core", "--end", str(last_day)]
        measured([*command, "demo", "--folder", place, *size], folder, environment)
        copy_events(folder, events)
        count = duckdb.sql(f"select count(*) from '{folder}/usage_events/*.csv'").fetchall()[0][0]
        found = []
        for name, day in (("full", last_day - timedelta(days=1)), ("daily", last_day)):
            run = [*command, "run", "--settings", "settings.yml", "--as-of", str(day)]
            used = measured(run, folder, environment)
            snapshot = (folder / "published.duckdb").resolve()
            with duckdb.connect(str(snapshot), read_only=True) as published:
                rows = published.sql(
                    "select sum(estimated_size) from duckdb_tables() where schema_name in ('dim', 'fact', 'mart')"
                ).fetchall()[0][0]
            found.append(
                {
                    "accounts": accounts,
                    "months": months,
                    "events": count,
                    "run": name,
                    "published_rows": int(rows),
                    "warehouse_mb": sum(file.stat().st_size for file in folder.glob("warehouse*.duckdb")) / 1e6,
                    "snapshot_mb": snapshot.stat().st_size / 1e6,
                    "memory_gb": used.gigabytes,
                    "cpu_seconds": used.cpu,
                    "wall_seconds": used.wall,
                }
            )
            print(f"{accounts:6,} accounts {months:3} months {count:10,} events, {name:5} {used}", flush=True)
    return found


def plots(found: Sequence[dict[str, Any]]) -> alt.VConcatChart:
    """A row of plots for each measure, a column for what grows."""
    rows = pl.DataFrame(found)

    def plot(measure: str, grows: str) -> alt.LayerChart:
        own = rows.filter(pl.col("grows") == grows)
        return (
            alt.Chart(alt.Data(values=own.to_dicts()))
            .mark_line(point=True)
            .encode(
                alt.X(f"{grows}:Q", title=grows, scale=alt.Scale(type="log" if grows != "months" else "linear")),
                alt.Y(f"{measure}:Q", title=SHOWN[measure], scale=alt.Scale(zero=True)),
                alt.Color("run:N", title=None),
            )
            .properties(width=200, height=110)
        )

    return alt.vconcat(
        *(
            alt.hconcat(*(plot(measure, grows) for grows in rows["grows"].unique(maintain_order=True)))
            for measure in SHOWN
        )
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--accounts", type=int, nargs="+", default=[150, 600, 2400])
    arguments.add_argument("--months", type=int, nargs="+", default=[6, 12, 24, 48])
    arguments.add_argument("--events", type=int, nargs="+", default=[1, 4, 16], help="copies of each event")
    arguments.add_argument("--draw-only", action="store_true", help="draw growth.json again")
    given = arguments.parse_args()
    accounts, events = given.accounts[0], given.events[0]
    sizes = [
        *(("months", (accounts, months, events)) for months in given.months),
        *(("accounts", (count, MONTHS, events)) for count in given.accounts),
        *(("events", (accounts, MONTHS, times)) for times in given.events),
    ]
    figures = HERE / "growth.json"
    if not given.draw_only:
        measured_once = {size: grown(*size) for size in dict.fromkeys(size for _, size in sizes)}
        found = [{"grows": grows} | point for grows, size in sizes for point in measured_once[size]]
        figures.write_text(json.dumps(found, indent=1) + "\n")
    plots(json.loads(figures.read_text())).save(HERE / "growth.svg")
    print(f"{figures} and growth.svg written")


if __name__ == "__main__":
    main()
