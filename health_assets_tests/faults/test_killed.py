"""A run that is killed at any moment changes nothing for readers, and the next run gives the tables of a clean one."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from health_assets.warehouse.snapshot import published_day
from health_assets_tests.faults.conftest import Company, company_in, differences

pytestmark = pytest.mark.slow
KILLS = 20
LATEST = 5.0  # seconds after the warehouse is opened


def opened_since(company: Company, before: int, process) -> bool:
    """Whether the run has its warehouse open by now; false when it ended before."""
    while process.poll() is None:
        stat = company.warehouse.stat() if company.warehouse.exists() else None
        wal = company.warehouse.with_name("warehouse.duckdb.wal")
        if stat and (stat.st_mtime_ns > before or (wal.exists() and wal.stat().st_mtime_ns > before)):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.timeout(900)
def test_twenty_kills_change_nothing_for_readers_and_one_run_makes_good(
    tmp_path: Path, clean: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company = company_in(tmp_path)
    shutil.copytree(clean.folder / "published.snapshots", company.folder / "published.snapshots")
    company.published.symlink_to(os.readlink(clean.published))
    hash_before = company.snapshot_hash()
    moments = random.Random(7)
    killed_while_writing, killed_before, finished, published_whole = 0, 0, 0, 0
    for _ in range(KILLS):
        started = time.time_ns()
        process = company.start()
        at_work = opened_since(company, started, process)
        if at_work:
            time.sleep(moments.uniform(0, LATEST))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            killed_while_writing += at_work
            killed_before += not at_work
        else:
            finished += 1
        process.wait()
        if company.snapshot_hash() != hash_before:  # only when it was published whole before the kill came
            snapshots = (each.tables(each.published.resolve()) for each in (company, clean))
            assert differences(*snapshots) == []
            hash_before = company.snapshot_hash()
            published_whole += 1
        assert published_day(company.published).isoformat() == "2025-01-31"
    code, said = company.run()
    assert code == 0, said
    different = differences(company.tables(), clean.tables())
    with capsys.disabled():
        print(
            f"\n{KILLS} runs: {killed_while_writing} killed while they wrote, {killed_before} before, "
            f"{finished} had finished; {published_whole} had published whole; "
            f"{len(clean.tables())} tables compared, {len(different)} differ"
        )
    assert different == []
    assert killed_while_writing >= KILLS // 2


@pytest.mark.timeout(600)
def test_a_kill_between_delete_and_insert_loses_nothing(tmp_path: Path, clean: Company) -> None:
    company = Company(tmp_path / "company")
    shutil.copytree(clean.folder, company.folder, symlinks=True)
    hash_before, tables_before = company.snapshot_hash(), company.tables()
    killed = 0
    for insert in (1, 6, 12):
        code, said = company.run(fault=f"kill insert {insert}")
        assert code == -signal.SIGKILL, said
        killed += 1
        assert company.snapshot_hash() == hash_before
        assert differences(company.tables(), tables_before) == []
    assert killed == 3


def with_later_rows(company: Company) -> Company:
    """Another ticket, and another event of the first month, in the files."""
    for name in ("support_tickets.csv", "usage_events/2024-11.csv"):
        file = company.folder / name
        lines = file.read_text(encoding="utf-8").splitlines()
        _, _, others = lines[1].partition(",")
        file.write_text("\n".join([*lines, f"LATER-1,{others}"]) + "\n", encoding="utf-8")
    return company


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """A clean run over the later rows."""
    company = with_later_rows(company_in(tmp_path_factory.mktemp("rebuilt")))
    code, said = company.run()
    assert code == 0, said
    return company


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("staged", "killed_before"),
    [("staged.support_tickets", "fact.tickets"), ("staged.usage_events", "fact.user_daily")],
)
def test_a_kill_between_a_table_of_the_first_file_and_one_of_the_second_is_repaired_by_the_next_run(
    tmp_path: Path, clean: Company, rebuilt: Company, staged: str, killed_before: str
) -> None:
    company = Company(tmp_path / "company")
    shutil.copytree(clean.folder, company.folder, symlinks=True)
    hash_before = company.snapshot_hash()
    code, said = with_later_rows(company).run(fault=f"kill {killed_before}")
    assert code == -signal.SIGKILL, said
    assert company.tables()[staged] == rebuilt.tables()[staged]  # in the first file
    assert company.tables()[killed_before] == clean.tables()[killed_before] != rebuilt.tables()[killed_before]
    assert company.snapshot_hash() == hash_before
    code, said = company.run()
    assert code == 0, said
    assert differences(company.tables(), rebuilt.tables()) == []
    assert differences(company.tables(company.published), rebuilt.tables(rebuilt.published)) == []


@pytest.mark.timeout(600)
def test_a_kill_between_writing_and_swapping_the_snapshot_changes_nothing(tmp_path: Path, clean: Company) -> None:
    company = Company(tmp_path / "company")
    shutil.copytree(clean.folder, company.folder, symlinks=True)
    hash_before = company.snapshot_hash()
    code, _ = company.run(fault="kill swap")
    assert code == -signal.SIGKILL
    assert company.snapshot_hash() == hash_before
    code, said = company.run()
    assert code == 0, said
    assert not list((company.folder / "published.snapshots").glob(".*"))
