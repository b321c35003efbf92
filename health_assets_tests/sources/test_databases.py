"""Queries of a real PostgreSQL: what its types become, and what happens when it refuses, changes or dies."""

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources import answers
from health_assets.sources.check import source_faults
from health_assets.sources.formats import SourceError
from health_assets.tables import source_contracts
from health_assets_tests.conftest import said_by
from health_assets_tests.frames import settings_of
from health_assets_tests.inline_company import made
from health_assets_tests.loopback_postgres import Postgres
from health_assets_tests.loopback_server import ESCAPED, PASSWORD
from health_assets_tests.sources.killed_server import killed_once_rows_arrive

pytestmark = pytest.mark.slow
load_all()
ACCOUNTS = "select 'A1' as account_id, 'One' as company_name, date '2024-01-01' as signup_date"


@pytest.fixture(autouse=True)
def _url(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BILLING_URL", postgres.url)


def company(folder: Path, **queries: str) -> Settings:
    sources = {name: {"connection": "env:BILLING_URL", "query": query} for name, query in queries.items()}
    return settings_of(folder, timezone="Europe/Berlin", sources={"accounts": {"query": ACCOUNTS}} | sources)


def test_types_of_postgres_arrive_as_they_mean(postgres: Postgres, tmp_path: Path) -> None:
    postgres.sql(
        "create type tier as enum ('gold', 'silver'); create table typed (id uuid, price numeric(12, 2), plan tier, "
        "seen timestamptz, local timestamp, tags text[], shares numeric[], extra jsonb, raw json, void int); insert into typed values "
        "('00000000-0000-0000-0000-00000000000a', 1234.50, 'gold', '2024-03-31 01:30:00+01', '2024-03-31 01:30', "
        """'{a,b}', '{0.5,1.5}', '{"plan": "pro"}', '{"k": [1, 2]}', null)"""
    )
    settings = company(tmp_path, users="select id as user_id, 'A1' as account_id, * from typed")
    answers.fetch_answers(settings)
    (file,) = (settings.answers / "BILLING_URL").glob("users.*")
    (row,) = pl.read_parquet(file).drop("user_id", "account_id").to_dicts()
    assert str(row.pop("seen")) == "2024-03-31 00:30:00+00:00"
    assert row == {
        "id": "00000000-0000-0000-0000-00000000000a",
        "price": "1234.50",
        "plan": "gold",
        "local": row["local"],
        "tags": ["a", "b"],
        "shares": ["0.5", "1.5"],
        "extra": '{"plan": "pro"}',
        "raw": '{"k": [1, 2]}',
        "void": None,
    }


def test_amounts_zones_and_nested_values_reach_the_staged_table(postgres: Postgres, tmp_path: Path) -> None:
    postgres.sql(
        "create table plans (id text, details jsonb, price numeric, start timestamptz); "
        """insert into plans values ('S1', '{"account": {"id": "A1"}}', 99.95, '2024-05-31 22:30:00+00')"""
    )
    query = "select id as subscription_id, details, price as mrr_amount, start as start_date from plans"
    settings = company(tmp_path, subscriptions=query)
    subscriptions = settings.sources["subscriptions"].model_copy(
        update={"columns": {"details.account.id": "account_id"}}
    )
    settings = settings.model_copy(update={"sources": settings.sources | {"subscriptions": subscriptions}})
    answers.fetch_answers(settings)
    row = made("staged_subscriptions", settings).select("account_id", "mrr_amount", "start_date").collect().row(0)
    assert (row[0], row[1], str(row[2])) == ("A1", 99.95, "2024-06-01")  # 00:30 in Berlin


def test_million_rows_arrive_in_batches_and_only_changed_months_again(postgres: Postgres, tmp_path: Path) -> None:
    postgres.sql(
        "create table events as select i::text as event_id, 'A1' as account_id, 'login' as event_name, "
        "timestamptz '2024-09-01 12:00+00' + (i % 150) * interval '1 day' as event_timestamp from generate_series(1, 1000000) i"
    )
    query = "select * from events where event_timestamp >= :since and event_timestamp < :until"
    settings = company(tmp_path, usage_events=query)
    assert answers.fetch_answers(settings)["usage_events"] == 1_000_000
    scanned = pl.scan_parquet(settings.answers / "BILLING_URL" / "usage_events.*.parquet")
    assert scanned.select(pl.len(), pl.col("event_id").n_unique().alias("ids")).collect().row(0) == (
        1_000_000,
        1_000_000,
    )
    postgres.sql("delete from events where event_id = '1'")  # of September
    again = answers.fetch_answers(settings)["usage_events"]
    counted = postgres.sql(
        "select count(*) filter (where event_timestamp < '2024-10-01+02'), count(*) filter "
        "(where event_timestamp >= '2025-01-01+01') from events"
    )
    assert again == sum(map(int, counted.split("|")))
    assert again < 400_000


def test_server_that_dies_while_rows_arrive_is_an_error_and_leaves_the_earlier_answer(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.sql("create table ids as select 1 as id")
    slow = "select id::text as user_id, 'A1' as account_id from ids"
    answers.fetch_answers(company(tmp_path, users=slow))
    endless = (
        "select i::text as user_id, 'A1' as account_id, repeat('x', 1000) as role, pg_sleep(case when i % 2000 = 0 then 0.02 end) "
        "from generate_series(1, 10000000) i"
    )
    settings = company(tmp_path, users=endless)
    with (
        killed_once_rows_arrive(settings.answers / "BILLING_URL", lambda: postgres.stop("immediate"), postgres.start),
        pytest.raises(SourceError, match=r"^sources\.users\.query: BILLING_URL: the connection was lost"),
    ):
        answers.fetch_answers(settings)
    (file,) = (settings.answers / "BILLING_URL").iterdir()
    assert pl.read_parquet(file)["user_id"].to_list() == ["1"]


def test_init_connects_the_schemas_of_two_vendors_and_an_application(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.sql(
        "create schema stripe; create schema zendesk; create schema app; "
        "create table stripe.customer as select 'cus_' || i as id, 'Firm ' || i as name, timestamptz '2024-05-01' as created, "
        "true as livemode from generate_series(1, 20) i; "
        "create table stripe.subscription_history as select 'sub_' || i as id, 'cus_' || i as customer_id, 'active' as status, "
        "timestamptz '2024-05-01 10:00+00' as start_date, timestamptz '2025-05-01' as current_period_end, "
        "false as cancel_at_period_end, true as livemode from generate_series(1, 20) i; "
        "create table stripe.subscription_item as select 'si_' || i as id, 'sub_' || i as subscription_id, 'p' as plan_id, "
        "2 as quantity from generate_series(1, 20) i; "
        "create table stripe.price as select 'p' as id, 2500 as unit_amount, 'usd' as currency, 'month' as recurring_interval; "
        "create table zendesk.organization as select 100 + i as id, 'Firm ' || i as name, timestamptz '2024-05-01' as created_at, "
        "'cus_' || i as external_id from generate_series(1, 20) i; "
        "create table zendesk.ticket as select i as id, 100 + i as organization_id, 1 as requester_id, 1 as submitter_id, "
        "timestamptz '2024-06-01' as created_at, 'open' as status, 'high' as priority, 'web' as via_channel "
        "from generate_series(1, 20) i; "
        "create table app.clicks as select 'e' || i as id, 'cus_' || i as org, 'u' || i as user_email, 'login' as action, "
        "timestamptz '2024-12-01 10:00+00' as occurred_at from generate_series(1, 20) i"
    )
    monkeypatch.chdir(tmp_path)
    schemas = [option for name in ("stripe", "zendesk", "app") for option in ("--schema", name)]
    said = said_by("init", "env:BILLING_URL", *schemas)
    assert said.exit_code == 0, said.output
    sources = company_settings.load(tmp_path / "settings.yml").sources
    assert {name: (source.preset, source.database_schema) for name, source in sources.items()} == {
        "accounts": ("stripe", "stripe"),
        "subscriptions": ("stripe", "stripe"),
        "support_tickets": ("zendesk", "zendesk"),
        "usage_events": (None, None),
    }
    assert sources["support_tickets"].columns == {
        "organization_external_id": "account_id"
    }  # whose values are Stripe's keys
    assert (
        sources["usage_events"].query
        == 'select * from "app"."clicks" where occurred_at >= :since and occurred_at < :until'
    )
    settings = company_settings.load(tmp_path / "settings.yml")
    answers.fetch_answers(settings)
    rows = made("staged_subscriptions", settings).collect()
    assert rows["mrr_amount"].to_list() == [50.0] * 20  # 2 x 25.00


EVERY_TYPE = (
    "price numeric(12, 2) default 99.5, raw json default '[1]', extra jsonb default '{}', token uuid default "
    "'00000000-0000-0000-0000-00000000000a', address inet default '10.0.0.1', page xml default '<a/>', flags bit(3) default '101', "
    "seats int4range default '[1,3)', term interval default '1 month', no_term interval, until timestamptz default 'infinity', "
    "since date default '-infinity', terms interval[] default array[interval '1 day'], content bytea default '\\xff00', "
    "place point default '(1,2)', at time default '10:00', vector tsvector default 'a b'"
)


def test_init_reads_every_type_and_names_a_table_that_cannot_be_read(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.sql(
        f"create schema crm; create schema other; create table crm.accounts (account_id text, company_name text, signup_date date, "
        f"{EVERY_TYPE}); insert into crm.accounts select 'A' || i, 'Firm ' || i, date '2024-05-01' from generate_series(1, 5) i; "
        f"create table other.mixture (id text, {EVERY_TYPE}); insert into other.mixture values ('x'); "
        "create view other.broken as select 1 / (id::int - 1) as amount from (values ('1')) as given (id)"
    )
    monkeypatch.chdir(tmp_path)
    said = said_by("init", "env:BILLING_URL", "--schema", "crm", "--schema", "other")
    assert said.exit_code == 0, said.output
    assert "other.broken: BILLING_URL: " in said.output
    assert "division by zero" in said.output
    assert "to check mixture: looks like subscriptions, but none of its columns id, price, raw" in said.output
    settings = company_settings.load(tmp_path / "settings.yml")
    answers.fetch_answers(settings)
    assert made("staged_accounts", settings).select(pl.len()).collect().item() == 5


def test_init_refuses_a_schema_that_does_not_exist(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.sql("create schema ledgers; create table ledgers.entries (id text)")
    monkeypatch.chdir(tmp_path)
    said = said_by("init", "env:BILLING_URL", "--schema", "ledgers", "--schema", "ledger")
    assert said.exit_code == 1
    assert "there is no schema 'ledger' with tables that this user may read; there are " in said.output
    assert "(did you mean 'ledgers'?)" in said.output
    assert not (tmp_path / "settings.yml").exists()


def test_table_of_two_schemas_needs_the_one_that_is_meant(postgres: Postgres, tmp_path: Path) -> None:
    postgres.sql(
        "create schema one; create schema two; create table one.product (id int); create table two.product (id int)"
    )
    described = {"preset": "stripe", "connection": "env:BILLING_URL"}
    with pytest.raises(SourceError, match=r"product is in the schemas one and two; name the one that is meant"):
        answers.fetch_answers(settings_of(tmp_path, sources={"accounts": described}))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select plan from renamed", 'column "plan" does not exist'),
        ("select id from renamed where", "syntax error at end of input"),
        ("select id, account_id from missing", 'relation "missing" does not exist'),
        ("delete from renamed returning id", "DELETE"),
        ("select 1 / (id - id) from renamed", "division by zero"),
    ],
)
def test_statement_that_postgres_refuses_is_one_clear_error(
    postgres: Postgres, tmp_path: Path, query: str, message: str
) -> None:
    postgres.sql(
        "drop table if exists renamed; create table renamed as select 1 as id, 'A1' as account_id, 'pro' as tier"
    )
    (fault,) = source_faults(company(tmp_path, users=query), source_contracts())
    assert fault.startswith("sources.users.query: BILLING_URL: ")
    assert "Failed to" not in fault
    assert message in fault
    assert "\n" not in fault
    assert postgres.sql("select count(*) from renamed") == "1"


def test_password_is_in_no_message_log_file_or_exception(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    company(tmp_path, users="select '1' as user_id, 'A1' as account_id, 1 / 0 as role")
    wrong = f"postgresql://owner:wr0ng{ESCAPED}@127.0.0.1:{postgres.port}/postgres"
    with caplog.at_level(logging.DEBUG):
        for url, message in ((postgres.url, "division by zero"), (wrong, "password authentication failed")):
            monkeypatch.setenv("BILLING_URL", url)
            said = said_by("run", "--settings", str(tmp_path / "settings.yml"))
            assert said.exit_code == 1
            assert message in said.output
            examined = said_by("doctor", "--settings", str(tmp_path / "settings.yml"))
            for secret in (PASSWORD, ESCAPED):
                assert secret not in said.output + examined.output + caplog.text
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes()
            assert ESCAPED.encode() not in file.read_bytes()
    assert not (tmp_path / "published.duckdb").exists()


def test_exception_keeps_no_error_of_the_driver(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = f"postgresql://owner:wr0ng{ESCAPED}@127.0.0.1:{postgres.port}/postgres"
    monkeypatch.setenv("BILLING_URL", wrong)
    with pytest.raises(SourceError) as raised:
        answers.fetch_answers(company(tmp_path, users="select 1"))
    error: Any = raised.value
    while error is not None:
        assert ESCAPED not in str(error)
        assert PASSWORD not in str(error)
        error = error.__context__


def test_connectorx_answers_by_its_own_scheme(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BILLING_URL", postgres.url.replace("postgresql://", "redshift://"))
    query = "select i::text as user_id, 'A1' as account_id, i::numeric / 4 as role from generate_series(1, 120000) i"
    settings = company(tmp_path, users=query)
    assert answers.fetch_answers(settings) == {"accounts": 1, "users": 120_000}
    (file,) = (settings.answers / "BILLING_URL").iterdir()
    assert pl.scan_parquet(file).select(pl.col("role").cast(pl.Float64).sum()).collect().item() == 120_000 * 120_001 / 8
