"""A company of two accounts whose files are loaded one after the other, and what is found in each load."""

from datetime import date
from pathlib import Path

import polars as pl

from health_assets.assets import load_all
from health_assets.quality.load_comparison import compare_with_last_published
from health_assets.quality.load_oddities import find_oddities
from health_assets.quality.settings_change import with_changed_settings
from health_assets.settings.described import description_of
from health_assets.sources.quarantine import filter_rows
from health_assets.tables import TABLES
from health_assets.warehouse.published_load import held_tables, write_loads
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY, settings_of, written

load_all()
HEADER = "subscription_id,account_id,mrr_amount,start_date,end_date,product_name\n"


class Company:
    """Accounts and subscriptions in files, loaded into a warehouse one load after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse_file = folder / "warehouse.duckdb"
        self.accounts("A1,2024-01-01,active", "A2,2024-01-01,active")

    def accounts(self, *rows: str) -> None:
        lines = [f"{row},{row.split(',')[0]}" for row in rows]
        written(self.folder, "accounts.csv", "account_id,signup_date,status,company_name\n" + "\n".join(lines) + "\n")

    def load(
        self,
        content: str,
        warehouse: Warehouse,
        source: str = "subscriptions",
        described: dict[str, object] | None = None,
        day: date = LOAD_DAY,
        **given: object,
    ) -> dict[str, str]:
        """What is found in a load of a source with this content, by check."""
        written(self.folder, f"{source}.csv", content)
        paths: dict[str, dict[str, object]] = {name: {"path": f"{name}.csv"} for name in ("accounts", source)}
        paths[source] |= described or {}
        company = settings_of(self.folder, sources=paths, **given)
        for name in ("accounts", source):
            table = TABLES[f"staged_{name}"]
            existing = {} if name == "accounts" else {"account_id": pl.Series(["A1", "A2"])}
            rows = table.function(TABLES[f"raw_{name}"].function(company), company)
            warehouse.write(table, filter_rows(rows, table.contract, existing))
        table = TABLES[f"staged_{source}"]
        warehouse.descriptions = {name: description_of(name, company) for name in company.sources}
        found = compare_with_last_published(table, warehouse, day, company)
        found = with_changed_settings(found, table, warehouse, company)
        return found | find_oddities(table, warehouse, day, company)


def publish_load(warehouse: Warehouse) -> None:
    """Take what the warehouse holds for published."""
    cursor = warehouse.cursor()
    write_loads(cursor, held_tables(cursor), LOAD_DAY, descriptions=warehouse.descriptions)
