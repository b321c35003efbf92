"""Every name that the page of requirements gives exists: tables, columns, settings, commands, files, scorecards."""

import re
from pathlib import Path
from typing import Any

import pytest

from health_assets.assets import load_all
from health_assets.cli.app import app
from health_assets.contracts.contract import dtypes
from health_assets.quality.expectations import expectations_of
from health_assets.settings import DEFAULTS, load
from health_assets.warehouse import snapshot as publish

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "requirements.md").read_text(encoding="utf-8")
TABLES = {table.relation: set(dtypes(table.contract)) for table in load_all().values()}
COLUMNS = set().union(*TABLES.values())
CHECKS = {expectation.name for table in load_all().values() for expectation in expectations_of(table)}
RELATION = re.compile(r"^(raw|staged|dim|fact|mart)\.(\w+)(?:\.(\w+))?$")
VIEWS = (Path(publish.__file__).parent / "guide_views.sql").read_text(encoding="utf-8")


def names(pattern: str) -> list[str]:
    return sorted({name for name in re.findall(r"`([^`]+)`", PAGE) if re.fullmatch(pattern, name)})


@pytest.mark.parametrize("name", names(RELATION.pattern))
def test_table_and_column_exist(name: str) -> None:
    schema, table, column = RELATION.fullmatch(name).groups()
    assert f"{schema}.{table}" in TABLES
    assert column is None or column in TABLES[f"{schema}.{table}"]


@pytest.mark.parametrize("name", names(r"\.\w+"))
def test_column_exists(name: str) -> None:
    assert name[1:] in COLUMNS


@pytest.mark.parametrize("name", names(r"(entity|metrics)\.\w+"))
def test_view_of_the_guide_exists(name: str) -> None:
    assert name in VIEWS


@pytest.mark.parametrize("name", names(r"\w+__\w+"))
def test_check_exists(name: str) -> None:
    assert name in CHECKS


@pytest.mark.parametrize("name", names(r"health-assets .*"))
def test_command_exists(name: str) -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    known |= {group.name for group in app.registered_groups}
    assert set(name.split()[1].split("|")) <= known


@pytest.mark.parametrize("name", names(r"(health_assets|health_assets_tests|docs|benchmarks)/\S+"))
def test_file_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("name", names(r"(commerce|support|engagement|workflow|churn_risk|scorecards)(\.\w+)+"))
def test_setting_exists(name: str) -> None:
    found: Any = load(DEFAULTS)
    for part in name.split("."):
        found = found[part] if isinstance(found, dict) else getattr(found, part)
