import re
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.settings import Settings, SettingsError
from health_assets.sources import answers
from health_assets.sources.check import source_faults
from health_assets.sources.databases import is_ambiguous
from health_assets.sources.erased import Entry, Erased, write_list
from health_assets.sources.formats import SourceError
from health_assets.sources.readers import read_source
from health_assets.tables import source_contracts
from health_assets_tests.frames import files_of, settings_of, written

ACCOUNTS = "id,firm,since\nA1,One,2024-10-01\nA2,Two,2024-11-01\n"
ALL = "select id as account_id, firm as company_name, since as signup_date from 'accounts.csv'"
EVENTS = "select * from events where seen_at >= :since and seen_at < :until order by seen_at"


def company(folder: Path, source: str, **described: Any) -> Settings:
    written(folder, "accounts.csv", ACCOUNTS)
    return settings_of(folder, sources={"accounts": {"query": ALL}, source: described})


def rows_of(source: str, settings: Settings, *columns: str) -> list[tuple[Any, ...]]:
    answers.fetch_answers(settings)
    rows = load_all()[f"raw_{source}"].rows
    assert rows is not None
    return read_source(source, rows, settings).select(columns).collect().rows()


def faults(settings: Settings) -> list[str]:
    load_all()
    return list(source_faults(settings, source_contracts()))


def database(folder: Path, monkeypatch: pytest.MonkeyPatch, *statements: str) -> Path:
    """A DuckDB file whose URL is in EVENTS_URL."""
    file = folder / "events.duckdb"
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    monkeypatch.setenv("EVENTS_URL", f"duckdb:///{file}")
    return file


def months_fetched(settings: Settings, before: dict[Path, tuple[int, bytes]]) -> list[str]:
    """The months whose files are not those of before."""
    answers.fetch_answers(settings)
    now = files_of(settings.answers)
    return sorted(path.name.split(".")[1] for path in now.keys() | before.keys() if now.get(path) != before.get(path))


def test_query_joins_filters_and_computes_over_the_files_of_the_settings_folder(tmp_path: Path) -> None:
    written(tmp_path, "prices.csv", "price,amount\nP1,10.5\nP2,20\n")
    written(
        tmp_path,
        "items.jsonl",
        '{"sub": "S1", "acct": "A1", "items": [{"price": "P1", "n": 2}, {"price": "P2", "n": 1}]}\n',
    )
    query = (
        "with item as (select sub, acct, unnest(items) as item from 'items.jsonl') "
        "select sub as subscription_id, acct as account_id, sum(amount * item.n) as mrr_amount, '2024-10-01' as start_date "
        "from item join 'prices.csv' on price = item.price group by all"
    )
    settings = company(tmp_path, "subscriptions", query=query)
    (row,) = rows_of("subscriptions", settings, "subscription_id", "account_id", "mrr_amount")
    assert row == ("S1", "A1", 41.0)  # 2 x 10.50 + 20


def test_rows_of_an_answer_are_counted_and_named_after_their_query(tmp_path: Path) -> None:
    written(tmp_path, "accounts.sql", f"{ALL} order by 1 desc;")
    written(tmp_path, "accounts.csv", ACCOUNTS)
    settings = settings_of(tmp_path, sources={"accounts": {"query": "accounts.sql"}})
    columns = "source_file", "source_row", "account_id"
    assert rows_of("accounts", settings, *columns) == [("accounts/accounts", 1, "A2"), ("accounts/accounts", 2, "A1")]


def test_description_applies_to_the_answer_as_to_a_file(tmp_path: Path) -> None:
    written(tmp_path, "accounts.csv", ACCOUNTS)
    described = {
        "query": "from 'accounts.csv'",
        "columns": {"id": "account_id", "firm": "company_name", "since": "signup_date"},
        "where": "id <> 'A1'",
    }
    settings = settings_of(tmp_path, sources={"accounts": described})
    assert rows_of("accounts", settings, "company_name", "is_left_out") == [("One", True), ("Two", False)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "select plan from 'accounts.csv'",
            'sources.users.query: Binder Error: Referenced column "plan" not found',
        ),
        ("from 'missing.csv'", "sources.users.query: IO Error: No files found that match the pattern"),
        ("copy (select 1) to 'copied.csv'", "sources.users.query: must be a single SELECT"),
        ("select 1; drop table x", "sources.users.query: must be a single SELECT"),
        ("select 1 as user_id, 2 as user_id", "sources.users.query: has more than one column 'user_id'"),
        ("select 1 as user_id", "query/users: has no column 'account_id', which users needs"),
        ("users.sql", "users.sql: cannot be read"),
    ],
)
def test_statement_that_cannot_be_answered_is_one_clear_error(tmp_path: Path, query: str, message: str) -> None:
    (fault,) = faults(company(tmp_path, "users", query=query))
    assert message in fault
    assert not (tmp_path / "copied.csv").exists()


