"""A warehouse file or its log cut short: refused loudly, set aside, rebuilt by the next run."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from health_assets.warehouse.snapshot import SnapshotError, publish, published_day
from health_assets.warehouse.storage import Warehouse, WarehouseError
from health_assets_tests.faults.conftest import Company, differences
from health_assets_tests.frames import LOAD_DAY, table_of, toys

pytestmark = pytest.mark.slow

TOY = table_of()


@pytest.mark.parametrize("share", [0.0001, 0.3, 0.6, 0.95])
def test_a_file_cut_short_is_kept_aside_and_the_next_run_starts_anew(tmp_path: Path, share: float) -> None:
    file = tmp_path / "warehouse.duckdb"
    with Warehouse.opened(file) as warehouse:
        warehouse.write(TOY, toys(*((f"key {n}", LOAD_DAY, 1.0) for n in range(50_000))))
    whole = file.read_bytes()
    cut = whole[: max(100, int(len(whole) * share))]
    file.write_bytes(cut)
    with pytest.raises(WarehouseError, match=r"set aside as .*warehouse\.duckdb\.damaged-"), Warehouse.opened(file):
        pass
    (aside,) = tmp_path.glob("warehouse.duckdb.damaged-*")
    assert aside.read_bytes() == cut
    with Warehouse.opened(file) as warehouse:
        assert not warehouse.holds(TOY.relation)


def test_a_file_whose_free_blocks_duckdb_cut_off_itself_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    many = toys(*((f"key {n}", LOAD_DAY, float(n % 100)) for n in range(60_000)))
    for rows in (many, many, many.head(1), many, many.head(1)):
        with Warehouse.opened(file) as warehouse:
            warehouse.write(TOY, rows)
            warehouse.write(TOY, many)
            warehouse.write(TOY, rows)
    with Warehouse.opened(file) as warehouse:
        assert warehouse.row_count(TOY.relation) == 1


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_log_cut_short_gives_the_state_of_some_commit_or_is_rejected(tmp_path: Path, share: float) -> None:
    file, log = tmp_path / "warehouse.duckdb", tmp_path / "warehouse.duckdb.wal"
    states: list[set[float | None]] = []
    with Warehouse.opened(file) as warehouse:
        for amount in (1.0, 2.0, 3.0, 4.0):
            warehouse.write(TOY, toys(*((f"key {n}", LOAD_DAY, amount) for n in range(500))))
            states.append({amount})
        shutil.copy(file, tmp_path / "copy.duckdb")
        shutil.copy(log, tmp_path / "copy.duckdb.wal")
    copied = tmp_path / "copy.duckdb.wal"
    copied.write_bytes(copied.read_bytes()[: int(copied.stat().st_size * share)])
    refused = ""
    try:
        with Warehouse.opened(tmp_path / "copy.duckdb") as warehouse:
            rows = warehouse.read(TOY).collect()
    except WarehouseError as error:
        refused = str(error)
    if not refused:
        assert (rows.height, set(rows["amount"])) in [(500, state) for state in states] + [(0, set())]
    assert not refused or "set aside" in refused


def test_a_file_that_only_another_process_holds_stays_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    holding = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", holding, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseError, match=f"process {holder.pid}"), Warehouse.opened(file):
            pass
    finally:
        holder.communicate()
    assert not list(tmp_path.glob("*.damaged-*"))


def held(file: Path, *, read_only: bool) -> subprocess.Popen:
    """Another program that has a file open."""
    holding = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == 'True'); print('held', flush=True); "
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", holding, str(file), str(read_only)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_program_that_reads_the_warehouse_is_not_called_a_run(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with Warehouse.opened(file):
        pass
    holder = held(file, read_only=True)
    try:
        said = rf"process {holder.pid} has the warehouse open for reading"
        with pytest.raises(WarehouseError, match=said), Warehouse.opened(file):
            pass
    finally:
        holder.communicate()


def test_program_that_holds_the_snapshot_for_writing_is_named_to_readers_and_hinders_no_run(tmp_path: Path) -> None:
    link = tmp_path / "published.duckdb"

    def published(amount: float) -> None:
        with Warehouse.opened(tmp_path / "warehouse.duckdb", LOAD_DAY, link) as warehouse:
            warehouse.write(TOY, toys(("a", LOAD_DAY, amount)))
            publish(warehouse, link, f"run {amount:.0f}", LOAD_DAY, "Test")

    published(1.0)
    holder = held(link.resolve(), read_only=False)
    try:
        said = rf"process {holder.pid} has the snapshot open for writing; close it there"
        with pytest.raises(SnapshotError, match=said):
            published_day(link)
        published(2.0)
        assert published_day(link) == LOAD_DAY
    finally:
        holder.communicate()


@pytest.mark.timeout(600)
def test_a_run_after_the_damage_gives_the_tables_of_a_clean_one(tmp_path: Path, clean: Company) -> None:
    company = Company(tmp_path / "company")
    shutil.copytree(clean.folder, company.folder, symlinks=True)
    hash_before = company.snapshot_hash()
    company.warehouse.write_bytes(company.warehouse.read_bytes()[:300_000])
    code, said = company.run()
    assert (code, "Traceback" in said) == (1, False)
    assert "set aside as" in said
    assert company.snapshot_hash() == hash_before
    code, said = company.run()
    assert code == 0, said
    assert differences(company.tables(), clean.tables()) == []
