"""No setting is unused, and the guard that says so can fail."""

import re

import pytest
from pydantic import BaseModel

from health_assets.settings import DEFAULTS, Settings
from health_assets.settings.scorecard import Scorecard
from health_assets.settings.sections import Section
from health_assets_tests.settings_usage import Field, Usage, fields_of

pytestmark = pytest.mark.slow

MODULES = [file.read_text(encoding="utf-8") for file in DEFAULTS.parent.rglob("*.py") if file.parent.name != "settings"]
FOR_PEOPLE = {(Scorecard, "description")}


class Inner(Section):
    """Two limits."""

    used: int
    unused: int


class Root(Section):
    """What a company decides."""

    inner: Inner
    by_name: dict[str, Inner]
    used: int


def unused(root: type[BaseModel], *modules: str) -> set[Field]:
    return fields_of(root) - Usage(root, modules).read


def test_each_setting_is_read_somewhere() -> None:
    assert unused(Settings, *MODULES) - FOR_PEOPLE == set()


def test_settings_that_nothing_reads_any_more_are_found() -> None:
    names = {"leave_days", "order_days", "points_for_maintenance", "watch_list_from"}
    without = [re.sub(rf"\.({'|'.join(names)})\b", ".company", module) for module in MODULES]
    assert {field for _, field in unused(Settings, *without) - FOR_PEOPLE} == names


@pytest.mark.parametrize(
    "module",
    [
        "def limit(root: Root) -> int: return root.used + root.inner.used + root.by_name['a'].used",
        "def limit(root: Root):\n inner = root.inner\n return [one.used for one in root.by_name.values()], root.used, inner.used",
        "def limit(root: Root, name: str): return getattr(root.by_name[name], name)\nlimit(Root().used, 'used'), Root().inner",
    ],
)
def test_attribute_counts_for_the_section_of_the_object_it_is_read_from(module: str) -> None:
    assert unused(Root, module) == {(Inner, "unused")}


@pytest.mark.parametrize("module", ["UNUSED = 'unused'", "def of(other): return other.unused", "unused = 1"])
def test_word_that_stands_somewhere_is_not_a_use(module: str) -> None:
    assert (Inner, "unused") in unused(Root, module)
