"""Guards for the house: what holds of every table and every setting, now and of those still to come."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from health_assets.assets import load_all
from health_assets.cli import data_dictionary as documentation
from health_assets.cli.settings_page import defaults_entries, documented_fields, meaning
from health_assets.contracts.contract import question
from health_assets.quality.expectations import expectations_of
from health_assets.settings import Settings
from health_assets.settings.scorecard import Dimension, Measure, Scorecard, ScorecardFor, Step
from health_assets.tables import Table

PACKAGE = Path(documentation.__file__).parents[1]
TESTS = Path(__file__).parent
TABLES = load_all()
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))


@each_table
def test_contract_asks_a_question_in_its_docstring(table: Table) -> None:
    assert table.contract.__doc__ is not None
    assert "dataframely" not in question(table.contract)
    assert question(table.contract)[-1] in "?."


@each_table
def test_table_has_a_grain(table: Table) -> None:
    assert table.contract.primary_key()


@each_table
def test_each_column_is_described(table: Table) -> None:
    assert [name for name, column in table.contract.columns().items() if not column.description] == []


@each_table
def test_table_is_checked_and_check_names_are_unique(table: Table) -> None:
    names = [expectation.name for expectation in expectations_of(table)]
    assert "grain__unique" in names
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z0-9_]+", name)] == []


@each_table
def test_function_schema_and_folder_agree(table: Table) -> None:
    if table.layer != "raw":
        assert table.function.__module__.split(".")[2] == table.schema
        assert table.function.__name__ == table.name
    assert table.schema in ("raw", "staged", "dim", "fact", "mart")


@pytest.mark.parametrize("layer", ["dim", "fact", "mart"])
def test_each_file_of_facts_and_marts_has_a_test_file(layer: str) -> None:
    rooms = PACKAGE / "assets" / layer, TESTS / "assets" / layer
    files = {file.relative_to(rooms[0]) for file in rooms[0].rglob("[a-z]*.py")}
    tested = {
        file.with_name(file.name.removeprefix("test_")).relative_to(rooms[1]) for file in rooms[1].rglob("test_*.py")
    }
    assert files - tested == set()


def test_each_setting_is_used_somewhere() -> None:
    used = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        if file.parent.name != "settings":
            constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
            used |= {value for value in constants if isinstance(value, str)}
    assert {name for name in _field_names(Settings) if name not in used} == set()


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
def test_library_of_the_process_beside_the_run_is_imported_by_one_file(library: str, importer: str) -> None:
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


def _field_names(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield name
        for inner in _models_in(field.annotation):
            yield from _field_names(inner)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
