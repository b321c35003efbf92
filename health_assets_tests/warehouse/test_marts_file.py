"""Dim, fact and mart in a file of their own: published by copying it, computed again where it does not fit the first file."""

import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from health_assets.orchestration.databases import DuckDBFile
from health_assets.settings.overwritten import marts_file as file_of
from health_assets.tables import TABLES
from health_assets.warehouse import marts_file
from health_assets.warehouse.marts_file import MARTS
from health_assets.warehouse.snapshot import publish, snapshot
from health_assets.warehouse.storage import Warehouse, WarehouseError
from health_assets_tests.frames import reading, table_of, toys

pytestmark = pytest.mark.slow

DAILY = table_of(name="fact_toy_daily", monthly=True)
WHOLE = table_of(name="mart_toy", layer="mart")
NOVEMBER, DECEMBER, JANUARY = date(2024, 11, 5), date(2024, 12, 5), date(2025, 1, 5)


@pytest.fixture
def link(tmp_path):
    return tmp_path / "published.duckdb"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, DAILY.name, DAILY)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as warehouse:
        write(warehouse, {NOVEMBER: 1.0, DECEMBER: 2.0, JANUARY: 3.0})
    return tmp_path / "warehouse.duckdb"


@pytest.fixture
def warehouse(path):
    with Warehouse.opened(path) as opened:
        yield opened


def write(warehouse: Warehouse, amounts: dict[date, float]) -> None:
    """One row of a day, in a month of its own, for each amount; those months are replaced."""
    for day, amount in amounts.items():
        month = day.replace(day=1)
        warehouse.write_months(DAILY, [month], toys(("a", day, amount)), {month: "mark"})


def amounts(file: Path) -> list[float]:
    with snapshot(file) as reader:
        return [amount for (amount,) in reader.execute("select amount from fact.toy_daily order by day").fetchall()]


def of_one_file(path: Path) -> None:
    """A warehouse as an earlier version wrote it: everything in one file."""
    path.unlink(missing_ok=True)
    with closing(duckdb.connect(str(path))) as old:
        old.execute(
            "create schema fact; create schema mart; create schema internal; "
            "create table fact.toy_daily as select 'a' as key, date '2024-11-05' as day, 1.0::double as amount; "
            "create table mart.toy as select 'b' as key, date '2024-11-05' as day, 2.0::double as amount; "
            "create table internal.layout as select 2 as version; "
            "create table internal.months (relation varchar, month date, fingerprint varchar, row_count bigint, "
            "is_published boolean default false, primary key (relation, month)); "
            "insert into internal.months values ('fact.toy_daily', '2024-11-01', 'mark', 1, true), "
            "('staged.usage_events', '2024-11-01', 'other', 7, true)"
        )


# -- publishing -------------------------------------------------------------------------------------------------------


def test_snapshot_has_the_tables_and_not_the_records(warehouse, link):
    warehouse.write(WHOLE, toys(("b", JANUARY, 4.0)))
    rows = publish(warehouse, link, "run", JANUARY, "Test")
    assert {name: count for name, count in rows.items() if "toy" in name} == {"fact.toy_daily": 3, "mart.toy": 1}
    assert amounts(link) == [1.0, 2.0, 3.0]
    with snapshot(link) as reader:
        schemas = reader.execute("select schema_name from duckdb_schemas() where not internal").fetchall()
    assert "internal" not in {name for (name,) in schemas}


def test_later_months_come_back_after_the_snapshot_of_an_earlier_day(warehouse, link):
    publish(warehouse, link, "first", date(2025, 1, 31), "Test")
    publish(warehouse, link, "earlier", date(2024, 12, 31), "Test")
    assert amounts(link) == [1.0, 2.0]
    publish(warehouse, link, "later", date(2025, 1, 31), "Test")
    assert amounts(link) == [1.0, 2.0, 3.0]


def test_table_that_the_warehouse_no_longer_has_is_not_published(warehouse, link):
    warehouse.connection.execute("create table mart.own as select 1 as x; create view mart.seen as from mart.own")
    assert "mart.own" in publish(warehouse, link, "first", JANUARY, "Test")
    warehouse.connection.execute("drop view mart.seen; drop table mart.own")
    assert "mart.own" not in publish(warehouse, link, "second", JANUARY, "Test")


def test_damaged_snapshot_is_replaced(warehouse, link):
    publish(warehouse, link, "first", JANUARY, "Test")
    link.resolve().write_bytes(bytes(link.stat().st_size))
    publish(warehouse, link, "second", JANUARY, "Test")
    assert amounts(link) == [1.0, 2.0, 3.0]


def test_rows_that_are_only_in_the_log_are_published(warehouse, link, monkeypatch):
    monkeypatch.setattr(marts_file, "_checkpoint", lambda _: None)  # as when another transaction keeps DuckDB from it
    write(warehouse, {JANUARY: 4.0})
    assert Path(f"{file_of(warehouse.path)}.wal").stat().st_size > 0
    publish(warehouse, link, "run", JANUARY, "Test")
    assert amounts(link) == [1.0, 2.0, 4.0]


