"""Erasing an account or user: no file of the product names it afterwards, no load brings it back, and totals stay."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from health_assets import settings as company_settings
from health_assets_tests.conftest import Said, said_by
from health_assets_tests.frames import settings_of, written

pytestmark = pytest.mark.slow
LONG = "Zażółć & Gęślą Beteiligungsgesellschaft GmbH"  # unicode, a character that Markdown escapes, longer than a preview shows
UUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
ANNA = "anna.kowalska@example.com"
OTHERS = ["1,Apple,2024-09-01,active,ACC-3", f"ACC-3,Applegate,2024-09-01,active,{UUID}"]
HEADER = "account_id,company_name,signup_date,status,parent_account_id"
SUBSCRIPTIONS = [f"S1,{UUID},100", "S2,1,20", "S3,ACC-3,3"]
USERS = [f"{ANNA},{UUID}", "7,1", "user-31,ACC-3", "user-32,ACC-3"]
EVENTS = [
    f"E{day}{user},{account},{user},login,2025-01-{day:02d}"
    for day in range(1, 32)
    for user, account in (line.split(",") for line in USERS)
]
FILES = {
    "accounts": [HEADER, f"{UUID},{LONG},2024-09-01,active,", *OTHERS],
    "subscriptions": [
        "subscription_id,account_id,mrr_amount,start_date,status",
        *(f"{one},2024-09-01,active" for one in SUBSCRIPTIONS),
    ],
    "users": ["user_id,account_id,created_at", *(f"{one},2024-09-01" for one in USERS)],
    "support_tickets": [
        "ticket_id,account_id,created_at,priority",
        f"T1,{UUID},2025-01-10,p1",
        "T2,1,2025-01-11,p2",
        f"T3,{UUID},not a day,p1",
    ],
    "usage_events": ["event_id,account_id,user_id,event_name,event_timestamp", *EVENTS],
}
MRR = "select month, sum(mrr) from fact.revenue_monthly where month < '2025-01-01' group by 1 order by 1"
KILLED_AT = """
import os, signal, sys
from health_assets.cli.app import app
from health_assets.orchestration import erasure
step, call, is_done = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "1"
run, calls = getattr(erasure, step), []
def killing(*given, **named):
    calls.append(1)
    if len(calls) < call:
        return run(*given, **named)
    if is_done:
        run(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(erasure, step, killing)
del sys.argv[1:4]
app()
"""
USAGE = (
    "select activity_date, sum(event_count), sum(active_user_count) from fact.usage_daily where account_id = 'ACC-3' "
    "group by 1 order by 1"
)


@pytest.fixture(scope="module")
def after_two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a company after two runs with alerts, and a note about the account."""
    folder = tmp_path_factory.mktemp("company")
    (folder / "sources").mkdir()
    for name, content in FILES.items():
        written(folder / "sources", f"{name}.csv", "\n".join(content) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        run(folder, date(2025, 1, 30))
        assert command(folder, "alerts").exit_code == 0
        noted = command(
            folder, "account", "note", UUID, "--kind", "call", "--on", "2025-01-20", "--text", f"spoke with {LONG}"
        )
        assert noted.exit_code == 0, noted.output
        run(folder, date(2025, 1, 31))
        assert command(folder, "alerts").exit_code == 0
    return folder


@pytest.fixture
def company(after_two_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    folder = tmp_path / "company"
    shutil.copytree(after_two_days, folder, symlinks=True)
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "dagster"))
    return folder


def run(folder: Path, day: date, **chosen: Any) -> None:
    sources = {name: {"path": f"sources/{name}.csv", "rows_kept": 0.1} for name in FILES}
    settings_of(folder, as_of=day, sources=sources, notes="notes", **chosen)
    said = command(folder, "run")
    assert said.exit_code == 0, said.output


def command(folder: Path, *arguments: str) -> Said:
    return said_by(*arguments, "--settings", str(folder / "settings.yml"))


def erased(folder: Path, *arguments: str) -> Said:
    said = command(folder, "erase", *arguments)
    assert said.exit_code == 0, said.output
    return said


def answered(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(duckdb.connect(os.path.realpath(folder / "published.duckdb"), read_only=True)) as snapshot:
        return snapshot.execute(query).fetchall()


def texts_of(file: Path) -> Iterator[str]:
    """All that a file holds as text: of databases every row, of everything its bytes."""
    content = file.read_bytes()
    yield content.decode("utf-8", errors="replace")
    if content[8:12] == b"DUCK":
        with closing(duckdb.connect(str(file), read_only=True)) as connection:
            names = connection.execute(
                "select schema_name || '.\"' || table_name || '\"' from duckdb_tables()"
            ).fetchall()
            for (name,) in names:
                yield from (
                    json.dumps(row, default=str, ensure_ascii=False)
                    for row in connection.execute(f"from {name}").fetchall()
                )
    if content[:6] == b"SQLite":
        with closing(sqlite3.connect(file)) as connection:
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                yield from (repr(row) for row in connection.execute(f"select * from {name}").fetchall())
    if file.suffix == ".parquet":
        yield from (repr(row) for row in duckdb.sql(f"from read_parquet('{file}')").fetchall())


def files_that_name(folder: Path, *texts: str) -> set[str]:
    """Files outside the sources and the settings in which one of the texts is."""
    forms = {form for text in texts for form in (text, json.dumps(text)[1:-1], text.replace("&", "&amp;"))}
    found = set()
    for file in folder.rglob("*"):
        is_other = file.is_file() and "sources" not in file.relative_to(folder).parts
        if is_other and any(form in text for text in texts_of(file) for form in forms):
            found.add(str(file.relative_to(folder)))
    return found


def test_erased_account_is_named_in_no_file_and_comes_back_with_no_load(company: Path) -> None:
    names = (UUID, LONG, LONG[:39], ANNA)
    mrr = answered(company, MRR)
    assert mrr[-1] == (date(2024, 12, 1), 123.0)
    dry = erased(company, LONG, "--dry-run")
    assert "Found: account" in dry.output
    assert len(files_that_name(company, *names)) > 5

    said = erased(company, LONG)
    assert files_that_name(company, *names) == set()
    assert "Searched afterwards: no file of health-assets names it" in said.output
    assert "Still in sources/accounts.csv, 1 row" in said.output
    assert "Still in sources/support_tickets.csv, 2 rows" in said.output
    assert answered(company, MRR) == mrr
    assert answered(company, "select company_name, parent_account_id from dim.account order by account_id")[:2] == [
        ("Apple", "ACC-3"),
        ("Applegate", "erased-1"),
    ]

    run(company, date(2025, 2, 1))
    assert command(company, "alerts").exit_code == 0
    assert files_that_name(company, *names) == set()
    assert answered(company, MRR) == mrr
    assert (
        answered(company, "select mrr, account_status from dim.account where account_id = 'erased-1'")[0][1]
        == "churned"
    )
    with closing(sqlite3.connect(company / "alerts.sqlite")) as state:
        assert state.execute("select count(*) from outbox where account_id = 'erased-1'").fetchone() == (0,)

    for name, lines in FILES.items():  # the company cleans its own files
        others = [line.removesuffix(UUID) for line in lines if UUID not in line or line in OTHERS]
        written(company / "sources", f"{name}.csv", "\n".join(others) + "\n")
    run(company, date(2025, 2, 2))
    assert answered(company, MRR) == mrr
    assert files_that_name(company, *names) == set()
    assert "Erased: account" in erased(company, UUID).output  # again, by the list alone


def test_short_and_common_keys_are_erased_as_whole_values_and_others_stay(company: Path) -> None:
    usage = answered(company, USAGE)
    said = erased(company, "1", "--kind", "account")
    assert "'1' is short" in said.output
    assert "'Apple' is part of 'Applegate', which stays" in said.output
    assert answered(company, "select account_id, company_name from dim.account order by 1") == [
        (UUID, LONG),
        ("ACC-3", "Applegate"),
        ("erased-1", "erased-1"),
    ]
    for table, column in (
        ("raw.accounts", "account_id"),
        ("staged.users", "user_id"),
        ("staged.usage_events", "user_id"),
    ):
        with closing(duckdb.connect(str(company / "warehouse.duckdb"), read_only=True)) as warehouse:
            held = warehouse.execute(f"select count(*) from {table} where {column} in ('1', '7', 'Apple')").fetchone()
            assert held == (0,), table
    run(company, date(2025, 2, 1))
    assert answered(company, "select count(*) from dim.account where company_name = 'Apple'") == [(0,)]
    assert answered(company, USAGE)[: len(usage)] == usage


def test_erased_user_leaves_the_account_its_usage(company: Path) -> None:
    usage = answered(company, USAGE)
    erased(company, "user-31")
    assert files_that_name(company, "user-31") == set()
    assert answered(company, USAGE) == usage
    run(company, date(2025, 2, 1))
    assert files_that_name(company, "user-31") == set()
    assert answered(company, USAGE) == usage
    assert answered(company, "select user_id from dim.user where account_id = 'ACC-3' order by 1") == [
        ("erased-user-1",),
        ("user-32",),
    ]


def test_account_goes_altogether_where_the_settings_say_so(company: Path) -> None:
    sources = {name: {"path": f"sources/{name}.csv", "rows_kept": 0.1} for name in FILES}
    settings_of(company, as_of=date(2025, 1, 31), sources=sources, notes="notes", erasure={"closed_months": "remove"})
    erased(company, UUID)
    assert files_that_name(company, UUID, LONG) == set()
    assert answered(company, "select account_id from dim.account order by 1") == [("1",), ("ACC-3",)]
    assert answered(company, MRR)[-1] == (date(2024, 12, 1), 23.0)
    assert command(company, "run", "--accept").exit_code == 0
    assert answered(company, MRR)[-1] == (date(2024, 12, 1), 23.0)


@pytest.mark.parametrize(
    ("step", "call", "is_done"),
    [
        ("_from_files", 1, False),
        ("_write_snapshot", 1, False),
        ("copy_without", 1, True),  # the snapshot is written, and not yet what readers see
        ("_report", 1, False),
        ("copy_without", 2, True),  # the same of the warehouse
    ],
)
def test_erasure_that_was_killed_is_finished_by_the_same_command(
    company: Path, step: str, call: int, is_done: bool
) -> None:
    before = answered(company, "select account_id from dim.account order by 1")
    erase = ["erase", LONG, "--settings", str(company / "settings.yml")]
    killed = subprocess.run([sys.executable, "-c", KILLED_AT, step, str(call), str(int(is_done)), *erase], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert answered(company, "select account_id from dim.account order by 1") in (
        before,
        [("1",), ("ACC-3",), ("erased-1",)],
    )
    erased(company, LONG)
    assert files_that_name(company, UUID, LONG, ANNA) == set()
    assert answered(company, "select account_id from dim.account order by 1") == [("1",), ("ACC-3",), ("erased-1",)]
    assert [file.name for file in company.rglob("*.erasing")] == []


def test_nothing_is_erased_while_a_run_holds_the_warehouse(company: Path) -> None:
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(company / "warehouse.duckdb")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        other.stdout.readline()
        said = command(company, "erase", UUID)
        other.communicate()
    assert said.exit_code == 1
    assert "another run" in said.output
    assert not (company / "warehouse.erased.json").exists()


def test_name_of_nobody_and_of_several_is_refused(company: Path) -> None:
    assert "no account or user with this key or name" in command(company, "erase", "Nobody").output
    written(company / "sources", "accounts.csv", "\n".join([HEADER, *OTHERS, "ACC-4,Apple,2024-09-01,active,"]) + "\n")
    said = command(company, "erase", "apple")
    assert (said.exit_code, "is the name of 2 accounts (1, ACC-4)" in said.output) == (1, True)
    assert company_settings.load(company / "settings.yml").erasure.closed_months == "keep"
