"""Queries of a real MariaDB: what its types become, and what happens when it refuses or dies."""

import logging
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from health_assets import settings as company_settings
from health_assets.settings import Settings
from health_assets.sources import answers
from health_assets.sources.check import source_faults
from health_assets.sources.formats import SourceError
from health_assets.tables import source_contracts
from health_assets_tests.conftest import said_by
from health_assets_tests.frames import settings_of
from health_assets_tests.inline_company import made
from health_assets_tests.loopback_mariadb import MariaDB
from health_assets_tests.loopback_server import ESCAPED, PASSWORD
from health_assets_tests.sources.killed_server import killed_once_rows_arrive

pytestmark = pytest.mark.slow
ACCOUNTS = "select 'A1' as account_id, 'One' as company_name, date '2024-01-01' as signup_date"


@pytest.fixture(autouse=True)
def _url(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", mariadb.url)


def company(folder: Path, **queries: str) -> Settings:
    sources = {name: {"connection": "env:CRM_URL", "query": query} for name, query in queries.items()}
    return settings_of(folder, timezone="Europe/Berlin", sources={"accounts": {"query": ACCOUNTS}} | sources)


def answered(folder: Path, **query: str) -> list[dict[str, Any]]:
    settings = company(folder, **query)
    answers.fetch_answers(settings)
    (file,) = (settings.answers / "CRM_URL").glob(f"{next(iter(query))}.*")
    return pl.read_parquet(file).to_dicts()


def test_types_of_mariadb_arrive_as_they_mean(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.sql(
        "create or replace table crm.typed (id bigint unsigned, name varchar(50), price decimal(12, 2), share double, "
        "is_active tinyint(1), flag bit(1), seen timestamp(3) null, local datetime(6), day date, at time, year year, "
        "plan enum('gold', 'silver'), extra json, void int); set time_zone = '+00:00'; insert into crm.typed values "
        "(18446744073709551615, 'Müller 🚀', 1234567890.10, 0.1, 1, b'1', '2025-07-01 12:00:00.5', "
        """'2025-03-30 02:30:00.123456', '2024-02-29', '10:11:12', 2024, 'gold', '{"plan": "pro"}', null)"""
    )
    (row,) = answered(tmp_path, users="select 'A1' as account_id, typed.* from typed")
    assert row == {
        "account_id": "A1",
        "id": Decimal(18446744073709551615),
        "name": "Müller 🚀",
        "price": Decimal("1234567890.10"),
        "share": 0.1,
        "is_active": 1,
        "flag": 1,
        "seen": datetime(2025, 7, 1, 12, 0, 0, 500_000, UTC),  # an instant, whatever the zone of the server
        "local": datetime(2025, 3, 30, 2, 30, 0, 123_456),
        "day": date(2024, 2, 29),
        "at": "10:11:12",
        "year": 2024,
        "plan": "gold",
        "extra": '{"plan": "pro"}',
        "void": None,
    }


def test_day_of_zeros_is_null(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.sql(
        "create or replace table crm.zeros (id int, day date, at datetime); set sql_mode = ''; insert into crm.zeros values "
        "(1, '0000-00-00', '0000-00-00 00:00:00'), (2, '2025-00-00', '2025-04-00 10:00:00'), "
        "(3, '2025-04-30', '2025-04-30 00:00:00')"
    )
    rows = answered(tmp_path, users="select 'A1' as account_id, zeros.* from zeros order by id")
    assert [(row["day"], row["at"]) for row in rows] == [
        (None, None),
        (None, None),
        (date(2025, 4, 30), datetime(2025, 4, 30)),
    ]


def test_amounts_zones_and_keys_reach_the_staged_table(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.sql(
        "create or replace table crm.plans (id bigint, org bigint, price decimal(10, 2), start timestamp null); "
        "set time_zone = '+00:00'; insert into crm.plans values (7, 1, 99.95, '2024-05-31 22:30:00')"
    )
    query = "select id as subscription_id, concat('A', org) as account_id, price as mrr_amount, start as start_date from plans"
    settings = company(tmp_path, subscriptions=query)
    answers.fetch_answers(settings)
    (row,) = made("staged_subscriptions", settings).collect().to_dicts()
    assert (row["subscription_id"], row["account_id"], row["mrr_amount"]) == ("7", "A1", 99.95)
    assert row["start_date"] == date(2024, 6, 1)  # 00:30 in Berlin


def test_rows_arrive_in_batches_and_only_changed_months_again(mariadb: MariaDB, tmp_path: Path) -> None:
    mariadb.sql(
        "create or replace table crm.events as select concat('e', seq) as event_id, 'A1' as account_id, 'login' as event_name, "
        "date_add('2024-09-01 12:00', interval seq % 150 day) as event_timestamp from seq_1_to_120000"
    )
    query = "select * from events where event_timestamp >= :since and event_timestamp < :until"
    settings = company(tmp_path, usage_events=query)
    assert answers.fetch_answers(settings)["usage_events"] == 120_000
    scanned = pl.scan_parquet(settings.answers / "CRM_URL" / "usage_events.*.parquet")
    assert scanned.select(pl.col("event_id").n_unique()).collect().item() == 120_000
    mariadb.sql("delete from crm.events where event_id = 'e1'")  # of September
    again = answers.fetch_answers(settings)["usage_events"]
    changed = "event_timestamp < '2024-10-01' or event_timestamp >= '2025-01-01'"
    assert again == int(mariadb.sql(f"select count(*) from crm.events where {changed}"))


def test_init_connects_the_tables_of_an_application(
    mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb.sql(
        "create or replace database app; use app; grant select on app.* to reader@'%'; create table app.accounts as select "
        "concat('A', seq) as account_id, concat('Firm ', seq) as company_name, date '2024-05-01' as signup_date from seq_1_to_20; "
        "create table app.subscriptions as select seq as subscription_id, concat('A', seq) as account_id, "
        "49.5 as mrr_amount, date '2024-05-01' as start_date from seq_1_to_20"
    )
    monkeypatch.chdir(tmp_path)
    said = said_by("init", "env:CRM_URL", "--schema", "app")
    assert said.exit_code == 0, said.output
    settings = company_settings.load(tmp_path / "settings.yml")
    assert settings.sources["accounts"].query == "select * from `app`.`accounts`"
    answers.fetch_answers(settings)
    assert made("staged_subscriptions", settings).collect()["mrr_amount"].to_list() == [49.5] * 20


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select plan from kept", "Unknown column 'plan'"),
        ("select id from kept where", "You have an error in your SQL syntax"),
        ("select id from missing", "Table 'crm.missing' doesn't exist"),
        ("delete from kept", "Cannot execute statement in a READ ONLY transaction"),
        ("select 1; delete from kept", "You have an error in your SQL syntax"),
        ("set @one = 1", "must be a single SELECT"),
    ],
)
def test_statement_that_mariadb_refuses_is_one_clear_error(
    mariadb: MariaDB, tmp_path: Path, query: str, message: str
) -> None:
    mariadb.sql("create or replace table crm.kept as select 1 as id")
    with pytest.raises(SourceError) as raised:
        answers.fetch_answers(company(tmp_path, users=query))
    assert str(raised.value).startswith("sources.users.query: CRM_URL: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert mariadb.sql("select count(*) from crm.kept") == "1"


def test_server_that_dies_while_rows_arrive_is_an_error_and_leaves_the_earlier_answer(
    mariadb: MariaDB, tmp_path: Path
) -> None:
    answers.fetch_answers(company(tmp_path, users="select '1' as user_id, 'A1' as account_id"))
    endless = (
        "select cast(seq as char) as user_id, 'A1' as account_id, repeat('x', 1000) as role, "
        "case when seq % 2000 = 0 then sleep(0.02) end as waited from seq_1_to_10000000"
    )
    settings = company(tmp_path, users=endless)
    with (
        killed_once_rows_arrive(settings.answers / "CRM_URL", lambda: mariadb.stop(is_crash=True), mariadb.start),
        pytest.raises(SourceError, match=r"^sources\.users\.query: CRM_URL: the connection was lost"),
    ):
        answers.fetch_answers(settings)
    (file,) = (settings.answers / "CRM_URL").iterdir()
    assert pl.read_parquet(file)["user_id"].to_list() == ["1"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda url: url.replace(ESCAPED, "wr0ng"), "Access denied for user 'reader'"),
        (lambda url: url.replace("/crm", "/other"), "Access denied for user 'reader'@'%' to database 'other'"),
        (lambda url: f"{url}?ssl-mode=required", "SSL is required but the server doesn't support it"),
        (lambda url: f"{url}?ssl-mode=certain", "ssl-mode must be one of disabled, preferred, required"),
        (lambda url: f"{url}?charset=latin1", "the parameters of a MySQL URL are ssl-mode and ssl-ca, not charset"),
    ],
)
def test_refused_connection_is_one_error_without_a_secret(
    tmp_path: Path,
    mariadb: MariaDB,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    changed: Callable[[str], str],
    message: str,
) -> None:
    monkeypatch.setenv("CRM_URL", changed(mariadb.url))
    with caplog.at_level(logging.DEBUG):
        (fault,) = source_faults(company(tmp_path, users="select 1"), source_contracts())
    assert message in fault
    for secret in (PASSWORD, ESCAPED, "wr0ng"):
        assert secret not in fault + caplog.text


def test_scheme_of_mariadb_is_that_of_mysql(tmp_path: Path, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_URL", mariadb.url.replace("mysql://", "mariadb://"))
    assert answered(tmp_path, users="select 'U1' as user_id, 'A1' as account_id") == [
        {"user_id": "U1", "account_id": "A1"}
    ]
