"""Where the time of a run goes: imports, Dagster's event log, Great Expectations, our own transforms, reads and writes.

    python benchmarks/pipeline.py --accounts 150            # a full run, then a daily one, on the simulated company

Each run is a process of its own. Wall and CPU are of that process; Great Expectations works in another one, for which
the run waits. "Rest" is Dagster's own work between events.
"""

import argparse
import functools
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

PARTS = ["imports", "ours", "publish", "great expectations", "event log", "rest"]


class Clock:
    """Time spent in each part, without that of the parts inside it."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._inner = threading.local()

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def measured(*given: Any, **named: Any) -> Any:
            stack = self._inner.__dict__.setdefault("stack", [])
            stack.append(0.0)
            started = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                took = time.perf_counter() - started
                self.spent[part] += took - stack.pop()
                if stack:
                    stack[-1] += took

        return measured


def run(settings: str) -> None:
    """One run in this process, its parts printed as one line."""
    clock, started = Clock(), time.perf_counter()
    from health_assets.quality.great_expectations import warm_up
    from health_assets.worker import shared_worker

    shared_worker().prepare(warm_up)  # as the command does, before all else
    import dagster  # noqa: F401

    from health_assets import definitions  # noqa: F401
    from health_assets.cli import app as cli
    from health_assets.orchestration import asset_checks as checks
    from health_assets.orchestration import io_manager, publishing
    from health_assets.orchestration.event_log import PooledEventLogStorage
    from health_assets.quality.expectations import Submission

    clock.spent["imports"] = time.perf_counter() - started
    evaluated = checks.evaluated
    checks.evaluated = lambda *given: iter(clock.timed("ours", lambda: list(evaluated(*given)))())
    waited = Submission.results
    Submission.results = lambda asked: iter(clock.timed("great expectations", lambda: list(waited(asked)))())
    io_manager.TableIOManager.handle_output = clock.timed("ours", io_manager.TableIOManager.handle_output)
    io_manager.TableIOManager.load_input = clock.timed("ours", io_manager.TableIOManager.load_input)
    publishing.publish = clock.timed("publish", publishing.publish)
    PooledEventLogStorage.store_event = clock.timed("event log", PooledEventLogStorage.store_event)
    sys.argv = ["health-assets", "run", "--settings", settings]
    try:
        clock.timed("rest", cli.app)()
    except SystemExit as end:
        if end.code:
            raise
    used = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        "PARTS",
        f"{time.perf_counter() - started:.1f} {used.ru_utime + used.ru_stime:.1f} "
        f"{used.ru_maxrss / 1e6:.2f} {children.ru_maxrss / 1e6:.2f}",
        *(f"{clock.spent[part]:.1f}" for part in PARTS),
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--accounts", type=int, default=150)
    arguments.add_argument("--profile", default="core")
    arguments.add_argument("--format", default="csv")
    arguments.add_argument("--run", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.run:
        run(given.run)
        return
    with tempfile.TemporaryDirectory() as folder:
        company = ["--folder", folder, "--accounts", str(given.accounts), "--profile", given.profile]
        cli = [sys.executable, "-m", "health_assets.cli.app"]
        subprocess.run([*cli, "demo", *company, "--format", given.format], check=True, stdout=subprocess.DEVNULL)
        environment = {"DAGSTER_HOME": f"{folder}/dagster", "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
        Path(environment["DAGSTER_HOME"]).mkdir()
        print(f"{'':6} {'wall s':>8} {'CPU s':>8} {'GB':>6} {'GB GX':>6}", *(f"{part:>18}" for part in PARTS))
        for name in ("full", "daily"):
            command = [sys.executable, __file__, "--run", f"{folder}/settings.yml"]
            ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            line = next((line for line in ended.stdout.splitlines() if line.startswith("PARTS")), None)
            if line is None:
                sys.exit(ended.stdout + ended.stderr)
            _, wall, cpu, memory, evaluate, *parts = line.split()
            print(f"{name:6} {wall:>8} {cpu:>8} {memory:>6} {evaluate:>6}", *(f"{part:>18}" for part in parts))


if __name__ == "__main__":
    main()
