"""A run as of a day on which some of the accounts in the files have not signed up yet."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from health_assets.demo import write_company
from health_assets_tests.conftest import said_by

END = date(2025, 1, 31)
pytestmark = pytest.mark.slow


def test_row_whose_account_or_item_comes_later_is_no_orphan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    write_company(tmp_path, accounts=10, months=4, end=END, seed=7, profile="all")
    account = sign_up_later(tmp_path, END + timedelta(days=1))
    settings = str(tmp_path / "settings.yml")
    rejected = []
    for as_of in (END, END - timedelta(days=90)):
        said = said_by("run", "--settings", settings, "--as-of", as_of.isoformat())
        assert said.exit_code == 0, said.output
        with duckdb.connect(str(tmp_path / "published.duckdb"), read_only=True) as snapshot:
            assert snapshot.execute("select as_of_date from about").fetchone() == (as_of,)
            assert snapshot.execute("select 1 from dim.account where account_id = ?", [account]).fetchone() is None
        with duckdb.connect(str(tmp_path / "warehouse.duckdb"), read_only=True) as warehouse:
            counts = warehouse.execute(
                "select relation, sum(rows_quarantined)::int from quarantine.loads group by all having sum(rows_quarantined) > 0"
            )
            rejected.append(dict(counts.fetchall()))
    assert rejected[0]
    assert rejected[1] == rejected[0]


def sign_up_later(folder: Path, day: date) -> str:
    """The account that most files speak of turns out to sign up on a day; returns its id."""
    files = {file.stem: pl.read_csv(file, infer_schema=False) for file in folder.glob("*.csv")}
    named = pl.concat(rows.select("account_id").unique() for rows in files.values() if "account_id" in rows.columns)
    account = str(named["account_id"].mode().sort().first())
    is_it = pl.col("account_id") == account
    signed_up = pl.when(is_it).then(pl.lit(day.isoformat())).otherwise("signup_date").alias("signup_date")
    files["accounts"].with_columns(signed_up).write_csv(folder / "accounts.csv")
    return account
