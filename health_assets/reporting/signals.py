"""The signals of a published day, as the scorecards read them, for commands that score what is published again."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from health_assets.assets import load_all
from health_assets.assets.mart.health.customer_health_daily import scorable_rows
from health_assets.contracts.contract import available_by, dtypes
from health_assets.reporting.reader import published
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.snapshot import SnapshotError


def published_signals(settings: Settings, day: date | None = None) -> tuple[pl.LazyFrame, date]:
    """All signals of a day, with the scorecard of each account, and the day: that of the snapshot unless one is given.

    Raises:
        SnapshotError: nothing is published, or nothing for that day.
    """
    tables = load_all()
    read = [tables[name] for name in tables["mart_customer_health_daily"].inputs]
    with published(settings) as connection:
        day = day or connection.sql("select as_of_date from about").fetchall()[0][0]
        where = f"where as_of_date = date '{day}'"
        signals = [_published(connection, table, where) for table in read if table.contract.primary_key() == SIGNAL_KEY]
        accounts, metrics, measured = (
            _published(connection, tables[name], f"where {available_by(tables[name].contract, day)}")
            for name in ("dim_account", "fact_account_metrics", "fact_measured_signals")
        )
    if signals[0].is_empty():
        raise SnapshotError(f"{settings.published}: has nothing for {day}; give a day of the published history")
    return scorable_rows(
        [frame.lazy() for frame in signals], accounts.lazy(), metrics.lazy(), measured.lazy(), settings
    ), day


def signals_on(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> list[pl.LazyFrame]:
    """Health and all signals of some days, table by table, as the churn model reads them."""
    tables = load_all()
    read = [tables[name] for name in tables["mart_churn_probability"].inputs]
    listed = ", ".join(f"date '{day}'" for day in days) or "null"
    where = f"where as_of_date in ({listed})"
    return [_published(connection, table, where).lazy() for table in read if table.contract.primary_key() == SIGNAL_KEY]


def _published(connection: duckdb.DuckDBPyConnection, table: Table, where: str = "") -> pl.DataFrame:
    """A table of the snapshot in its contract's dtypes; empty where the snapshot lacks it."""
    wanted = dtypes(table.contract)
    try:
        rows = connection.sql(f"select {', '.join(wanted)} from {table.relation} {where}").pl()
    except duckdb.CatalogException:
        return table.contract.create_empty()
    return rows.cast(dict(wanted))