def test_other_processes_stay_locked_out_after_publishing(warehouse, link):
    publish(warehouse, link, "run", JANUARY, "Test")
    opening = "import duckdb, sys; duckdb.connect(sys.argv[1])"
    for file in (warehouse.path, file_of(warehouse.path)):
        ended = subprocess.run([sys.executable, "-c", opening, str(file)], capture_output=True, text=True, check=False)
        assert "Could not set lock" in ended.stderr, file


# -- the pair of files ------------------------------------------------------------------------------------------------


def test_months_are_recorded_in_the_file_of_their_table(path):
    with duckdb.connect(str(file_of(path)), read_only=True) as marts:
        assert marts.execute("select count(*) from internal.months").fetchone() == (3,)
    with duckdb.connect(str(path), read_only=True) as first:
        assert first.execute("select count(*) from internal.months").fetchone() == (0,)


def test_tables_of_a_missing_second_file_are_to_be_computed_again(path):
    file_of(path).unlink()
    with Warehouse.opened(path) as warehouse:
        assert warehouse.months_of(DAILY.relation) == {}
        assert not warehouse.fits(DAILY)


def _older(path: Path, marts: Path) -> None:
    shutil.copy(marts, marts.with_suffix(".kept"))
    for _ in range(2):
        with Warehouse.opened(path):
            pass
    shutil.copy(marts.with_suffix(".kept"), marts)


def _newer(path: Path, _: Path) -> None:
    shutil.copy(path, path.with_suffix(".kept"))
    for _ in range(2):
        with Warehouse.opened(path):
            pass
    shutil.copy(path.with_suffix(".kept"), path)


def _of_another_company(path: Path, marts: Path) -> None:
    other = path.parent / "other"
    with Warehouse.opened(other / "warehouse.duckdb") as warehouse:
        write(warehouse, {JANUARY: 9.0})
    shutil.copy(other / marts.name, marts)


def _alone(path: Path, _: Path) -> None:
    path.unlink()


def _of_something_else(_: Path, marts: Path) -> None:
    marts.unlink()
    with closing(duckdb.connect(str(marts))) as other:
        other.execute("create table mine as select 1 as x")


@pytest.mark.parametrize("change", [_older, _newer, _of_another_company, _alone, _of_something_else])
def test_second_file_that_does_not_belong_to_the_first_is_set_aside(path, change):
    marts = file_of(path)
    change(path, marts)
    found = marts.read_bytes()
    with Warehouse.opened(path) as warehouse:
        assert warehouse.months_of(DAILY.relation) == {}
        assert not warehouse.holds(DAILY.relation)
    (aside,) = path.parent.glob("warehouse.marts.duckdb.unmatched-*")
    assert aside.read_bytes() == found


def test_damaged_second_file_is_set_aside_with_one_error_and_then_made_anew(path):
    marts = file_of(path)
    marts.write_bytes(marts.read_bytes()[:5000])
    said = r"warehouse\.marts\.duckdb: cannot be opened .*set aside as .*\. Run again: the warehouse will be rebuilt"
    with pytest.raises(WarehouseError, match=said), Warehouse.opened(path):
        pass
    with Warehouse.opened(path) as warehouse:
        assert warehouse.months_of(DAILY.relation) == {}


def test_program_that_holds_the_second_file_is_named(path):
    marts = file_of(path)
    holding = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(marts)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseError, match=rf"marts\.duckdb: .*process {holder.pid}"), Warehouse.opened(path):
            pass
        holder.communicate()
    with Warehouse.opened(path) as warehouse:
        assert len(warehouse.months_of(DAILY.relation)) == 3


@pytest.mark.parametrize("name", ["a.b.duckdb", "it's.duckdb", 'q"x.duckdb', "fact.duckdb", "main.duckdb", "plain"])
def test_warehouse_may_have_any_name(tmp_path, name):
    with Warehouse.opened(tmp_path / name) as warehouse:
        warehouse.write(WHOLE, toys(("b", JANUARY, 4.0)))
    with Warehouse.opened(tmp_path / name) as warehouse:
        assert warehouse.row_count(WHOLE.relation) == 1


# -- a warehouse of one file ------------------------------------------------------------------------------------------


def taken_over(path: Path) -> tuple[object, ...]:
    with Warehouse.opened(path) as warehouse:
        left = warehouse.connection.execute(
            f"select table_name from duckdb_tables() where database_name <> '{MARTS}' and schema_name in ('fact', 'mart')"
        ).fetchall()
        rows = [warehouse.read(table).collect().rows() for table in (DAILY, WHOLE)]
        months = [warehouse.months_of(relation) for relation in (DAILY.relation, "staged.usage_events")]
        return *rows, *months, left


