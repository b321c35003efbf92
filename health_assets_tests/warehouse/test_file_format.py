"""The format of the warehouse's file."""

from pathlib import Path

import duckdb

from health_assets.warehouse.storage import Warehouse


def format_of(warehouse: Warehouse) -> str:
    rows = warehouse.connection.execute(
        "select tags['storage_version'] from duckdb_databases() where database_name = current_database()"
    )
    return rows.fetchall()[0][0]


def test_a_new_warehouse_compresses_text_as_duckdb_does_since_1_4(tmp_path: Path) -> None:
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as warehouse:
        assert format_of(warehouse) == "v1.4.0+"


def test_a_warehouse_in_an_older_format_keeps_it_and_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with duckdb.connect(file) as made:
        made.execute("create table kept as select 1 as number")
    with Warehouse.opened(file) as warehouse:
        assert format_of(warehouse).startswith("v1.0.0")
        assert warehouse.row_count("kept") == 1
