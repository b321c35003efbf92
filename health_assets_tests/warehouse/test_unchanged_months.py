"""A snapshot that begins as a copy of the last one is the same as one that is written anew."""

import os
from datetime import date, timedelta

import duckdb
import pytest

from health_assets.tables import TABLES
from health_assets.warehouse.snapshot import publish, snapshot
from health_assets.warehouse.storage import Warehouse
from health_assets.warehouse.unchanged_months import changed_since
from health_assets_tests.frames import table_of, toys

DAILY = table_of(name="fact_toy_daily", monthly=True)
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = date(2024, 11, 5), date(2024, 12, 5), date(2025, 1, 5), date(2025, 2, 5)


@pytest.fixture
def link(tmp_path):
    return tmp_path / "published.duckdb"


@pytest.fixture
def warehouse(tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, DAILY.name, DAILY)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        write(opened, {NOVEMBER: 1.0, DECEMBER: 2.0, JANUARY: 3.0})
        yield opened


def write(warehouse: Warehouse, amounts: dict[date, float]) -> None:
    """One row of a day, in a month of its own, for each amount; those months are replaced."""
    for day, amount in amounts.items():
        month = day.replace(day=1)
        warehouse.write_months(DAILY, [month], toys(("a", day, amount)), {month: "mark"})


def amounts(link) -> list[float]:
    with snapshot(link) as reader:
        return [amount for (amount,) in reader.execute("select amount from fact.toy_daily order by day").fetchall()]


def test_rows_of_months_that_were_not_written_again_come_from_the_last_snapshot(warehouse, link):
    publish(warehouse, link, "first", JANUARY, "Test")
    warehouse.connection.execute("update fact.toy_daily set amount = 9 where day < date '2024-12-01'")
    write(warehouse, {JANUARY: 4.0})
    assert publish(warehouse, link, "second", JANUARY, "Test")["fact.toy_daily"] == 3
    assert amounts(link) == [1.0, 2.0, 4.0]


def test_month_in_the_middle_that_was_written_again_is_published(warehouse, link):
    publish(warehouse, link, "first", JANUARY, "Test")
    write(warehouse, {DECEMBER: 20.0})
    assert changed_since(warehouse, link, JANUARY) == {"fact.toy_daily": date(2024, 12, 1)}
    publish(warehouse, link, "second", JANUARY, "Test")
    assert amounts(link) == [1.0, 20.0, 3.0]


def test_new_month_is_added_to_the_published_ones(warehouse, link):
    publish(warehouse, link, "first", date(2025, 1, 31), "Test")
    write(warehouse, {FEBRUARY: 5.0})
    assert changed_since(warehouse, link, FEBRUARY) == {"fact.toy_daily": date(2025, 2, 1)}
    publish(warehouse, link, "second", FEBRUARY, "Test")
    assert amounts(link) == [1.0, 2.0, 3.0, 5.0]


def test_later_months_come_back_after_the_snapshot_of_an_earlier_day(warehouse, link):
    publish(warehouse, link, "first", date(2025, 1, 31), "Test")
    publish(warehouse, link, "earlier", date(2024, 12, 31), "Test")
    assert amounts(link) == [1.0, 2.0]
    publish(warehouse, link, "later", date(2025, 1, 31), "Test")
    assert amounts(link) == [1.0, 2.0, 3.0]


def test_tables_that_the_warehouse_no_longer_has_are_not_copied(warehouse, link):
    warehouse.connection.execute("create table mart.own as select 1 as x")
    publish(warehouse, link, "first", JANUARY, "Test")
    warehouse.connection.execute("drop table mart.own")
    assert "mart.own" not in publish(warehouse, link, "second", JANUARY, "Test")
    with snapshot(link) as reader:
        held = reader.execute("select table_name from duckdb_tables() where schema_name = 'mart'").fetchall()
    assert held == []


@pytest.mark.parametrize("changed", ["touched", "replaced", "deleted"])
def test_file_that_is_not_the_published_one_is_not_copied(warehouse, link, changed):
    publish(warehouse, link, "first", JANUARY, "Test")
    file = link.resolve()
    if changed == "touched":
        os.utime(file)
    elif changed == "replaced":
        with duckdb.connect(str(file)) as other:
            other.execute("delete from fact.toy_daily")
    else:
        file.unlink()
    assert changed_since(warehouse, link, JANUARY) == {}
    publish(warehouse, link, "second", JANUARY, "Test")
    assert amounts(link) == [1.0, 2.0, 3.0]


def test_damaged_snapshot_is_written_anew(warehouse, link):
    publish(warehouse, link, "first", JANUARY, "Test")
    file = link.resolve()
    before = file.stat()
    with file.open("r+b") as damaged:
        damaged.write(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed_since(warehouse, link, JANUARY) == {"fact.toy_daily": date(2025, 1, 1)}
    publish(warehouse, link, "second", JANUARY, "Test")
    assert amounts(link) == [1.0, 2.0, 3.0]


def test_process_that_ended_before_it_recorded_the_snapshot_has_it_written_anew(warehouse, link, monkeypatch):
    publish(warehouse, link, "first", JANUARY, "Test")
    with monkeypatch.context() as patched:
        patched.setattr("health_assets.warehouse.snapshot.adopt", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        publish(warehouse, link, "second", JANUARY + timedelta(1), "Test")
    assert changed_since(warehouse, link, JANUARY) == {}
