"""A command as a process of its own: its wall and CPU seconds, and its memory. Runs of several commands that take turns."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Used:
    """What a command took, its child processes included; memory is that of its largest process."""

    wall: float
    cpu: float
    gigabytes: float

    def __str__(self) -> str:
        return f"{self.wall:6.1f} s wall, {self.cpu:6.1f} s CPU, {self.gigabytes:4.2f} GB"


def measured(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Used:
    """Run a command in a folder; one that fails ends the benchmark, with what it printed."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=os.environ | (environment or {}), stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(command)}\n{output.read().decode()}")
    return Used(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6)


def take_turns(contestants: Mapping[str, Callable[[], Used]], turns: int) -> dict[str, Used]:
    """Every contestant once in each turn, in order; of each the least wall, CPU and memory of its turns."""
    runs: dict[str, list[Used]] = {name: [] for name in contestants}
    for turn in range(1, turns + 1):
        for name, run in contestants.items():
            runs[name].append(run())
            print(f"  turn {turn} of {turns}: {name:26} {runs[name][-1]}", flush=True)
    return {
        name: Used(min(one.wall for one in of), min(one.cpu for one in of), min(one.gigabytes for one in of))
        for name, of in runs.items()
    }