def test_failed_query_leaves_the_earlier_answer_as_it_was(tmp_path: Path) -> None:
    answers.fetch_answers(company(tmp_path, "users", query="select 'U1' as user_id, 'A1' as account_id"))
    before = files_of(tmp_path / "warehouse.answers")
    broken = "select error('stop') as user_id, 'A1' as account_id"
    with pytest.raises(SourceError, match=r"sources\.users\.query: .*stop"):
        answers.fetch_answers(company(tmp_path, "users", query=broken))
    assert {path.name: content for path, (_, content) in before.items() if path.parent.name == "query"} == {
        path.name: content for path, (_, content) in files_of(tmp_path / "warehouse.answers").items()
    }


def test_sqlite_column_is_text_if_one_of_its_values_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(tmp_path / "crm.sqlite") as file:
        file.execute("create table users (id, account, active, seen)")
        file.executemany("insert into users values (?, ?, ?, ?)", [(1, "A1", 1, None), ("x2", "A2", 0, b"2024-10-02")])
    file.close()
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path}/crm.sqlite")
    query = "select id as user_id, account as account_id, active as is_active, seen as created_at from users"
    settings = company(tmp_path, "users", connection="env:CRM_URL", query=query)
    columns = "source_file", "user_id", "is_active", "created_at"
    assert rows_of("users", settings, *columns) == [
        ("CRM_URL/users", "1", 1, None),
        ("CRM_URL/users", "x2", 0, "2024-10-02"),
    ]
    with pytest.raises(SourceError, match="attempt to write a readonly database"):
        rows_of(
            "users",
            company(tmp_path, "users", connection="env:CRM_URL", query="delete from users returning id"),
            "user_id",
        )


def test_only_the_current_month_and_months_with_another_count_are_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = database(
        tmp_path,
        monkeypatch,
        "create table events as select i::varchar as event_id, 'A1' as account_id, 'login' as event_name, "
        "timestamp '2024-09-10' + interval (i) month as event_timestamp from range(5) t(i)",
        "alter table events add column seen_at timestamp",
        "update events set seen_at = event_timestamp",
    )
    settings = company(tmp_path, "usage_events", connection="env:EVENTS_URL", query=EVENTS)
    assert months_fetched(settings, {}) == ["2024-09", "2024-10", "2024-11", "2024-12", "2025-01", "answer"]
    with duckdb.connect(str(file)) as connection:
        connection.execute("insert into events select '9', 'A1', 'login', '2024-11-02', '2024-11-02'")
        connection.execute("delete from events where event_id = '1'")
    before = files_of(settings.answers)
    again = ["2024-10", "2024-11", "2025-01", "answer"]  # October has no row any more, January is the current month
    assert months_fetched(settings, before) == again
    assert sorted(rows_of("usage_events", settings, "event_id", "source_file")) == [
        ("0", "EVENTS_URL/usage_events.2024-09"),
        ("2", "EVENTS_URL/usage_events.2024-11"),
        ("3", "EVENTS_URL/usage_events.2024-12"),
        ("4", "EVENTS_URL/usage_events.2025-01"),
        ("9", "EVENTS_URL/usage_events.2024-11"),
    ]


def test_month_is_bound_as_days_of_the_company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database(
        tmp_path,
        monkeypatch,
        "create table events as select '1' as event_id, 'A1' as account_id, 'login' as event_name, "
        "'2024-09-30 23:30:00+00'::timestamptz as event_timestamp, '2024-09-30 23:30:00+00'::timestamptz as seen_at",
    )
    described = {"connection": "env:EVENTS_URL", "query": EVENTS}
    written(tmp_path, "accounts.csv", ACCOUNTS)
    sources = {"accounts": {"query": ALL}, "usage_events": described}
    settings = settings_of(tmp_path, timezone="Europe/Berlin", sources=sources)
    answers.fetch_answers(settings)
    assert [path.name for path in files_of(settings.answers) if "events" in path.name] == [
        "usage_events.2024-10.answer.parquet"
    ]


def test_bounds_are_no_casts_of_a_statement() -> None:
    bound = answers._bound(
        "select a::since, b from t where d >= :since and d < :until;", date(2024, 1, 1), date(2024, 2, 1)
    )
    assert bound == "select a::since, b from t where d >= '2024-01-01' and d < '2024-02-01'"


def test_variable_that_is_not_set_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    described = {"connection": "env:NOWHERE", "query": "select 1"}
    (fault,) = source_faults(
        settings_of(tmp_path, sources={"accounts": described, "users": described}), source_contracts()
    )
    assert fault.startswith("connection env:NOWHERE: the environment variable NOWHERE is not set")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:first@second/third@127.0.0.1:1/db",
        "postgresql://reader:first@second@127.0.0.1:1/db",
        "mysql://reader:first/second@127.0.0.1/db",
        "postgresql://reader:first?second@127.0.0.1/db",
        "redshift://reader:fir[st@127.0.0.1/db",
    ],
)
def test_password_that_is_not_escaped_is_refused_without_any_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ODD_URL", url)
    (fault,) = faults(company(tmp_path, "users", connection="env:ODD_URL", query="select 1"))
    assert fault.startswith(
        "connection env:ODD_URL: the URL cannot be split into user, password and host; in a password write %40"
    )
    assert not {"reader", "first", "fir", "second", "third"} & set(re.findall("[a-z]+", fault))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://reader:fi%40rst@[::1]:5432,other:5432/db?application_name=a@b",
        "postgresql:///db?password=a@b",
        "mssql://reader:se:cond@host/db",
        "sqlite:////folder/a@b:c/file.db",
    ],
)
def test_url_that_can_be_split_is_used(url: str) -> None:
    assert not is_ambiguous(url)


