"""The whole pipeline on a simulated company that has every source, run once for all tests, by the command line."""

import fcntl
import gc
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import hypothesis
import pytest
from typer.testing import CliRunner

from health_assets import settings
from health_assets.cli import app as cli
from health_assets.settings import SETTINGS_VARIABLE, Settings
from health_assets_tests.frames import reading
from health_assets_tests.loopback_only import sitecustomize
from health_assets_tests.loopback_only.sitecustomize import NOTES

hypothesis.settings.register_profile("any_machine", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("any_machine")

pytest_plugins = [
    "health_assets_tests.loopback_slack",
    "health_assets_tests.loopback_slack_api",
    "health_assets_tests.loopback_mariadb",
    "health_assets_tests.loopback_postgres",
]

END = date(2025, 1, 17)  # inside a month, so that the last one is partial
Made = TypeVar("Made")


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    output: str
    exit_code: int


@dataclass(frozen=True)
class WholeCompany:
    """A company after its daily run: what the commands said, the warehouse with all schemas, read-only, the settings."""

    folder: Path
    demo: Said
    run: Said
    connection: duckdb.DuckDBPyConnection
    settings: Settings

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self.connection.sql(query).fetchall()


def pytest_configure() -> None:
    """Child processes get the guard against other machines too; this process has it by the import above."""
    if NOTES not in os.environ:
        folder = str(Path(sitecustomize.__file__).parent)
        os.environ["PYTHONPATH"] = os.pathsep.join([folder, *filter(None, [os.environ.get("PYTHONPATH")])])
        os.environ[NOTES] = tempfile.mkstemp(prefix="network-notes-")[1]


def pytest_collection_finish() -> None:
    """What was imported lives as long as the process, so the garbage collector need not scan it after each test."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The session fails if anything tried to reach another machine, even if a library kept silent about the refusal."""
    notes = Path(os.environ[NOTES])
    if "PYTEST_XDIST_WORKER" not in os.environ and notes.exists():
        if attempts := notes.read_text(encoding="utf-8"):
            print(f"\nTests tried to reach another machine:\n{attempts}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        notes.unlink()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the whole company are slow. Slow files begin first, so that no worker is left alone with one at the end.

    Those whose tests may take the longest are the very first.
    """
    limits: dict[Path, float] = {}  # slow files -> the longest time that one of their tests may take, if it says so
    for item in items:
        if "whole_company" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.whole_company)
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("slow"):
            limit = item.get_closest_marker("timeout")
            limits[item.path] = max(limits.get(item.path, 0), limit.args[0] if limit else 0)
    items.sort(key=lambda item: -limits.get(item.path, -1))


def said_by(*arguments: str) -> Said:
    """Run a command in this process."""
    result = CliRunner().invoke(cli.app, list(arguments))
    return Said(result.output, result.exit_code)


@pytest.fixture(autouse=True)
def _dagster_home() -> Iterator[None]:
    """A command that is run in this process sets DAGSTER_HOME: not for the tests that follow."""
    before = os.environ.get("DAGSTER_HOME")
    yield
    if before is None:
        os.environ.pop("DAGSTER_HOME", None)
    else:
        os.environ["DAGSTER_HOME"] = before


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> tuple[Path, Made]:
    """A folder that all workers of a test run share, and what making it gave: the first to come makes it, others wait."""
    base = factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name
    folder.mkdir(exist_ok=True)
    with (folder / "made.lock").open("a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        given = folder / "made.pickle"
        if not given.exists():
            given.write_bytes(pickle.dumps(make(folder)))
        return folder, pickle.loads(given.read_bytes())


def _whole_company(folder: Path) -> tuple[Said, Said]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        patch.setenv("COLUMNS", "160")
        patch.delenv(SETTINGS_VARIABLE, raising=False)
        demo = said_by("demo", "--folder", "demo", "--accounts", "40", "--months", "14", "--end", f"{END}")
        run = said_by("run", "--settings", "demo/settings.yml")
    assert run.exit_code == 0, run.output
    return demo, run


@pytest.fixture(scope="session")
def whole_company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCompany]:
    folder, (demo, run) = made_once(tmp_path_factory, "whole_company", _whole_company)
    company = settings.load(folder / "demo" / "settings.yml")
    with reading(company.warehouse) as connection:
        yield WholeCompany(folder, demo, run, connection, company)
