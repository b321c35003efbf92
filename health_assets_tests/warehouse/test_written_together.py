"""Which months are computed and written together."""

from datetime import date

import polars as pl

from health_assets.assets import load_all
from health_assets.contracts.months import months_between
from health_assets.tables import TABLES
from health_assets.warehouse import stale_months
from health_assets.warehouse.storage import Warehouse

load_all()


def test_months_are_written_together_as_far_as_the_days_of_accounts_that_have_signed_up_are_few(tmp_path, monkeypatch):
    # 1 account until March, then 2: 31 rows a month and 62
    monkeypatch.setattr(stale_months, "ROWS_PER_WRITE", 93)
    accounts = pl.LazyFrame({"account_id": ["a", "b"], "signup_date": [date(2024, 12, 5), date(2025, 3, 31)]})
    table, staged = TABLES["fact_account_support_daily"], TABLES["staged_accounts"]
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as warehouse:
        months = months_between(date(2025, 1, 1), date(2025, 5, 1))
        assert list(stale_months.written_together(warehouse, table, months)) == [months]
        known = staged.contract.create_empty(lazy=True)
        warehouse.write(staged, pl.concat([known, accounts], how="diagonal"))
        assert list(stale_months.written_together(warehouse, table, months)) == [
            months[:2],
            months[2:3],
            months[3:4],
            months[4:],
        ]
