"""No hostile load is published wrong in silence: each kind once; `make hostile` tries 500 and prints the table."""

import os
import shutil
from pathlib import Path

import pytest

from health_assets_tests.conftest import made_once, said_by
from health_assets_tests.hostile.loads import PROFILES, Load, Right, drawn, outcome_of, replace_file, right_company
from health_assets_tests.hostile.mutations import MUTATIONS
from health_assets_tests.hostile.table import is_wrong

LOADS = drawn(int(os.environ.get("HOSTILE_LOADS", len(MUTATIONS))))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Right]:
    """One company of each kind, made once for all workers."""
    return {
        profile: made_once(tmp_path_factory, f"right_{profile}", lambda folder, p=profile: right_company(folder, p))[1]
        for profile in PROFILES
    }


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_load_is_right_or_stopped_or_warned_about(load: Load, companies: dict[str, Right], tmp_path: Path) -> None:
    outcome = outcome_of(load, companies[load.profile], tmp_path / "company")
    assert not is_wrong(load, outcome), outcome


@pytest.mark.parametrize("name", ["rows cut", "cents for units", "words in upper case"])
def test_command_line_comes_to_the_same_outcome(
    name: str, companies: dict[str, Right], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = next(load for load in LOADS if load.mutation.name == name)
    outcome = outcome_of(load, companies[load.profile], tmp_path / "direct")
    folder = tmp_path / "company"
    shutil.copytree(companies[load.profile].folder, folder, symlinks=True)
    replace_file(load, folder)
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.chdir(folder)
    said = said_by("run", "--settings", "settings.yml")
    assert (said.exit_code == 0) == (outcome.result in ("right", "warned")), said.output
    if outcome.result == "warned":
        assert f"staged_{load.source}" in said.output
