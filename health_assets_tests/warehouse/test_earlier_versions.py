"""A warehouse of 0.1.0 under this version: its months are known, and what cannot be made anew from the files stays."""

from contextlib import closing
from datetime import date
from pathlib import Path

import duckdb
import pytest

from health_assets.assets import load_all
from health_assets.warehouse.earlier_versions import LAYOUT
from health_assets.warehouse.storage import Warehouse, WarehouseError

WRITTEN_BEFORE = Path(__file__).with_name("warehouse_of_0_1_0.sql")  # part of a file that 0.1.0 wrote
JANUARY = date(2025, 1, 1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "warehouse.duckdb"
    with closing(duckdb.connect(str(written))) as connection:
        connection.execute(WRITTEN_BEFORE.read_text(encoding="utf-8"))
    return written


def test_months_that_the_earlier_version_wrote_are_taken_over(file: Path) -> None:
    with Warehouse.opened(file) as warehouse:
        months = warehouse.months_of("mart.customer_health_daily")
        assert (min(months), max(months)) == (date(2024, 9, 1), JANUARY)
        schemas = warehouse.connection.execute("select schema_name from duckdb_schemas() where not internal").fetchall()
        assert "house" not in {name for (name,) in schemas}


def test_daily_health_of_months_that_are_not_made_anew_stays(file: Path) -> None:
    table = load_all()["mart_customer_health_daily"]
    with Warehouse.opened(file) as warehouse:
        before = warehouse.connection.execute(
            "select account_id, as_of_date, health_score, health_band, coverage from mart.customer_health_daily "
            "where as_of_date < '2025-01-01' order by all"
        ).fetchall()
        assert not warehouse.fits(table)
        warehouse.write_months(table, [JANUARY], table.contract.create_empty(), {JANUARY: "anew"})
        assert warehouse.fits(table)
        kept = warehouse.read(table).select(
            "account_id", "as_of_date", "health_score", "health_band", "coverage", "breadth"
        )
        rows = kept.sort("account_id", "as_of_date").collect()
    assert rows["breadth"].to_list() == [1.0] * 6  # of 0.1.0 every measure counted as connected
    assert rows.drop("breadth").rows() == before


def test_events_of_the_earlier_version_stand_for_one_event_each(file: Path) -> None:
    table = load_all()["staged_usage_events"]
    with Warehouse.opened(file) as warehouse:
        warehouse.write_months(table, [JANUARY], table.contract.create_empty(), {JANUARY: "anew"})
        assert warehouse.read(table).select("event_date", "event_count").collect().rows() == [(date(2024, 11, 29), 1)]
        assert warehouse.months_of(table.relation) == {date(2024, 11, 1): ("846860d1bc87", 225), JANUARY: ("anew", 0)}


def test_table_without_what_is_required_now_is_made_anew_and_nothing_is_left_behind(file: Path) -> None:
    table = load_all()["fact_account_support_daily"]
    with closing(duckdb.connect(str(file))) as connection:
        connection.execute(
            "create schema fact; create table fact.account_support_daily (account_id varchar, as_of_date date)"
        )
        connection.execute("insert into fact.account_support_daily values ('ACC-0001', '2024-12-01')")
    with Warehouse.opened(file) as warehouse:
        warehouse.write_months(table, [JANUARY], table.contract.create_empty(), {JANUARY: "anew"})
        assert warehouse.row_count(table.relation) == 0
        held = warehouse.connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'internal'"
        ).fetchall()
        assert not {name for (name,) in held} & {"aside", "months_aside"}


def test_warehouse_of_a_later_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with Warehouse.opened(file) as warehouse:
        warehouse.connection.execute(f"update internal.layout set version = {LAYOUT + 1}")
    with (
        pytest.raises(WarehouseError, match="by a later version of health-assets; install that version again"),
        Warehouse.opened(file),
    ):
        pass
