"""An API on loopback, and waits between attempts that a test can afford."""

from collections.abc import Iterator

import pytest

from health_assets.connectors import api as connectors_api
from health_assets_tests.loopback_api import LoopbackApi, serving


@pytest.fixture
def vendor() -> Iterator[LoopbackApi]:
    with serving() as api:
        yield api


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connectors_api, "BACKOFF_SECONDS", 0.01)
