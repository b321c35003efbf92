"""Undated values are remembered load by load: each holds from the load day that first had it to the day before it changed."""

from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from health_assets.contracts.contract import ON_LOAD_DAY, Contract
from health_assets.contracts.history import (
    end_of_validity,
    history_contract,
    valid_on,
    with_earlier_loads,
    with_values_of_the_day,
)
from health_assets.tables import HISTORIES, TABLES
from health_assets.warehouse.snapshot import publish
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import table_of

pytestmark = pytest.mark.slow


class Phones(Contract):
    """Which phones are there?"""

    phone = dy.String(primary_key=True)
    bought = dy.Date(nullable=True)
    state = dy.String(nullable=True, metadata=ON_LOAD_DAY)
    price = dy.Float64(nullable=True, metadata={"remembered": True})


class Described(Phones):
    """The same, with one undated column more."""

    colour = dy.String(nullable=True, metadata=ON_LOAD_DAY)


PHONES = table_of(Phones, "staged_phones", layer="staged")
DESCRIBED = table_of(Described, "staged_phones", layer="staged")
DAYS = [date(2025, 1, day) for day in range(1, 10)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(TABLES, PHONES.name, PHONES)
    monkeypatch.setitem(HISTORIES, "history_phones", PHONES)
    return tmp_path


def loaded(folder: Path, day: date, *phones: tuple[Any, ...], is_published: bool = True, table=PHONES) -> list[tuple]:
    """The versions that are remembered after a run of a day whose file has these phones."""
    given = [(phone[0], None, *phone[1:]) for phone in phones]
    with Warehouse.opened(folder / "warehouse.duckdb", day, folder / "published.duckdb") as warehouse:
        warehouse.write(table, table.contract.create_empty().vstack(_frame(given, table)).lazy())
        if is_published:
            publish(warehouse, folder / "published.duckdb", f"run-{day}", day, "Test")
        return warehouse.read_history(table, until=date.max).collect().rows()


def _frame(rows: list[tuple[Any, ...]], table) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=table.contract.create_empty().schema, orient="row")


def test_value_holds_until_the_day_before_the_load_that_changed_it(folder):
    loaded(folder, DAYS[0], ("a", "on", 1.0), ("b", "on", 1.0))
    loaded(folder, DAYS[2], ("a", "on", 1.0), ("b", "off", 1.0))
    assert loaded(folder, DAYS[4], ("a", "on", 1.0), ("c", "on", 1.0)) == [
        ("a", "on", 1.0, DAYS[0], None),
        ("b", "on", 1.0, DAYS[0], DAYS[1]),
        ("b", "off", 1.0, DAYS[2], DAYS[3]),
        ("c", "on", 1.0, DAYS[4], None),
    ]


def test_load_repeated_on_the_same_day_replaces_what_the_first_had_said(folder):
    loaded(folder, DAYS[0], ("a", "on", 1.0))
    loaded(folder, DAYS[1], ("a", "off", 1.0))
    assert loaded(folder, DAYS[1], ("a", "on", 1.0)) == [("a", "on", 1.0, DAYS[0], None)]


def test_load_that_was_not_published_is_forgotten_by_the_next(folder):
    loaded(folder, DAYS[0], ("a", "on", 1.0), ("b", "on", 1.0))
    loaded(folder, DAYS[1], ("a", "off", 1.0), is_published=False)
    assert loaded(folder, DAYS[2], ("a", "on", 1.0), ("b", "on", 2.0)) == [
        ("a", "on", 1.0, DAYS[0], None),
        ("b", "on", 1.0, DAYS[0], DAYS[1]),
        ("b", "on", 2.0, DAYS[2], None),
    ]


def test_earlier_load_day_adds_what_was_before_the_first_and_changes_no_day_that_is_known(folder):
    loaded(folder, DAYS[4], ("a", "on", 1.0))
    loaded(folder, DAYS[6], ("a", "off", 1.0))
    loaded(folder, DAYS[5], ("a", "lost", 1.0))
    assert loaded(folder, DAYS[2], ("a", "new", 1.0)) == [
        ("a", "new", 1.0, DAYS[2], DAYS[3]),
        ("a", "on", 1.0, DAYS[4], DAYS[5]),
        ("a", "off", 1.0, DAYS[6], None),
    ]


def test_column_that_is_new_in_the_contract_is_null_before(folder):
    loaded(folder, DAYS[0], ("a", "on", 1.0))
    assert loaded(folder, DAYS[1], ("a", "on", 1.0, "red"), table=DESCRIBED) == [
        ("a", "on", 1.0, None, DAYS[0], DAYS[0]),
        ("a", "on", 1.0, "red", DAYS[1], None),
    ]


