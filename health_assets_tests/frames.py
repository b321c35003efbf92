"""What kernel tests share: small settings, source files in a folder, a table that is not part of the product."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import dataframely as dy
import duckdb
import polars as pl
import yaml

from health_assets import settings as company_settings
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.settings.overwritten import marts_file
from health_assets.tables import Table
from health_assets.warehouse.marts_file import MARTS, find_marts

LOAD_DAY = date(2025, 1, 31)


def settings_of(folder: Path, **given: Any) -> Settings:
    """Settings of a company whose warehouse lies in `folder`; `sources` as in a settings file."""
    laid = {
        "company": "Test",
        "as_of": LOAD_DAY,
        "history_start": "2024-09-01",
        "warehouse": "warehouse.duckdb",
        "published": "published.duckdb",
    } | given
    file = folder / "settings.yml"
    file.write_text(yaml.safe_dump(laid), encoding="utf-8")
    return company_settings.load(file)


def written(folder: Path, name: str, content: str | bytes) -> str:
    """A file in `folder`, byte for byte; returns its name, as settings give it."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


@contextmanager
def reading(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both files of a warehouse, read-only; a table is found by its schema and name."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"attach '{marts_file(warehouse)}' as {MARTS} (read_only)")
        find_marts(connection)
        yield connection


def files_of(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file in a folder: when it was last written and what it holds."""
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


class Toy(Contract):
    """What is counted on each day?"""

    key = dy.String(primary_key=True, description="Key")
    day = dy.Date(primary_key=True, description="Day", metadata={"available_from": True})
    amount = dy.Float64(nullable=True, min=0, max=100, description="Amount, 0-100")


def table_of(contract: type[Contract] = Toy, name: str = "fact_toy", **options: Any) -> Table:
    """A table with a contract that nothing makes; it is written by the test itself."""
    return Table(name, contract, lambda: contract.create_empty(lazy=True), options.pop("layer", "fact"), **options)


def toys(*rows: tuple[str, date, float | None]) -> pl.LazyFrame:
    """Rows of the toy table."""
    return pl.LazyFrame(rows, schema={"key": pl.String, "day": pl.Date, "amount": pl.Float64}, orient="row")
