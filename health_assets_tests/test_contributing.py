"""CONTRIBUTING.md and the page about the tests are true: paths, make targets, and the example of a table."""

import re
from pathlib import Path

import polars as pl
import pytest

from health_assets import tables
from health_assets.contracts.contract import Contract
from health_assets_tests.assets.rows import rows
from health_assets_tests.test_guards import faults

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TESTS = (ROOT / "health_assets_tests" / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PATH = re.compile(r"`([\w.]+(?:/[\w.*]+)*(?:\.(?:py|yml|md|sql)|/))`")
ROOTS = (ROOT, ROOT / "health_assets", ROOT / "health_assets_tests")


@pytest.mark.parametrize("page", [CONTRIBUTING, TESTS], ids=["contributing", "tests"])
def test_each_path_exists(page: str) -> None:
    named = {path for path in PATH.findall(page) if "open_tickets" not in path}
    assert {path for path in named if not any(list(root.glob(path.rstrip("/"))) for root in ROOTS)} == set()
    assert len(named) > 15


@pytest.mark.parametrize("page", [CONTRIBUTING, TESTS], ids=["contributing", "tests"])
def test_each_make_target_exists(page: str) -> None:
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    named = {word for line in re.findall(r"(?:`|^)make ([\w -]+)", page, re.MULTILINE) for word in line.split()}
    assert {word for word in named if word != "run"} - targets == set()


def test_each_folder_of_the_tests_is_described() -> None:
    folders = (ROOT / "health_assets_tests").iterdir()
    names = {folder.name for folder in folders if folder.is_dir() and not folder.name.startswith(("__", "."))}
    assert {name for name in names if name not in TESTS} == set()


def test_example_of_a_table_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", CONTRIBUTING, re.DOTALL) if "open_tickets" in code]
    monkeypatch.setattr(tables, "TABLES", dict(tables.TABLES))
    namespace: dict[str, object] = {"__name__": "health_assets.assets.mart.support.open_tickets"}
    exec(code, namespace)  # as it is written
    table = tables.TABLES["mart_open_tickets"]
    assert issubclass(table.contract, Contract)
    assert list(faults(table)) == []
    tickets = rows(
        "fact_tickets",
        {"ticket_id": "T1", "account_id": "A", "is_open": True},
        {"ticket_id": "T2", "account_id": "A", "is_open": True},
        {"ticket_id": "T3", "account_id": "B", "is_open": False},
    )
    made = table.function(tickets).collect()
    assert made.to_dicts() == [{"account_id": "A", "open_ticket_count": 2}]
    assert isinstance(made, pl.DataFrame)
