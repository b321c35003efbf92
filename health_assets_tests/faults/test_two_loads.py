"""Two loads on two days: what changed in the files without a date changes no day that was published before."""

from pathlib import Path

import duckdb
import pytest

from health_assets_tests.conftest import said_by
from health_assets_tests.frames import settings_of, written

pytestmark = pytest.mark.slow

ACCOUNTS = "account_id,company_name,signup_date,status,plan_tier,license_utilization\n"
USERS = "user_id,account_id,created_at,is_active,last_login_at\n"
TICKETS = "ticket_id,account_id,created_at,resolved_at,status,is_escalated\n"
INVOICES = "invoice_id,account_id,invoice_date,due_date,amount,status\n"
SUBSCRIPTIONS = "subscription_id,account_id,mrr_amount,start_date,status\n"
FIRST = {
    "accounts": ACCOUNTS + "A,Acme,2024-01-01,trial,basic,0.5\nB,Beta,2024-01-01,active,growth,0.9\n",
    "users": USERS + "U,B,2024-01-01,true,2025-01-30\nV,B,2024-01-01,true,2025-01-20\nW,B,2024-01-01,true,2025-01-21\n",
    "support_tickets": TICKETS
    + "T,B,2025-01-10T08:00:00,,open,false\nR,B,2025-01-12T08:00:00,2025-01-13,resolved,false\n",
    "invoices": INVOICES + "I,B,2024-12-01,2024-12-31,100,open\n",
    "subscriptions": SUBSCRIPTIONS + "S,B,100,2024-01-01,active\n",
}
SECOND = {
    "accounts": ACCOUNTS + "A,Acme,2024-01-01,suspended,enterprise,0.1\nB,Beta,2024-01-01,active,enterprise,0.1\n",
    "users": USERS + "U,B,2024-01-01,false,2025-02-01\nV,B,2024-01-01,true,2025-02-01\n",
    "support_tickets": TICKETS
    + "T,B,2025-01-10T08:00:00,,closed,true\nR,B,2025-01-12T08:00:00,2025-01-13,resolved,true\n",
    "invoices": INVOICES + "I,B,2024-12-01,2024-12-31,100,paid\n",
    "subscriptions": SUBSCRIPTIONS + "S,B,100,2024-01-01,paused\n",
}


def published(folder: Path, files: dict[str, str], day: str) -> dict[str, list[tuple]]:
    """The rows of January, by table, after a run with these files."""
    for source, content in files.items():
        written(folder, f"{source}.csv", content)
    settings_of(folder, as_of=day, sources={source: {"path": f"{source}.csv"} for source in files})
    said = said_by("run", "--settings", str(folder / "settings.yml"))
    assert said.exit_code == 0, said.output
    with duckdb.connect(str(folder / "published.duckdb"), read_only=True) as snapshot:
        names = snapshot.execute(
            "select schema_name || '.' || table_name from duckdb_columns() where column_name = 'as_of_date' "
            "and table_name like '%_daily' and schema_name in ('fact', 'mart') order by 1"
        ).fetchall()
        return {
            name: snapshot.execute(f"from {name} where as_of_date <= '2025-01-31' order by all").fetchall()
            for (name,) in names
        }


def test_days_that_were_published_stay_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    first = published(tmp_path, FIRST, "2025-01-31")
    second = published(tmp_path, SECOND, "2025-02-01")
    assert first["mart.customer_health_daily"]
    assert {name for name, rows in first.items() if rows != second[name]} == set()
