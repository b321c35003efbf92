"""Which process executes a run, and whether that very process is still there.

A number alone does not say: after a restart, or a long time, another process may have it. So the moment at which the
process started goes along.
"""

import fcntl
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

PROCESS_TAG = "health_assets/process"  # host:pid:start of a run that the command line executes itself
WORKER_TAG = "health_assets/worker"  # the same of a run of the daemon
LOADED_AT = time.time()  # of the process that the daemon asks
SECONDS_TO_START = 1.0  # by which clocks and records may differ
ENDED = "ended during the run"  # in the message of a run that was killed
STARTED_BY = re.compile(r"Started process for run \(pid: (\d+)\)")  # how a run of the daemon logs its own process


@dataclass(frozen=True)
class Process:
    """A process of a machine."""

    host: str
    pid: int
    start: str | None  # differs between processes that have the same number; None = not known

    @classmethod
    def this(cls) -> "Process":
        """The one that calls."""
        return cls(this_host(), os.getpid(), start_of(os.getpid()))

    @classmethod
    def of(cls, run: dg.DagsterRun, instance: dg.DagsterInstance) -> "Process | None":
        """The one that executes a run, from its tag or else from its log; None when neither says so."""
        if tag := run.tags.get(PROCESS_TAG) or run.tags.get(WORKER_TAG):
            host, pid, *start = tag.split(":", 2)
            return cls(host, int(pid), start[0] if start else None)
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
            if found := STARTED_BY.search(entry.message):
                return cls(this_host(), int(found[1]), None)
        return None

    def with_start(self) -> "Process | None":
        """The same with its start, if it is there."""
        start = start_of(self.pid) if self.host == this_host() else None
        return replace(self, start=start) if start else None

    def tag(self, name: str) -> dict[str, str]:
        """For a run that it executes."""
        return {name: ":".join([self.host, str(self.pid), *([self.start] if self.start else [])])}

    def is_gone(self) -> bool:
        """Whether it ended; a process of another machine or container cannot be seen, and counts as being there."""
        if self.host not in (this_host(), socket.gethostname()):  # the latter in tags of earlier versions
            return False
        start = start_of(self.pid)
        return start is None or self.start not in (None, start)


@contextmanager
def holding_lock(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Hold a lock while this process executes a run: the system frees it when the process ends, however it ends.

    So whoever shares the folder of the history sees that a run was killed, from another container too.
    """
    file = _lock_of(instance, run_id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


def free_lock(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove what a killed run left."""
    _lock_of(instance, run_id).unlink(missing_ok=True)


def _lock_of(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory, "executing", run_id)


def _has_freed_its_lock(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a process began to execute the run and ended before it; false when there is no lock to see that by."""
    try:
        with _lock_of(instance, run_id).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # there is none, or it is held
        return False
    return True


def start_of(pid: int) -> str | None:
    """When a process started, in a form that only serves to tell it from others; None when there is no such process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")[:8]
            return None if fields[0] in "ZX" else f"{boot}-{fields[19]}"  # a zombie has ended
        return None
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S607
    return re.sub(r"\W+", "-", listed.stdout.strip()) or None


def this_host() -> str:
    """The machine, and the container of it whose processes can be seen from here."""
    try:
        container = re.sub(r"\D", "", os.readlink("/proc/self/ns/pid"))
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{container}"


def why_it_ended(run: dg.DagsterRun, instance: dg.DagsterInstance, *, by_daemon: bool = False) -> str | None:
    """That a run's process is gone, in words; None while it is there, or when that is not known.

    Args:
        run: one that is marked as running.
        instance: of its history.
        by_daemon: the daemon wants to know: there is one per history, so what another container executed for it is gone
            with that container. Only it looks into the log of a run that has no tag yet.
    """
    tagged = WORKER_TAG in run.tags or PROCESS_TAG in run.tags
    if process := Process.of(run, instance) if tagged or by_daemon else None:
        if by_daemon and WORKER_TAG in run.tags and process.host != this_host():
            return f"Process {process.pid} of {process.host} {ENDED}"
        if process.host != this_host() and _has_freed_its_lock(instance, run.run_id):
            return f"Process {process.pid} of {process.host} {ENDED}"
        return f"Process {process.pid} {ENDED}" if process.is_gone() else None
    if by_daemon and not tagged and _was_being_started(run, instance):
        return f"The daemon that was starting it {ENDED}"
    if run.status == dg.DagsterRunStatus.STARTING and _has_lost_its_server(run):
        return "The process that was to start the run is gone"
    return None


def _has_lost_its_server(run: dg.DagsterRun) -> bool:
    """Whether the server that a starting run was passed to answers no more; it would have started the run."""
    path = json.loads(run.tags.get(GRPC_INFO_TAG, "{}")).get("socket")
    if not path:
        return False
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        try:
            connection.connect(path)
        except OSError:
            return True
    return False


def _was_being_started(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
    """Whether a run without a process was being started before this process was: by a daemon that is gone."""
    record = instance.get_run_record_by_id(run.run_id)
    is_starting = run.status == dg.DagsterRunStatus.STARTING and record is not None
    return is_starting and record.update_timestamp.timestamp() < LOADED_AT - SECONDS_TO_START  # type: ignore[union-attr]
