"""The queries behind the first page, each over a few rows worked out by hand."""

from datetime import date

import duckdb
import pytest

from health_assets.reporting.accounts import Moved
from health_assets.reporting.portfolio import (
    health_by_band,
    known_mrr_at_risk,
    low_band_accounts,
    mrr_at_risk,
    nobody_to_contact,
)
from health_assets.reporting.reader import holds
from health_assets.reporting.revenue import renewals
from health_assets.reporting.service import sla_adherence
from health_assets.reporting.workflow import latest_closed_month


@pytest.fixture
def snapshot() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema mart")
    return connection


def test_shares_of_mrr_include_the_accounts_without_a_score(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute(
        "create table mart.customer_health as from (values ('healthy', 60.0), ('healthy', null), (null, 40.0)) "
        "as accounts (health_band, mrr)"
    )
    found = {
        row["health_band"]: (row["account_count"], row["mrr"], row["mrr_share_pct"]) for row in health_by_band(snapshot)
    }
    assert found == {"healthy": (2, 60, 60), "unknown": (1, 40, 40)}


def test_mrr_at_risk_is_of_high_and_critical_risk(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute(
        "create table mart.churn_risk as from (values ('critical', 10.0), ('high', 20.0), ('medium', 30.0), "
        "('unknown', 40.0)) as accounts (risk_level, mrr)"
    )
    assert mrr_at_risk(snapshot) == {
        "account_count": 4, "mrr": 100, "at_risk_account_count": 2, "at_risk_mrr": 30, "at_risk_mrr_pct": 30,
        "unknown_account_count": 1, "unknown_mrr": 40,
    }  # fmt: skip


def test_where_no_risk_and_no_score_is_known_neither_is_zero(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute("create table mart.churn_risk as select 'unknown' as risk_level, 5.0 as mrr")
    snapshot.execute("create table mart.customer_health as select 'unknown' as health_band, 5.0 as mrr")
    assert known_mrr_at_risk(mrr_at_risk(snapshot)) == (None, "churn risk is unknown for every account")
    assert low_band_accounts(snapshot, ["critical"]) is None
    snapshot.execute("insert into mart.churn_risk values ('high', 5.0)")
    snapshot.execute("insert into mart.customer_health values ('healthy', 5.0)")
    assert known_mrr_at_risk(mrr_at_risk(snapshot)) == (5, "50.0% of MRR, 1 unknown")
    assert low_band_accounts(snapshot, ["critical"]) == 0


def test_without_mrr_there_is_no_share_at_risk(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute("create table mart.churn_risk as select 'low' as risk_level, null::double as mrr")
    assert (mrr_at_risk(snapshot)["at_risk_mrr"], mrr_at_risk(snapshot)["at_risk_mrr_pct"]) == (0, None)


def test_a_renewal_counts_in_each_window_that_it_lies_in(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute(
        "create table mart.renewal_pipeline as from (values (30, 'low', 'critical', 100.0), (31, 'high', 'healthy', 50.0)) "
        "as subscriptions (days_to_renewal, risk_level, health_band, renewing_mrr)"
    )
    assert renewals(snapshot, [60, 30], ["at_risk", "critical"]) == [
        {"days": 30, "mrr": 100, "at_risk_mrr": 0, "low_health_mrr": 100},
        {"days": 60, "mrr": 150, "at_risk_mrr": 50, "low_health_mrr": 100},
    ]


def test_sla_adherence_of_several_months_is_a_ratio_of_sums(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute("create table about as select date '2025-01-31' as as_of_date")
    snapshot.execute(
        "create table mart.sla_adherence as from (values ('all', date '2024-12-01', 8, 0, 0), "
        "('all', date '2025-01-01', 1, 1, 2), ('all', date '2025-02-01', 0, 0, 5)) "
        "as months (dimension_type, month, met_count, breached_count, pending_count)"
    )
    found = sla_adherence(snapshot)
    assert found is not None
    assert (found["month"], found["is_of_as_of_month"]) == (date(2025, 1, 1), True)
    assert (found["month_adherence_pct"], found["adherence_pct"], found["due_count"], found["pending_count"]) == (
        50, 90, 10, 2,
    )  # fmt: skip


def test_the_workflow_is_shown_for_the_last_closed_month(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute(
        "create table mart.operations_summary as from (values (date '2024-12-01', false, 9, 1, 100, 0.02, 0.1, 1.5), "
        "(date '2025-01-01', true, 9, null, 40, null, null, null)) as months (month, is_partial, account_count, "
        "at_risk_account_count, tickets_processed, data_error_rate, denial_rate, value_to_cost)"
    )
    found = latest_closed_month(snapshot)
    assert found is not None
    assert (f"{found['month']}", found["data_error_pct"], found["denial_pct"]) == ("2024-12-01", 2, 10)


def test_a_missing_table_is_noticed(snapshot: duckdb.DuckDBPyConnection) -> None:
    snapshot.execute("create table mart.churn_risk as select 1 as account_id")
    assert holds(snapshot, "mart.churn_risk")
    assert not holds(snapshot, "mart.churn_risk", "mart.risk_drivers")


@pytest.mark.parametrize(
    ("trend", "note"),
    [
        (2.04, ""),
        (0.4, "+0.4 like for like, by what was measured on both days"),
        (None, "too little was measured on both days to compare them"),
    ],
)
def test_change_of_a_score_names_its_trend_where_they_differ(trend: float | None, note: str) -> None:
    assert Moved(date(2025, 1, 1), before=60.0, now=62.0, trend=trend).note == note


@pytest.mark.parametrize(
    ("statuses", "begins"),
    [("(null), (null)", "not known: no account is scored"), ("('active'), (null)", "not known: too little")],
)
def test_an_empty_attention_list_says_whether_anybody_is_scored(
    snapshot: duckdb.DuckDBPyConnection, statuses: str, begins: str
) -> None:
    snapshot.execute(
        f"create schema dim; create table dim.account as from (values {statuses}) as accounts (account_status)"
    )
    assert nobody_to_contact(snapshot).startswith(begins)


@pytest.mark.parametrize(
    ("band", "level", "begins"),
    [
        ("unknown", "unknown", "not known: too little is measured"),
        ("healthy", "unknown", "none: "),
        ("unknown", "low", "none: "),
    ],
)
def test_a_company_without_any_score_is_not_said_to_be_well(
    snapshot: duckdb.DuckDBPyConnection, band: str, level: str, begins: str
) -> None:
    snapshot.execute("create schema dim; create table dim.account as select 'active' as account_status")
    snapshot.execute(f"create or replace table mart.customer_health as select '{band}' as health_band")
    snapshot.execute(f"create or replace table mart.churn_risk as select '{level}' as risk_level")
    assert nobody_to_contact(snapshot).startswith(begins)
