"""Guards of the layout: which package may import which, what may lie in the root, how long files and functions get."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import health_assets

PACKAGE = Path(health_assets.__path__[0])
ORDER = [  # a module imports from its own package and from those further down
    "cli",
    "dashboard",
    "definitions",
    "orchestration",
    "alerts",
    "reporting",
    "quality",
    "warehouse",
    "assets",
    "scoring",
    "tables",
    "sources",
    "contracts",
    "settings",
    "worker",
]
APART = {"demo": {"demo", "settings"}}  # the simulated company; of the others the command line alone may import it
MAY_IMPORT_DEMO = {"cli", "demo"}
IN_THE_ROOT = {"__init__.py", "definitions.py", "tables.py", "worker.py"}

LONGEST_FUNCTION = 50  # lines: a screen
LONGEST_FILE = 300
LONGER: dict[str, str] = {  # file or file::function -> why it reads better in one piece
    "demo/lifecycles.py": "one simulation whose steps share its state",
    "assets/fact/account_adoption_daily.py::fact_account_adoption_daily": "to be split",
    "contracts/expressions.py::counts_by_day": "to be split",
    "demo/billing.py::invoices": "to be split",
    "scoring/scorecards.py::scored": "to be split",
    "settings/sections.py": "to be split",
    "warehouse/storage.py": "to be split",
}


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
    """Name and length of each function, decorators apart."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


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
    kinds = {"faults", "independent", "guide", "browser"}  # see health_assets_tests/README.md
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
