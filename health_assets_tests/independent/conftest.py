"""The whole pipeline on a simulated company that has every source, run once for all tests of this folder.

The tests here compute a metric a second time, in plain SQL over the staged tables, and compare it with the marts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pytest

from health_assets import cli, settings
from health_assets.demo import write_company
from health_assets.settings import SETTINGS_VARIABLE, Settings

ACCOUNTS, MONTHS, END, SEED = 40, 14, date(2025, 1, 17), 7  # ends inside a month, so that the last one is partial


@dataclass(frozen=True)
class WholeCompany:
    """A company after its daily run: the warehouse with all schemas, read-only, and the settings of the run."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self.connection.sql(query).fetchall()


@pytest.fixture(scope="session")
def whole_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCompany]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("whole_company")
        patch.chdir(folder)
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        patch.delenv(SETTINGS_VARIABLE, raising=False)
        write_company(folder, accounts=ACCOUNTS, months=MONTHS, end=END, seed=SEED, profile="all")
        company = settings.load(folder / "settings.yml")
        cli._prepare_dagster()
        outcome = cli._run(company, END)
    assert outcome.succeeded, outcome.failures
    with duckdb.connect(str(company.warehouse), read_only=True) as connection:
        yield WholeCompany(connection, company)