def test_database_without_a_driver_is_refused_with_those_that_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD_URL", "oracle://me:s3cret@127.0.0.1:1/db")
    (fault,) = faults(company(tmp_path, "users", connection="env:ODD_URL", query="select 1"))
    assert (
        "is not the URL of a known database; begin it with one of postgresql://, postgres://, snowflake://, mysql://"
        in fault
    )


def test_url_of_a_database_is_never_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as refused:
        company(tmp_path, "users", connection="postgresql://me:s3cret@host/db", query="select 1")
    assert "s3cret" not in str(refused.value)
    assert "write env:NAME" in str(refused.value)
    monkeypatch.setenv("ODD_URL", "mongo://me:s3cret@host/db")
    (fault,) = faults(company(tmp_path, "users", connection="env:ODD_URL", query="select 1"))
    assert "connection env:ODD_URL: is not the URL of a known database" in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"path": "a.csv", "query": "select 1"}, "give path or query, not both"),
        ({"query": "select 1", "preset": "stripe"}, "give query or preset, not both"),
        ({"connection": "env:URL"}, "connection: needs a query, or a preset"),
        ({"preset": "stripe"}, "give the folder of the vendor's export as path, or a connection"),
        ({"connection": "env:URL", "query": "x y", "database_schema": "crm"}, "database_schema: needs a preset"),
        ({}, "give path, query or preset"),
    ],
)
def test_description_says_in_one_way_where_its_rows_are(
    tmp_path: Path, described: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_of(tmp_path, sources={"accounts": described})


def test_other_sql_makes_the_written_months_of_events_stale(tmp_path: Path) -> None:
    first = company(tmp_path, "users", query=written(tmp_path, "users.sql", "select 1")).sources["users"]
    assert answers.statement_of(first, "users") == "select 1"
    written(tmp_path, "users.sql", "select 2")
    assert answers.statement_of(first, "users") == "select 2"


def test_values_without_a_counterpart_in_a_file_are_text(tmp_path: Path) -> None:
    query = (
        "select uuid '00000000-0000-0000-0000-000000000001' as user_id, 'A1' as account_id, null as role, "
        "time '10:30' as created_at, 2.50::decimal(5, 2) as last_login_at"
    )
    row = rows_of("users", company(tmp_path, "users", query=query), "user_id", "role", "last_login_at")
    assert [(str(value) if value is not None else None) for value in row[0]] == [
        "00000000-0000-0000-0000-000000000001",
        None,
        "2.50",
    ]


def test_interval_is_text_as_iso_writes_it(tmp_path: Path) -> None:
    query = "select interval '1 month 2 days 3.5 seconds' as user_id, 'A1' as account_id"
    assert rows_of("users", company(tmp_path, "users", query=query), "user_id") == [("P1M2DT3.5S",)]


def test_day_that_is_infinite_is_null(tmp_path: Path) -> None:
    query = "select 'U1' as user_id, 'A1' as account_id, timestamp 'infinity' as last_login_at, date '-infinity' as created_at"
    assert rows_of("users", company(tmp_path, "users", query=query), "last_login_at", "created_at") == [(None, None)]


def test_empty_answer_is_a_source_without_rows(tmp_path: Path) -> None:
    query = "select 'U1' as user_id, 'A1' as account_id where false"
    assert rows_of("users", company(tmp_path, "users", query=query), "user_id") == []


def test_answers_are_read_with_their_types(tmp_path: Path) -> None:
    query = "select 'U1' as user_id, 'A1' as account_id, true as is_active, timestamptz '2024-10-01 10:00:00+02' as created_at"
    settings = company(tmp_path, "users", query=query)
    answers.fetch_answers(settings)
    rows = load_all()["raw_users"].rows
    assert rows is not None
    schema = read_source("users", rows, settings).collect_schema()
    assert (schema["is_active"], schema["created_at"]) == (pl.Boolean(), pl.Datetime("us", "UTC"))


def test_answer_is_written_without_the_rows_of_an_erased_account(tmp_path: Path) -> None:
    settings = company(tmp_path, "users", query="select 'U1' as user_id, 'A1' as account_id")
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    erased = Erased()
    erased.entries.append(Entry("account", erased.hash_of("account", "A1"), "erased-1", is_kept=True))
    write_list(settings, erased)
    assert rows_of("accounts", settings, "account_id") == [("A2",)]
    held = [pl.read_parquet(file)["account_id"].to_list() for file in sorted(settings.answers.rglob("*.parquet"))]
    assert sorted(held) == [[], ["A2"]]
