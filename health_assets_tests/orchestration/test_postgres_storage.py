"""The history of runs in a real PostgreSQL: runs, doctor and erasure with deploy/dagster-postgres.yaml."""

import shutil
from pathlib import Path

import pytest
import yaml

from health_assets_tests.conftest import said_by
from health_assets_tests.frames import written
from health_assets_tests.loopback_postgres import Postgres
from health_assets_tests.loopback_server import ESCAPED

pytestmark = pytest.mark.slow
DAGSTER_YAML = Path(__file__).parents[2] / "deploy" / "dagster-postgres.yaml"
ACCOUNTS = "account_id,company_name,signup_date,status\nACC-0001,Zanzibar Freight,2024-01-01,active\nACC-0002,Beta,2024-01-01,active\n"


@pytest.fixture
def company(tmp_path: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Path:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    file = tmp_path / "settings.yml"
    file.write_text(yaml.safe_dump({"as_of": "2025-01-31", "warehouse": "w.duckdb", "published": "p.duckdb",
                                    "history_start": "2025-01-01", "sources": {"accounts": {"path": "accounts.csv"}}}))  # fmt: skip
    home = tmp_path / "dagster"
    home.mkdir()
    shutil.copy(DAGSTER_YAML, home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres.url)
    return file


def texts(postgres: Postgres, word: str) -> int:
    """How many rows of Dagster's tables hold a word."""
    tables = postgres.sql("select table_name from information_schema.tables where table_schema = 'public'").split()
    return sum(int(postgres.sql(f"select count(*) from {name} as t where t::text like '%{word}%'")) for name in tables)


def test_runs_are_remembered_in_the_database_and_an_erased_account_is_gone_from_it(
    company: Path, postgres: Postgres
) -> None:
    run = said_by("run", "--settings", str(company))
    assert run.exit_code == 0, run.output
    assert postgres.sql("select status from runs") == "SUCCESS"
    assert not (company.parent / "dagster" / "history").exists()
    assert "last run" in said_by("doctor", "--settings", str(company)).output
    assert texts(postgres, "Zanzibar") > 0
    erased = said_by("erase", "ACC-0001", "--settings", str(company))
    assert erased.exit_code == 0, erased.output
    assert "runs of Dagster's history (all are deleted): 1 row" in erased.output
    assert texts(postgres, "Zanzibar") == 0
    again = said_by("run", "--settings", str(company))
    assert again.exit_code == 0, again.output
    assert texts(postgres, "Zanzibar") == 0


def test_a_database_that_refuses_the_login_is_one_message_without_the_password(
    company: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres.url.replace("owner:", "nobody:"))
    run = said_by("run", "--settings", str(company))
    assert run.exit_code == 1
    assert "the history cannot be opened" in run.output
    assert "Traceback" not in run.output
    assert ESCAPED not in run.output
    assert "corr3ct" not in run.output
