"""Months written anew as the Dagster UI does it: the real web server and daemon, and the mutation that its dialog sends."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from health_assets.settings import SETTINGS_VARIABLE
from health_assets_tests.faults.conftest import ROOT, Company, company_in, differences

pytestmark = pytest.mark.slow
MODULE = "health_assets.definitions"
REPOSITORY = {"repositoryLocationName": MODULE, "repositoryName": "__repository__"}
MONTHS = ["2024-11-01", "2024-12-01"]
LAUNCH = """
mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
    ... on PartitionSetNotFoundError { message }
  }
}
"""
STATUS = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } numPartitions }
  }
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) { ... on Runs { results { status jobName } } }
}
"""
Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """After a run of the command line."""
    made = company_in(tmp_path)
    ran = health_assets(made, "run")
    assert ran.returncode == 0, ran.stdout
    return made


def environment(company: Company) -> dict[str, str]:
    home = company.folder.parent / "dagster"
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    return os.environ | {"DAGSTER_HOME": str(home), SETTINGS_VARIABLE: str(company.settings), "COLUMNS": "200"}


def health_assets(company: Company, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "health_assets.cli", *command, "--settings", str(company.settings)],
        cwd=ROOT,
        env=environment(company),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def ask(company: Company) -> Iterator[Ask]:
    """GraphQL to `dagster dev` over the company."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = company.folder.parent / "dagster.log"
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-m", MODULE]
    with log.open("w") as written:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(company), stdout=written, stderr=written, start_new_session=True
        )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def asked(query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"}
        )
        with opener.open(request, timeout=60) as answer:
            said = json.load(answer)
        assert "errors" not in said, said
        return said["data"]

    until = time.monotonic() + 180
    while True:
        try:
            asked("{ version }")
            break
        except OSError:
            assert time.monotonic() < until and process.poll() is None, log.read_text()[-3000:]
            time.sleep(1)
    yield asked
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def backfilled(ask: Ask, **params: Any) -> list[str]:
    """Launch a backfill, wait for its end; the status of each of its runs."""
    launched = ask(LAUNCH, backfillParams={"tags": [], "fromFailure": False, **params})["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    until = time.monotonic() + 900
    while time.monotonic() < until:
        said = ask(STATUS, id=launched["backfillId"])
        backfill, runs = said["partitionBackfillOrError"], said["runsOrError"]["results"]
        done = all(run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in runs)
        if backfill["status"] not in ("REQUESTED",) and runs and done:
            break
        time.sleep(2)
    print(backfill, runs)
    assert backfill["status"] in ("COMPLETED", "COMPLETED_SUCCESS"), said
    return [run["status"] for run in runs]
