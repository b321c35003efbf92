"""A run as of a day that lies before the end of the files."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from health_assets.demo import write_company
from health_assets_tests.conftest import said_by

END = date(2025, 1, 31)
pytestmark = pytest.mark.slow


def test_row_whose_account_or_item_comes_later_is_no_orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    write_company(tmp_path, accounts=40, months=6, end=END, seed=7, profile="all")
    settings = str(tmp_path / "settings.yml")
    rejected = []
    for as_of in (END, END - timedelta(days=90)):
        said = said_by("run", "--settings", settings, "--as-of", as_of.isoformat())
        assert said.exit_code == 0, said.output
        with duckdb.connect(str(tmp_path / "published.duckdb"), read_only=True) as snapshot:
            assert snapshot.execute("select as_of_date from about").fetchone() == (as_of,)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            counts = warehouse.execute(
                "select relation, sum(rows_quarantined)::int from quarantine.loads group by all having sum(rows_quarantined) > 0"
            )
            rejected.append(dict(counts.fetchall()))
    assert rejected[0]
    assert rejected[1] == rejected[0]