TAKEN_OVER = (
    [("a", NOVEMBER, 1.0)],
    [("b", NOVEMBER, 2.0)],
    {date(2024, 11, 1): ("mark", 1)},
    {date(2024, 11, 1): ("other", 7)},
    [],
)


def test_tables_and_months_of_a_warehouse_of_one_file_move_to_the_second(tmp_path):
    of_one_file(tmp_path / "warehouse.duckdb")
    assert taken_over(tmp_path / "warehouse.duckdb") == TAKEN_OVER
    assert taken_over(tmp_path / "warehouse.duckdb") == TAKEN_OVER


OPENED_AND_KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
import duckdb
from health_assets.warehouse.storage import Warehouse

class Connection:
    def __init__(self, connection): self.connection = connection
    def __getattr__(self, name): return getattr(self.connection, name)
    def execute(self, statement):
        done = self.connection.execute(statement)
        if sys.argv[2] in statement: os.kill(os.getpid(), signal.SIGKILL)
        return done

@contextmanager
def connect():
    with duckdb.connect(sys.argv[1]) as connection:
        yield Connection(connection)

with Warehouse.opened(Path(sys.argv[1]), connect=connect): pass
"""


@pytest.mark.parametrize(
    "statement",
    [
        "insert into internal.pair",
        "attach if not exists",
        "internal.pair as select",
        "update internal.pair",
        '"fact"."toy_daily" as from',
        'drop table "warehouse"."fact"',
        '"mart"."toy" as from',
        'drop schema "warehouse"."fact"',
    ],
)
def test_move_that_is_killed_is_finished_by_the_next_opening(tmp_path, statement):
    file = tmp_path / "warehouse.duckdb"
    of_one_file(file)
    killed = subprocess.run([sys.executable, "-c", OPENED_AND_KILLED, str(file), statement], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert taken_over(file) == TAKEN_OVER
    assert not list(tmp_path.glob("*unmatched*"))


# -- free space -------------------------------------------------------------------------------------------------------


def test_file_does_not_grow_from_day_to_day(tmp_path, monkeypatch):
    monkeypatch.setattr(marts_file, "SMALL", 1 << 20)
    keys = pl.DataFrame({"key": [f"key {number}" for number in range(30_000)]})
    path, sizes = tmp_path / "warehouse.duckdb", []
    for day in range(1, 11):
        with Warehouse.opened(path) as warehouse:
            for month in [date(2024, 12, 1)] * (day == 1) + [date(2025, 1, 1)]:
                amount = (pl.int_range(pl.len()) * 7919 * day % 100_003).cast(pl.Float64) / 1000
                rows = keys.lazy().select("key", day=month, amount=amount.clip(0, 100))
                warehouse.write_months(DAILY, [month], rows, {month: f"{day}"})
                warehouse.write(WHOLE, rows)
            publish(warehouse, tmp_path / "published.duckdb", f"run {day}", date(2025, 1, day), "Test")
        sizes.append((tmp_path / "published.duckdb").stat().st_size)
    assert max(sizes[3:]) <= 2 * sizes[0], sizes


def test_file_that_is_written_anew_has_the_same_rows_and_months(path, monkeypatch):
    monkeypatch.setattr(marts_file, "SMALL", 0)
    monkeypatch.setattr(marts_file, "FREE_PARTS", 1_000_000)
    with Warehouse.opened(path) as warehouse:
        warehouse.connection.execute("create table mart.large as select range as n from range(500_000)")
    with Warehouse.opened(path) as warehouse:
        warehouse.connection.execute("drop table mart.large")
    before = file_of(path).stat()
    with Warehouse.opened(path) as warehouse:
        assert warehouse.read(DAILY).select("amount").collect().to_series().to_list() == [1.0, 2.0, 3.0]
        assert len(warehouse.months_of(DAILY.relation)) == 3
        write(warehouse, {JANUARY: 4.0})
    after = file_of(path).stat()
    assert (after.st_ino != before.st_ino, after.st_size <= before.st_size) == (True, True)
    with reading(path) as warehouse:
        assert warehouse.execute("select max(amount) from fact.toy_daily").fetchone() == (4.0,)


# -- a company's own assets -------------------------------------------------------------------------------------------


def test_asset_of_a_company_finds_tables_of_both_files(path):
    resource = DuckDBFile(database=str(path), is_warehouse=True)
    with resource.get_connection() as connection:
        counts = connection.execute(
            "select (select count(*) from fact.toy_daily), (select count(*) from quarantine.loads)"
        )
        assert counts.fetchone() == (3, 0)
    with Warehouse.opened(path, connect=DuckDBFile(database=str(path)).get_connection) as warehouse:
        write(warehouse, {JANUARY: 4.0})
        with resource.get_connection() as connection:
            connection.execute("create table mart.own as select sum(amount) as total from fact.toy_daily")
        assert warehouse.connection.execute("select total from mart.own").fetchone() == (7.0,)
