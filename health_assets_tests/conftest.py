"""The whole pipeline on a simulated company that has every source, run once for all tests, by the command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from health_assets import cli, settings
from health_assets.settings import SETTINGS_VARIABLE, Settings

END = date(2025, 1, 17)  # inside a month, so that the last one is partial


@dataclass(frozen=True)
class WholeCompany:
    """A company after its daily run: what the commands said, the warehouse with all schemas, read-only, the settings."""

    folder: Path
    demo: Result
    run: Result
    connection: duckdb.DuckDBPyConnection
    settings: Settings

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self.connection.sql(query).fetchall()


def said_by(*arguments: str) -> Result:
    """What a command prints, and its exit code."""
    return CliRunner().invoke(cli.app, list(arguments))


@pytest.fixture(scope="session")
def whole_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCompany]:
    folder = tmp_path_factory.mktemp("whole_company")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        patch.setenv("COLUMNS", "160")
        patch.delenv(SETTINGS_VARIABLE, raising=False)
        demo = said_by("demo", "--folder", "demo", "--accounts", "40", "--months", "14", "--end", f"{END}")
        run = said_by("run", "--settings", "demo/settings.yml")
    assert run.exit_code == 0, run.output
    company = settings.load(folder / "demo" / "settings.yml")
    with duckdb.connect(str(company.warehouse), read_only=True) as connection:
        yield WholeCompany(folder, demo, run, connection, company)