def test_rebuilt_warehouse_gets_its_memory_back_from_the_snapshot(folder):
    loaded(folder, DAYS[0], ("a", "on", 1.0))
    loaded(folder, DAYS[1], ("a", "off", 1.0))
    (folder / "warehouse.duckdb").unlink()
    assert loaded(folder, DAYS[2], ("a", "off", 1.0)) == [
        ("a", "on", 1.0, DAYS[0], DAYS[0]),
        ("a", "off", 1.0, DAYS[1], None),
    ]


def test_exception_while_it_is_written_leaves_table_and_history_as_they_were(folder, monkeypatch):
    loaded(folder, DAYS[0], ("a", "on", 1.0))

    def fails(*_: Any) -> None:
        raise OSError("disk full")

    with Warehouse.opened(folder / "warehouse.duckdb", DAYS[1]) as warehouse:
        monkeypatch.setattr("health_assets.warehouse.history._forget", fails)
        with pytest.raises(OSError, match="disk full"):
            warehouse.write(PHONES, _frame([("b", None, "on", 1.0)], PHONES).lazy())
        assert warehouse.read(PHONES).collect()["phone"].to_list() == ["a"]
        assert warehouse.read_history(PHONES, until=DAYS[1]).collect().rows() == [("a", "on", 1.0, DAYS[0], None)]


def test_warehouse_of_an_earlier_version_opens_and_its_old_schema_is_gone(folder):
    with Warehouse.opened(folder / "warehouse.duckdb") as warehouse:
        warehouse.connection.execute("create schema house; create table house.accepted (relation varchar)")
    with Warehouse.opened(folder / "warehouse.duckdb") as warehouse:
        schemas = warehouse.connection.execute("select distinct schema_name from duckdb_schemas()").fetchall()
    assert ("house",) not in schemas


class Readings(Contract):
    """What did each meter show on each day?"""

    meter = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, metadata={"available_from": True})
    value = dy.Float64(nullable=True, metadata={"remembered": True})


def test_snapshot_that_the_next_file_no_longer_has_is_remembered(tmp_path, monkeypatch):
    readings = table_of(Readings, "staged_readings", layer="staged")
    monkeypatch.setitem(TABLES, readings.name, readings)
    for day, value in ((DAYS[0], 1.0), (DAYS[1], 2.0), (DAYS[1], 3.0)):
        with Warehouse.opened(tmp_path / "warehouse.duckdb", day, tmp_path / "published.duckdb") as warehouse:
            warehouse.write(readings, _frame([("a", day, value)], readings).lazy())
            publish(warehouse, tmp_path / "published.duckdb", f"run-{value}", day, "Test")
            rows, history = warehouse.read(readings), warehouse.read_history(readings, until=DAYS[1])
            known = with_earlier_loads(rows, history, ["meter", "day"]).sort("day").collect().rows()
    assert known == [("a", DAYS[0], 1.0), ("a", DAYS[1], 3.0)]


HISTORY = pl.LazyFrame(
    [("a", "on", 1.0, DAYS[2], DAYS[4]), ("a", "off", 1.0, DAYS[5], None), ("b", "on", 2.0, DAYS[2], DAYS[3])],
    schema=history_contract(Phones).create_empty().schema,
    orient="row",
)


def test_before_the_first_load_and_after_a_record_is_gone_nothing_is_known():
    on_days = {day: valid_on(HISTORY, day).sort("phone").collect().rows() for day in DAYS[1:6]}
    assert on_days == {
        DAYS[1]: [],
        DAYS[2]: [("a", "on", 1.0), ("b", "on", 2.0)],
        DAYS[3]: [("a", "on", 1.0), ("b", "on", 2.0)],
        DAYS[4]: [("a", "on", 1.0)],
        DAYS[5]: [("a", "off", 1.0)],
    }
    assert HISTORY.select(end=end_of_validity()).collect()["end"].to_list() == [DAYS[5], None, DAYS[4]]


def test_each_day_has_the_values_that_held_on_it():
    days = pl.LazyFrame({"phone": ["b", "a", "a", "a"], "day": [DAYS[4], DAYS[1], DAYS[4], DAYS[8]]})
    assert with_values_of_the_day(days, HISTORY, "phone", "day").sort("phone", "day").collect().rows() == [
        ("a", DAYS[1], None, None),
        ("a", DAYS[4], "on", 1.0),
        ("a", DAYS[8], "off", 1.0),
        ("b", DAYS[4], None, None),
    ]
