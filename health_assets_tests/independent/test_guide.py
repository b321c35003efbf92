"""The statements of the customer experience guide, as printed, on a published snapshot.

They stand in health_assets_tests/guide. One is corrected: the fifth orders by `fa.adoption_pct`, which its own query
does not have; it means `adoption_pct`.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from health_assets_tests.conftest import END, WholeCompany

STATEMENTS = sorted((Path(__file__).parents[1] / "guide").glob("*.sql"))
each_statement = pytest.mark.parametrize("statement", STATEMENTS, ids=[file.stem for file in STATEMENTS])


@pytest.fixture(params=["opened", "attached_under_another_name"])
def reader(
    request: pytest.FixtureRequest, whole_company: WholeCompany, tmp_path: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reader of a copy of the snapshot whose clock stands on the company's as-of day."""
    file = shutil.copy(whole_company.settings.published.resolve(), tmp_path / "published.duckdb")
    if request.param == "opened":
        connection = duckdb.connect(file, read_only=True)
    else:
        connection = duckdb.connect()
        connection.execute(f"attach '{file}' as elsewhere (read_only); use elsewhere")
    connection.execute(f"create temp macro current_date() as date '{END}'")
    yield connection
    connection.close()


@each_statement
def test_statement_of_the_guide_answers_with_rows(reader: duckdb.DuckDBPyConnection, statement: Path) -> None:
    rows = reader.execute(statement.read_text(encoding="utf-8")).fetchall()
    if statement.stem == "2_churn_risk_analysis":  # asks for active customers at a churn risk of 60 and more
        expected = reader.execute(
            "select count(*) from entity.entity_customers where churn_risk_score >= 60 and is_active"
        ).fetchall()
        assert [(len(rows),)] == expected
    else:
        assert rows


ESSENTIAL = {
    "metrics.customer_success": [
        "customer_health_score",
        "churn_risk_score",
        "composite_success_score",
        "user_activation_rate",
        "avg_engagement_score",
        "support_tickets_30d",
        "ticket_resolution_rate",
        "nps_score",
        "device_health_avg",
    ],
    "entity.entity_devices": [
        "device_health_score",
        "uptime_pct_30d",
        "usage_volume_30d",
        "maintenance_due",
        "revenue_contribution",
    ],
    "entity.entity_users": ["engagement_score", "total_sessions_30d", "days_since_last_login"],
    "entity.entity_features": ["adoption_rate", "usage_intensity_score"],
    "entity.entity_customers": ["customer_health_score", "churn_risk_score", "total_users", "total_devices"],
}


@pytest.mark.parametrize(("view", "columns"), ESSENTIAL.items(), ids=list(ESSENTIAL))
def test_essential_metrics_are_measured(reader: duckdb.DuckDBPyConnection, view: str, columns: list[str]) -> None:
    measured = reader.execute(f"select {', '.join(f'count({column})' for column in columns)} from {view}").fetchone()
    assert [column for column, count in zip(columns, measured or (), strict=True) if not count] == []


def test_guide_counts_the_customers_that_the_marts_count(reader: duckdb.DuckDBPyConnection) -> None:
    dashboard = next(file for file in STATEMENTS if "health_dashboard" in file.stem)
    rows = reader.execute(dashboard.read_text(encoding="utf-8")).fetchall()
    accounts, mrr = reader.execute("select sum(account_count), sum(mrr) from mart.health_segments").fetchone() or ()
    assert sum(row[2] for row in rows) == accounts
    assert sum(row[3] for row in rows) == pytest.approx(mrr)
