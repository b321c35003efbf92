"""What alerts would have read on past days: levels, events and reasons of each account, from the facts of each day.

Churn risk is worked out by the formula of mart/health/churn_risk.py; segment, owner and name are today's. Next steps and
overrides of past days are not known, nor the flags of a shop.
"""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import polars as pl

from health_assets.alerts.levels import Published, account_of, events_between, flags_between
from health_assets.assets import load_all
from health_assets.assets.mart.health.churn_risk import risk_of_days
from health_assets.reporting.reader import Row, published
from health_assets.scoring.scorecards import TREND_DAYS
from health_assets.scoring.signals import SIGNAL_KEY, account_days, joined_signals
from health_assets.settings import Settings

ROWS_AT_ONCE = 200_000
STATUS = ["account_status", "mrr", "days_to_renewal"]


def past_days(
    connection: duckdb.DuckDBPyConnection, settings: Settings, first: date, last: date
) -> Iterator[Published]:
    """What each of these days would have shown, the earliest first."""
    events = events_between(connection, settings, first - timedelta(days=settings.alerts.event_days), last)
    flags = flags_between(connection, first, last)
    versions = dict(connection.sql("select rule, version from rule_versions").fetchall())
    for day, rows in _rows_by_day(connection, settings, first, last):
        known = {
            rule: {account: [one for one in of_one if one.day <= day] for account, of_one in of_rule.items()}
            for rule, of_rule in events.items()
        }
        accounts = [account_of(row, flags.get((row["account_id"], day), {}), known, settings) for row in rows]
        yield Published(day, accounts, versions, sources=[])


def passed_days(settings: Settings, first: date, until: date) -> list[Published]:
    """What the days before `until` would have shown, for an alert run that comes after a pause.

    Raises:
        SnapshotError: nothing has been published yet.
    """
    if first >= until:
        return []
    with published(settings) as connection:
        return list(past_days(connection, settings, first, until - timedelta(days=1)))


def _rows_by_day(
    connection: duckdb.DuckDBPyConnection, settings: Settings, first: date, last: date
) -> Iterator[tuple[date, list[Row]]]:
    """The rows of each day, read in as many days at once as fit into memory."""
    (accounts,) = connection.sql("select count(*) from dim.account").fetchone() or (0,)
    at_once = timedelta(days=max(1, ROWS_AT_ONCE // max(accounts, 1)))
    while first <= last:
        yield from sorted(_rows(connection, settings, first, min(last, first + at_once - timedelta(days=1))).items())
        first += at_once


def _rows(connection: duckdb.DuckDBPyConnection, settings: Settings, first: date, last: date) -> dict[date, list[Row]]:
    """The rows of each day, by account, with the columns that levels.py reads."""
    signals = _signals(connection, first, last)
    accounts = connection.sql("select account_id, signup_date from dim.account").pl().lazy()
    panel = joined_signals(account_days(accounts, first, last), signals.pop("fact_account_revenue_daily"))
    metrics = connection.sql("from fact.account_metrics").pl().lazy()
    days = (
        risk_of_days(panel, _health(connection, first, last), list(signals.values()), metrics, settings)
        .join(_attributes(connection), on="account_id", how="left", validate="m:1")
        .sort("as_of_date", "account_id")
    )
    unknown_then = ("attention_rank", "next_step", "next_step_owner_role", "next_step_days", "weak_areas")
    scored = pl.col("account_status").is_in(["active", "trial", "suspended"])
    shown = days.with_columns(
        *(pl.lit(None).alias(name) for name in unknown_then),
        factors=pl.when(scored).then("factors"),
        risk_level=pl.when(scored).then(pl.col("risk_level").cast(pl.String)),
        churn_date=pl.when(pl.col("churn_date") <= pl.col("as_of_date")).then("churn_date"),
    ).select(
        *SIGNAL_KEY,
        *STATUS,
        *unknown_then,
        *("name", "account_owner", "segment", "tier", "region", "churn_date", "mrr_lost"),
        *("scorecard", "health_score", "health_band", "trend_30d", "risk_level", "churn_risk_score"),
        *("factors", "unmeasured_factors"),
    )
    found: dict[date, list[Row]] = {}
    for row in shown.collect().iter_rows(named=True):
        found.setdefault(row["as_of_date"], []).append(row)
    return found


def _signals(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> dict[str, pl.LazyFrame]:
    """The account x day facts, by name, in these days."""
    tables = {
        name: table
        for name, table in load_all().items()
        if name.startswith("fact_account_") and table.contract.primary_key() == SIGNAL_KEY
    }
    return {
        name: connection.execute(f"from {table.relation} where as_of_date between ? and ?", [first, last])
        .pl()
        .lazy()
        .with_columns(pl.col("account_id").cast(pl.String))
        for name, table in tables.items()
    }


def _health(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> pl.LazyFrame:
    """Health of each account and day, and of the days with which its trend compares."""
    rows = connection.execute(
        "from mart.customer_health_daily where as_of_date between ? and ?", [first - timedelta(days=TREND_DAYS), last]
    ).pl()
    return rows.lazy().with_columns(pl.col("account_id", "health_band").cast(pl.String))


def _attributes(connection: duckdb.DuckDBPyConnection) -> pl.LazyFrame:
    """Today's, by account."""
    return (
        connection.sql(
            "select account_id::varchar as account_id, coalesce(account.company_name, account_id) as name, "
            "account.account_owner, account.segment::varchar as segment, value_tier::varchar as tier, account.region, "
            "account.churn_date, mrr_lost from dim.account left join mart.churned_accounts using (account_id)"
        )
        .pl()
        .lazy()
    )
