"""The real `ui` command: only its own pages may use it, and a run that was killed before does not block it."""

import json
import signal
import socket
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from health_assets_tests.faults.conftest import Company, company_in
from health_assets_tests.faults.served import answer, graphql, seen_within, ui

pytestmark = pytest.mark.slow

STOP = "mutation { stopRunningSchedule(id: %s) { __typename } }"
SCHEDULES = """{ schedulesOrError(repositorySelector: {
    repositoryName: "__repository__", repositoryLocationName: "health_assets.definitions"
}) { ... on Schedules { results { name scheduleState { id status } } } } }"""
LAUNCH = """mutation { launchRun(executionParams: {selector: {
    repositoryName: "__repository__", repositoryLocationName: "health_assets.definitions", jobName: "prune_history"
}, runConfigData: {}}) { __typename } }"""
RUNS = "{ runsOrError { ... on Runs { results { id status jobName } } } }"


def statuses(port: int) -> dict[str, str]:
    """Job -> status of its run."""
    return {run["jobName"]: run["status"] for run in graphql(port, RUNS)["runsOrError"]["results"]}


def is_running(port: int) -> bool:
    found = graphql(port, SCHEDULES)["schedulesOrError"]["results"]
    return {one["name"]: one["scheduleState"]["status"] for one in found}["daily_schedule"] == "RUNNING"


def handshake(port: int, origin: str) -> str:
    """The first line that the server says to a WebSocket of a page of an origin."""
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: graphql-ws\r\nOrigin: {origin}\r\n\r\n".encode()
        )
        return connection.recv(200).decode().splitlines()[0]


def listens_elsewhere(port: int) -> list[str]:
    """Local addresses that accept connections on a port, other than 127.0.0.1."""
    lines = [
        line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    listening = [fields[1] for fields in lines if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port]
    assert listening
    return [place for place in listening if place.split(":")[0] != "0100007F"]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return company_in(tmp_path, months=2)


def killed_while_it_runs(company: Company) -> None:
    """A run of the command line that has begun, and is killed with SIGKILL."""
    process = company.start()
    try:
        wal = company.warehouse.with_name("warehouse.duckdb.wal")
        assert seen_within(120, lambda: company.warehouse.exists() and wal.exists(), every=0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.mark.timeout(300)
def test_only_its_own_pages_use_the_web_server_and_a_killed_run_does_not_block_its_queue(
    company: Company, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed_while_it_runs(company)
    home = {"DAGSTER_HOME": str(company.folder / "dagster")}
    with ui(company.settings, tmp_path / "log", **home) as port:
        assert "1 killed run ended" in (tmp_path / "log").read_text()
        assert statuses(port) == {"daily": "FAILURE"}
        assert seen_within(60, lambda: is_running(port))
        started = time.monotonic()
        assert graphql(port, LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
        assert seen_within(60, lambda: statuses(port).get("prune_history") == "SUCCESS"), (tmp_path / "log").read_text()
        moved_after = time.monotonic() - started

        schedule = next(
            one["scheduleState"]["id"]
            for one in graphql(port, SCHEDULES)["schedulesOrError"]["results"]
            if one["name"] == "daily_schedule"
        )
        mutation = STOP % json.dumps(schedule)
        body = json.dumps({"query": mutation})
        refused = [
            answer(port, "GET", f"/graphql?query={quote(mutation)}"),
            answer(port, "GET", f"/graphql?query={quote(mutation)}", sec_fetch_site="cross-site", accept="image/png"),
            answer(port, "POST", "/graphql", body, content_type="application/json", origin="https://evil.example"),
            answer(port, "POST", "/graphql", body, content_type="application/json", host="evil.example"),
            answer(port, "POST", f"/graphql?query={quote(mutation)}", "", content_type="text/plain"),
            answer(port, "GET", "/", host=f"evil.example:{port}"),
        ]
        assert {status for status, _ in refused} == {403}, refused
        assert is_running(port)
        assert handshake(port, "https://evil.example").split()[1] == "403"
        assert handshake(port, f"http://127.0.0.1:{port}").split()[1] == "101"
        assert answer(port, "GET", "/runs", accept="text/html")[0] == 200
        assert listens_elsewhere(port) == []
        graphql(port, mutation)
        assert not is_running(port)
    with capsys.disabled():
        print(
            f"\nkilled run: the next run in the queue ended after {moved_after:.0f} s; {len(refused) + 1} foreign requests refused"
        )
