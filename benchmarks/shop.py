"""A shop of many buyers, in full and a day later: 24,000 buyers with 70,000 orders in 1,000 days, 2 MB of CSV.

python benchmarks/shop.py
"""

import argparse
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from measured import measured

AS_OF, DAYS = date(2026, 11, 26), 1000
ORDERS_PER_BUYER = 35 / 12
SETTINGS = """\
company: Shop
as_of: {as_of}
history_start: {start}
warehouse: warehouse.duckdb
published: published.duckdb
sources:
  accounts: {{path: accounts.csv, defaults: {{status: active}}}}
  orders: {{path: orders.csv}}
"""


def write_shop(folder: Path, buyers: int) -> None:
    """Buyers that first order on any day of the history, and order again on days after it; seeded."""
    folder.mkdir()
    draws, start, orders = np.random.default_rng(7), AS_OF - timedelta(days=DAYS - 1), int(buyers * ORDERS_PER_BUYER)
    first = draws.integers(0, DAYS, buyers)
    again = draws.integers(0, buyers, orders - buyers)
    later = first[again] + (draws.random(orders - buyers) * (DAYS - first[again])).astype(int)
    names, begun = pl.format("B{}", pl.int_range(buyers)), pl.lit(start) + pl.duration(days=pl.Series(first))
    pl.select(account_id=names, signup_date=begun, company_name=names).write_csv(folder / "accounts.csv")
    pl.select(
        order_id=pl.format("O{}", pl.int_range(orders)),
        account_id=pl.format("B{}", pl.Series(np.concatenate([np.arange(buyers), again]))),
        order_date=pl.lit(start) + pl.duration(days=pl.Series(np.concatenate([first, later]))),
        total_amount=pl.Series(draws.lognormal(3.5, 0.7, orders).round(2)),
    ).sort("order_date", "order_id").write_csv(folder / "orders.csv")
    (folder / "settings.yml").write_text(SETTINGS.format(as_of=AS_OF, start=start))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--buyers", type=int, default=24_000)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_shop(folder / "shop", given.buyers)
        (folder / "dagster").mkdir()
        paths = {
            "PYTHONPATH": ":".join([str(Path(__file__).parents[1]), *sys.path]),
            "DAGSTER_HOME": f"{folder}/dagster",
        }
        run = [sys.executable, "-m", "health_assets.cli.app", "run", "--settings", "shop/settings.yml"]
        for name, day in (("full", AS_OF - timedelta(days=1)), ("daily", AS_OF)):
            used = measured([*run, "--as-of", day.isoformat()], folder, paths)
            print(f"shop, {given.buyers:,} buyers, {name:5} {used}", flush=True)


if __name__ == "__main__":
    main()
