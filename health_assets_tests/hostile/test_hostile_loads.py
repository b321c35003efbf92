"""No hostile load is published wrong in silence; `HOSTILE_LOADS=500 pytest health_assets_tests/hostile` tries more of them."""

import os
import shutil
from pathlib import Path

import pytest

from health_assets_tests.conftest import made_once
from health_assets_tests.hostile.loads import PROFILES, Load, Right, drawn, outcome_of, right_company
from health_assets_tests.hostile.mutations import MUTATIONS

LOADS = drawn(int(os.environ.get("HOSTILE_LOADS", len(MUTATIONS))))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def companies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Right]:
    """One company of each kind, made once for all workers."""
    return {
        profile: made_once(
            tmp_path_factory, f"right_{profile}", lambda folder, p=profile: right_company(folder / "company", p)
        )[1]
        for profile in PROFILES
    }


@pytest.mark.parametrize("load", LOADS, ids=str)
def test_load_is_right_or_stopped_or_warned_about(
    load: Load, companies: dict[str, Right], tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    outcome = outcome_of(load, companies[load.profile], tmp_path / "company")
    shutil.rmtree(tmp_path / "company")
    record_property("load", load.mutation.name)  # type: ignore[operator]
    record_property("result", outcome.result)  # type: ignore[operator]
    record_property("evidence", outcome.evidence)  # type: ignore[operator]
    assert outcome.result in ("right", "stopped", "warned"), outcome.evidence
    assert not load.mutation.harmless or outcome.result == "right", outcome.evidence
