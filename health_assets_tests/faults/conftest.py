"""A tiny company, the real command line over it in a process of its own, and ways to compare what it leaves behind."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from health_assets.demo import write_company
from health_assets_tests.conftest import made_once
from health_assets_tests.frames import reading
from health_assets_tests.loopback_slack import Slack

LAST_DAY = date(2025, 1, 31)
RUN = [sys.executable, "-m", "health_assets_tests.faults.small", "run"]
ROOT = Path(__file__).parent.parent.parent
SCHEMAS = "('raw', 'staged', 'dim', 'fact', 'mart', 'quarantine')"


@dataclass(frozen=True)
class Company:
    """A folder with exports and settings; warehouse, snapshot and Dagster's home lie there too."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "settings.yml"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        return self.folder / "published.duckdb"

    def start(self, *more: str, fault: str = "", disk: Path | None = None) -> subprocess.Popen[str]:
        """Start `health-assets run`; its output is one text."""
        environment = os.environ | {
            "DAGSTER_HOME": str(self.folder / "dagster"),
            "FAULT": fault,
            "DISK": str(disk or ""),
            "COLUMNS": "200",
        }
        return subprocess.Popen(
            [*RUN, "--settings", str(self.settings), *more],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *more: str, fault: str = "", disk: Path | None = None) -> tuple[int, str]:
        """Run to the end: exit code and output."""
        process = self.start(*more, fault=fault, disk=disk)
        said, _ = process.communicate(timeout=600)
        return process.returncode, said

    def snapshot_hash(self) -> str:
        """Of the bytes that readers get."""
        return hashlib.sha256(self.published.resolve().read_bytes()).hexdigest()

    def tables(self, file: Path | None = None) -> dict[str, list[tuple]]:
        """Every row of every table of the warehouse, or of another file, in an order of its own."""
        opened = duckdb.connect(str(file), read_only=True) if file else reading(self.warehouse)
        with opened as connection:
            names = connection.sql(
                f"select schema_name || '.' || table_name from duckdb_tables() where schema_name in {SCHEMAS}"
            ).fetchall()
            return {name: connection.sql(f"from {name} order by all").fetchall() for (name,) in sorted(names)}


def company_in(folder: Path, months: int = 3) -> Company:
    """Write a tiny company; its folder has one name everywhere, as rows say from which file of which folder they are."""
    folder = folder / "company"
    folder.mkdir()
    write_company(folder, accounts=6, months=months, end=LAST_DAY, seed=7, profile="core")
    return Company(folder)


def differences(left: dict[str, list[tuple]], right: dict[str, list[tuple]]) -> list[str]:
    """Names of tables that differ, or that one side lacks."""
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


@pytest.fixture
def slack() -> Iterator[Slack]:
    server = Slack()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The company after one run that nothing disturbed; not to be changed."""
    return made_once(tmp_path_factory, "clean", _clean)[1]


def _clean(folder: Path) -> Company:
    company = company_in(folder)
    code, said = company.run()
    assert code == 0, said
    return company
