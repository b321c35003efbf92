"""A company whose files are loaded one after the other, and its warehouse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from health_assets.warehouse.storage import Warehouse
from health_assets_tests.quality.company_of_loads import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def warehouse(company: Company) -> Iterator[Warehouse]:
    with Warehouse.opened(company.warehouse_file) as opened:
        yield opened
