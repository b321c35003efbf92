"""Guards: what holds of every table, every page and every module, now and of those still to come."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
import yaml

from health_assets.assets import load_all
from health_assets.cli import data_dictionary as documentation
from health_assets.cli.settings_page import EXAMPLE, defaults_entries, documented_fields, meaning
from health_assets.contracts.contract import Contract, question
from health_assets.quality.expectations import expectations_of
from health_assets.settings import DEFAULTS
from health_assets.settings.scorecard import Dimension, Measure, Scorecard, ScorecardFor, Step
from health_assets.settings.source import Source
from health_assets.tables import Table

PACKAGE = Path(documentation.__file__).parents[1]
TESTS = Path(__file__).parent
TABLES = load_all()
ORDER = [  # a module imports from its own package and from those further down
    "cli",
    "dashboard",
    "definitions",
    "orchestration",
    "write_back",
    "alerts",
    "reporting",
    "quality",
    "warehouse",
    "assets",
    "scoring",
    "tables",
    "connectors",
    "sources",
    "contracts",
    "settings",
    "worker",
]
PRESET = {"connection": "env:URL", "preset": "stripe"}
QUERIED = {"query": {}, "connection": {"query": "select 1"}, "database_schema": PRESET}  # keys that need others
APART = {"demo": {"demo", "settings"}}  # the simulated company; of the others the command line alone may import it
MAY_IMPORT_DEMO = {"cli", "demo"}
IN_THE_ROOT = {"__init__.py", "definitions.py", "tables.py", "worker.py"}

LONGEST_FUNCTION = 50  # lines: a screen
LONGEST_FILE = 300
LONGER: dict[str, str] = {  # file or file::function -> why it reads better in one piece
    "demo/lifecycles.py": "one simulation whose steps share its state",
}


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


def test_each_setting_has_a_meaning_next_to_it() -> None:
    entries = [entry for entry in defaults_entries() if entry.value and entry.place[0] != "scorecards"]
    assert [".".join(entry.place) for entry in entries if not meaning(entry)] == []
    for model in (Scorecard, Dimension, Measure, Step, ScorecardFor):
        assert model.model_fields.keys() - documented_fields(model).keys() == set(), model.__name__
    assert len(entries) > 100


def test_examples_of_the_keys_of_a_source_are_valid() -> None:
    lines = DEFAULTS.read_text(encoding="utf-8").splitlines()
    examples = {found["key"]: found["value"] for line in lines if (found := EXAMPLE.match(line)) and found["value"]}
    for key, value in examples.items():
        rows = QUERIED.get(key, {"path": "file.csv"})
        Source.model_validate(rows | yaml.safe_load(f"{key}: {value}"))
    assert len(examples) > 10


def test_docs_are_never_written_into_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documentation, "CHECKOUT", tmp_path)
    with pytest.raises(SystemExit, match="name the folder to write to"):
        documentation.main([])
    assert list(tmp_path.iterdir()) == []


def imports_of(source: str) -> Iterator[str]:
    """The modules that a module imports, those imported inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"{'.' * node.level}{node.module or ''}"


def breaches(package: str, source: str) -> list[str]:
    """The imports of a module of a package that the order of the packages forbids."""
    allowed = APART[package] if package in APART else set(ORDER[ORDER.index(package) :])
    if package in MAY_IMPORT_DEMO:
        allowed = allowed | {"demo"}
    found = []
    for module in imports_of(source):
        name, *rest = module.split(".")
        if module.startswith("."):
            found.append(f"{module}: imports are absolute")
        elif name == "health_assets" and rest and rest[0] not in allowed:
            found.append(module)
    return found


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def package_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def functions(source: str) -> Iterator[tuple[str, int]]:
    """Name and length of each function, its list of parameters apart: a mart may have many inputs."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.body[0].lineno + 1


def test_modules_import_from_their_own_package_or_one_below() -> None:
    found = {
        str(file.relative_to(PACKAGE)): wrong
        for file in files()
        if file.name != "__init__.py" or file.parent != PACKAGE
        if (wrong := breaches(package_of(file), file.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("contracts", "from health_assets.tables import Table"),
        ("scoring", "def score():\n    from health_assets.assets import load_all"),
        ("reporting", "import health_assets.cli.terminal"),
        ("reporting", "from health_assets import alerts"),
        ("demo", "from health_assets.contracts import columns"),
        ("assets", "from health_assets.demo import PROFILES"),
        ("sources", "from ..tables import TABLES"),
    ],
)
def test_import_upwards_is_found(package: str, source: str) -> None:
    assert len(breaches(package, source)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [("cli", "from health_assets.demo import PROFILES"), ("assets", "from health_assets import settings")],
)
def test_import_downwards_is_allowed(package: str, source: str) -> None:
    assert breaches(package, source) == []


def test_nothing_lies_loose_in_the_root() -> None:
    assert {file.name for file in PACKAGE.glob("*.py")} - IN_THE_ROOT == set()
    packages = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    assert packages - set(ORDER) - APART.keys() == set()


def test_tests_mirror_the_package() -> None:
    folders = {file.parent.relative_to(PACKAGE) for file in files()}
    tests = Path(__file__).parent
    kinds = {"faults", "hostile", "independent", "guide", "browser"}  # see health_assets_tests/README.md
    mirrored = {file.parent.relative_to(tests) for file in tests.rglob("test_*.py")}
    assert {folder for folder in mirrored if folder.parts and folder.parts[0] not in kinds} - folders == set()


def test_no_function_is_longer_than_a_screen_and_no_file_longer_than_a_few() -> None:
    found = {}
    for file in files():
        source, place = file.read_text(encoding="utf-8"), str(file.relative_to(PACKAGE))
        if (lines := source.count("\n")) > LONGEST_FILE:
            found[place] = lines
        found |= {f"{place}::{name}": lines for name, lines in functions(source) if lines > LONGEST_FUNCTION}
    assert {place: lines for place, lines in found.items() if place not in LONGER} == {}
    assert LONGER.keys() - found.keys() == set(), "these need no exception any more"
