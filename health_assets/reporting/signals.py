"""The signals of a published day, as the scorecards read them, for commands that score what is published again."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from health_assets.assets import load_all
from health_assets.assets.mart.health.customer_health_daily import scorable_rows
from health_assets.contracts.contract import available_by, dtypes
from health_assets.contracts.expressions import on_any_of
from health_assets.reporting.reader import published
from health_assets.scoring.signals import SIGNAL_KEY, account_days
from health_assets.settings import Settings
from health_assets.tables import Table
from health_assets.warehouse.snapshot import SnapshotError


def published_signals(settings: Settings, day: date | None = None) -> tuple[pl.LazyFrame, date]:
    """All signals of a day, with the scorecard of each account, and the day: that of the snapshot unless one is given.

    Raises:
        SnapshotError: nothing is published, or nothing for that day.
    """
    with published(settings) as connection:
        day = day or connection.sql("select as_of_date from about").fetchall()[0][0]
        known = "select 1 from dim.date join dim.account on signup_date <= date where date = ? limit 1"
        if connection.execute(known, [day]).fetchone() is None:
            raise SnapshotError(f"{settings.published}: has nothing for {day}; give a day of the published history")
        return scorable_on(connection, [day], settings), day


def scorable_on(connection: duckdb.DuckDBPyConnection, days: Sequence[date], settings: Settings) -> pl.LazyFrame:
    """All that scorecards may name on some days, as mart.customer_health_daily reads it."""
    tables = load_all()
    read = [tables[name] for name in tables["mart_customer_health_daily"].inputs]
    signals = [_on(connection, table, days) for table in read if table.contract.primary_key() == SIGNAL_KEY]
    accounts, metrics, measured = (
        _published(connection, tables[name], f"where {available_by(tables[name].contract, max(days))}").lazy()
        for name in ("dim_account", "fact_account_metrics", "fact_measured_signals")
    )
    panel = account_days(accounts, min(days), max(days)).filter(on_any_of(pl.col("as_of_date"), days))
    return scorable_rows(panel, signals, accounts, metrics, measured, settings)


def signals_on(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> list[pl.LazyFrame]:
    """The account x day facts of some days, table by table, as the churn model reads them."""
    tables = load_all()
    read = [tables[name] for name in tables["mart_churn_model"].inputs if name.startswith("fact_")]
    return [_on(connection, table, days) for table in read if table.contract.primary_key() == SIGNAL_KEY]


def health_on(connection: duckdb.DuckDBPyConnection, days: Sequence[date]) -> pl.LazyFrame:
    """The published health of some days."""
    return _on(connection, load_all()["mart_customer_health_daily"], days)


def _on(connection: duckdb.DuckDBPyConnection, table: Table, days: Sequence[date]) -> pl.LazyFrame:
    listed = ", ".join(f"date '{day}'" for day in days) or "null"
    return _published(connection, table, f"where as_of_date in ({listed})").lazy()


def _published(connection: duckdb.DuckDBPyConnection, table: Table, where: str = "") -> pl.DataFrame:
    """A table of the snapshot in its contract's dtypes; empty where the snapshot lacks it."""
    wanted = dtypes(table.contract)
    try:
        rows = connection.sql(f"select {', '.join(wanted)} from {table.relation} {where}").pl()
    except duckdb.CatalogException:
        return table.contract.create_empty()
    return rows.cast(dict(wanted))
