"""A table's code has a version: it changes with the transform and whatever that calls, and with nothing else."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from health_assets.warehouse import code_version
from health_assets.warehouse.code_version import version_of

TRANSFORM = '''
import functools
{imports}
FACTOR = {factor}
WORDS = {{"a": 1, "b": 2}}

def made(rows):
    """{docstring}"""
    return rows * FACTOR + helper(rows)

@functools.cache
def helper(rows):
    {comment}
    return rows + {constant}

def unused(rows):
    return rows - {unused}
'''
USUAL = {"imports": "", "factor": 2, "docstring": "Made.", "comment": "pass", "constant": 1, "unused": 1}


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The version of the transform above, with some of it changed."""
    monkeypatch.setattr(code_version, "PACKAGE", "company")

    def of(**changed: object) -> str:
        module: dict[str, object] = {"__name__": "company.assets"}
        exec(TRANSFORM.format(**USUAL | changed), module)
        return version_of(module["made"])

    return of


def test_changed_helper_or_constant_changes_the_version(version) -> None:
    assert len({version(), version(constant=7), version(factor=7)}) == 3


def test_comments_docstrings_and_code_that_is_not_called_do_not(version) -> None:
    changes = {"docstring": "Another.", "comment": "# why\n    pass", "unused": 7, "imports": "import os\n\n"}
    assert {version(**{name: change}) for name, change in changes.items()} == {version()}


@pytest.mark.slow
def test_version_is_the_same_in_every_process() -> None:
    program = (
        "from health_assets.assets import load_all; from health_assets.warehouse.code_version import code_version; "
        "print([code_version(table) for table in load_all().values()])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(code_version.__file__).parents[2])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
