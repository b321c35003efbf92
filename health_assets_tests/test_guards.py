"""Guards: what holds of every table, every page and every module, now and of those still to come."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.cli import data_dictionary as documentation
from health_assets.cli.settings_page import defaults_entries, documented_fields, meaning
from health_assets.contracts.contract import Contract, question
from health_assets.quality.expectations import expectations_of
from health_assets.settings.scorecard import Dimension, Measure, Scorecard, ScorecardFor, Step
from health_assets.tables import Table

PACKAGE = Path(documentation.__file__).parents[1]
TESTS = Path(__file__).parent
TABLES = load_all()


def faults(table: Table) -> Iterator[str]:
    """What a table lacks: a question, a grain, descriptions, checks, its place."""
    asked = question(table.contract)
    if not asked or "dataframely" in asked or asked[-1] not in "?.":
        yield "the contract's docstring does not begin with the business question"
    if not table.contract.primary_key():
        yield "the contract has no primary key, so the table has no grain"
    yield from (
        f"{name} has no description" for name, column in table.contract.columns().items() if not column.description
    )
    checks = [expectation.name for expectation in expectations_of(table)]
    if "grain__unique" not in checks:
        yield "the grain is not checked"
    yield from (f"two checks are called {name}" for name in set(checks) if checks.count(name) > 1)
    yield from (f"{name} is not a name of a check" for name in checks if not re.fullmatch(r"[a-z0-9_]+", name))
    if table.schema not in ("raw", "staged", "dim", "fact", "mart"):
        yield f"{table.schema} is no schema"
    if table.layer != "raw" and table.function.__name__ != table.name:
        yield f"the function is called {table.function.__name__}"
    if table.layer != "raw" and table.function.__module__.split(".")[2:3] != [table.schema]:
        yield f"it stands in {table.function.__module__}"


def test_each_table_has_a_question_a_grain_descriptions_checks_and_its_place() -> None:
    found = [f"{table.relation}: {fault}" for table in TABLES.values() for fault in faults(table)]
    assert found == []
    assert len(TABLES) > 100


def test_table_without_any_of_it_is_found() -> None:
    class Undescribed(Contract):
        day = dy.Date(nullable=True)

    def mart_undescribed() -> pl.LazyFrame:
        return Undescribed.create_empty(lazy=True)

    assert len(list(faults(Table("mart_described", Undescribed, mart_undescribed, "mart")))) == 6


@pytest.mark.parametrize("layer", ["dim", "fact", "mart"])
def test_each_file_of_facts_and_marts_has_a_test_file(layer: str) -> None:
    folders = PACKAGE / "assets" / layer, TESTS / "assets" / layer
    files = {file.relative_to(folders[0]) for file in folders[0].rglob("[a-z]*.py")}
    tested = {
        file.with_name(file.name.removeprefix("test_")).relative_to(folders[1])
        for file in folders[1].rglob("test_*.py")
    }
    assert files - tested == set()


def test_transforms_collect_nothing_and_read_no_clock() -> None:
    forbidden = {"collect", "map_elements", "now", "today", "utcnow", "getenv", "environ", "open"}
    found = {
        f"{file.relative_to(PACKAGE)}: {node.attr}"
        for file in (PACKAGE / "assets").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in forbidden
    }
    assert found == set()


@pytest.mark.parametrize(
    ("library", "importer"), [("great_expectations", "great_expectations.py"), ("sklearn", "logistic_regression.py")]
)
def test_library_of_the_worker_process_is_imported_by_one_file(library: str, importer: str) -> None:
    imported = re.compile(rf"^\s*(import|from) {library}\b", re.MULTILINE)
    assert {file.name for file in PACKAGE.rglob("*.py") if imported.search(file.read_text())} == {importer}


@pytest.mark.parametrize("page", documentation.PAGES)
def test_generated_page_is_fresh(page: str) -> None:
    written = (documentation.CHECKOUT / "docs" / page).read_text(encoding="utf-8")
    assert written == documentation.PAGES[page](), "run make docs"


def test_each_setting_has_a_meaning_beside_it() -> None:
    entries = [entry for entry in defaults_entries() if entry.value and entry.place[0] != "scorecards"]
    assert [".".join(entry.place) for entry in entries if not meaning(entry)] == []
    for model in (Scorecard, Dimension, Measure, Step, ScorecardFor):
        assert model.model_fields.keys() - documented_fields(model).keys() == set(), model.__name__
    assert len(entries) > 100


def test_docs_are_never_written_into_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documentation, "CHECKOUT", tmp_path)
    with pytest.raises(SystemExit, match="name the folder to write to"):
        documentation.main([])
    assert list(tmp_path.iterdir()) == []
