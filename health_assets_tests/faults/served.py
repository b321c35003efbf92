"""`health-assets ui` in a process group of its own on a free port of loopback, and requests to it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from health_assets_tests.faults.conftest import ROOT

PROXIES = {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def seen_within(seconds: float, happened: Callable[[], Any], every: float = 0.5) -> Any:
    """What `happened` gives as soon as that is true; false when it does not become so."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := happened():
            return found
        time.sleep(every)
    return False


def environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in PROXIES} | more


@contextmanager
def group_of(command: list[str], log: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A command with all the processes that it starts; they are gone afterwards."""
    with log.open("a") as written:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(**more), stdout=written, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield process
    finally:
        kill_session(process.pid)
        process.wait()


def kill_session(session: int) -> None:
    """SIGKILL for every process of a session, whatever group it is in."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    os.kill(int(entry.name), signal.SIGKILL)
            except (OSError, IndexError):
                continue


@contextmanager
def ui(settings: Path, log: Path, **more: str) -> Iterator[int]:
    """The port, once the server answers."""
    port = free_port()
    command = [sys.executable, "-m", "health_assets.cli.app", "ui", "--settings", str(settings), "--port", str(port)]
    with group_of(command, log, **more):
        assert seen_within(120, lambda: answer(port, "GET", "/server_info")[0] == 200), log.read_text()[-3000:]
        yield port


def answer(port: int, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    """Status and body of a request; `host=` replaces the Host header. 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, named)
        said = connection.getresponse()
        return said.status, said.read().decode(errors="replace")
    except OSError:
        return 0, ""
    finally:
        connection.close()


def graphql(port: int, query: str, **variables: Any) -> dict[str, Any]:
    """What our own page gets for a query."""
    body = json.dumps({"query": query, "variables": variables})
    status, said = answer(
        port, "POST", "/graphql", body, content_type="application/json", origin=f"http://127.0.0.1:{port}"
    )
    assert status == 200, said
    found: dict[str, Any] = json.loads(said)["data"]
    return found
