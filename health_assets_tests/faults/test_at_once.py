"""Readers while snapshots are published, and runs that start at the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

from health_assets.warehouse.snapshot import publish
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.faults.conftest import ROOT, Company, company_in, differences
from health_assets_tests.frames import LOAD_DAY, table_of, toys

pytestmark = pytest.mark.slow
READERS, PUBLISHES = 8, 20

READER = """
import sys, time
from pathlib import Path
from health_assets.warehouse.snapshot import snapshot
link, stop = Path(sys.argv[1]), Path(sys.argv[2])
reads, seen = 0, set()
while not stop.exists() or not reads:
    with snapshot(link) as connection:
        first = connection.sql("select amount, count(*) from fact.toy group by 1").fetchall()
        second = connection.sql("select amount, count(*) from fact.other group by 1").fetchall()
    assert first == second and len(first) == 1, (first, second)
    reads += 1
    seen.add(first[0][0])
    time.sleep(0.02)  # else the readers keep the publisher from the processors
print(reads, len(seen))
"""


def test_eight_readers_over_twenty_snapshots_never_see_half_of_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    link, stop = tmp_path / "published.duckdb", tmp_path / "stop"
    toy, other = table_of(), table_of(name="fact_other")
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as warehouse:

        def publish_all_with(amount: float) -> None:
            rows = toys(*((f"key {n}", LOAD_DAY, amount) for n in range(2000)))
            warehouse.write(toy, rows)
            warehouse.write(other, rows)
            publish(warehouse, link, f"run {amount:.0f}", LOAD_DAY, "Test")

        publish_all_with(0.0)
        command = [sys.executable, "-c", READER, str(link), str(stop)]
        readers = [
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(READERS)
        ]
        for number in range(1, PUBLISHES + 1):
            publish_all_with(float(number))
    stop.touch()
    ended = [(reader.communicate(timeout=120), reader.returncode) for reader in readers]
    assert [said for (_, said), code in ended if code] == []
    reads = [int(out.split()[0]) for (out, _), _ in ended]
    with capsys.disabled():
        print(f"\n{READERS} readers: {sum(reads)} reads over {PUBLISHES} snapshots, 0 failed")


@pytest.mark.timeout(600)
def test_runs_started_at_once_are_rejected_by_name_or_wait_their_turn(
    tmp_path: Path, clean: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_in(tmp_path)
    in_dagster = """
import sys, dagster as dg
from health_assets_tests.faults.small import keep_few_tables
keep_few_tables()
from health_assets import settings
from health_assets.definitions import definitions
job = definitions(settings.load(sys.argv[1])).resolve_job_def("daily")
with dg.DagsterInstance.ephemeral() as instance:
    done = job.execute_in_process(instance=instance, partition_key="2025-01-01", raise_on_error=False)
    words = str([event.event_specific_data for event in done.all_events if event.is_failure])
sys.exit(print("refused" if "is writing to the warehouse" in words else words) or not done.success)
"""
    runs = [company.start(), company.start()]
    runs.append(
        subprocess.Popen(
            [sys.executable, "-c", in_dagster, str(company.settings)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    )
    ended = [(process.communicate(timeout=500)[0], process.returncode) for process in runs]
    succeeded = [code for _, code in ended if code == 0]
    refused = [said for said, code in ended if code and ("is writing to the warehouse" in said or "refused" in said)]
    with capsys.disabled():
        print(f"\n3 runs at once: {len(succeeded)} succeeded, {len(refused)} refused by name")
    assert succeeded
    assert len(succeeded) + len(refused) == 3, ended
    assert not any("Traceback" in said for said, _ in ended)
    assert differences(company.tables(), clean.tables()) == []
