import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from health_assets import settings
from health_assets.settings import Settings
from health_assets_tests.loopback_api import LoopbackApi, serving

WithTargets = Callable[..., Settings]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackApi]:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    with serving() as served:
        yield served


@pytest.fixture
def with_targets(company: Settings) -> WithTargets:
    """The company with targets of the write-back."""

    def written(**targets: dict[str, Any]) -> Settings:
        file = company.warehouse.with_name("settings.yml")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"write_back": {"targets": targets}}))
        return settings.load(file)

    return written
