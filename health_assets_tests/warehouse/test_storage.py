"""The warehouse: all or nothing, one writer, and months that are written again exactly when they are out of date."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import dataframely as dy
import duckdb
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.contracts.contract import Contract, dtypes
from health_assets.contracts.months import end_of_month, months_after, months_between
from health_assets.orchestration.assets import asset_of
from health_assets.orchestration.resources import resources
from health_assets.sources.quarantine import LOAD_COUNTS, QUARANTINE_SCHEMA, FilteredRows
from health_assets.tables import TABLES
from health_assets.warehouse import code_version
from health_assets.warehouse.quarantined import load_counts
from health_assets.warehouse.sql import SEVERAL, sql_type
from health_assets.warehouse.stale_months import stale_months
from health_assets.warehouse.storage import Warehouse, WarehouseError, made_ahead
from health_assets_tests.assets.rows import rows
from health_assets_tests.frames import LOAD_DAY, Toy, settings_of, table_of, toys, written

pytestmark = pytest.mark.slow

load_all()
TOY = table_of()
MONTHLY = table_of(name="fact_toy_daily", monthly=True)
JANUARY, DECEMBER, NOVEMBER = date(2025, 1, 1), date(2024, 12, 1), date(2024, 11, 1)


@pytest.fixture
def warehouse(tmp_path):
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def held(warehouse: Warehouse, table=TOY) -> list[tuple]:
    return warehouse.read(table).sort("key", "day").collect().rows()


# -- threads ----------------------------------------------------------------------------------------------------------


def threads(warehouse: Warehouse) -> int:
    return warehouse.cursor().execute("select current_setting('threads')").fetchall()[0][0]


def test_duckdb_uses_one_thread_until_a_table_is_large(tmp_path):
    all_threads = duckdb.connect().execute("select current_setting('threads')").fetchall()[0][0]
    large = pl.select(key=pl.int_range(SEVERAL + 1).cast(pl.String)).lazy().with_columns(day=JANUARY, amount=1.0)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as small:
        small.write(TOY, toys(("a", JANUARY, 1.0)))
        assert threads(small) == 1
        small.write(TOY, large)
        assert threads(small) == all_threads
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened_again:
        assert threads(opened_again) == all_threads
        assert opened_again.row_count(TOY.relation) == SEVERAL + 1


# -- all or nothing ---------------------------------------------------------------------------------------------------


def test_exception_between_delete_and_insert_leaves_the_months_as_they_were(warehouse, monkeypatch):
    warehouse.write_months(MONTHLY, [JANUARY], toys(("a", JANUARY, 1.0)), {JANUARY: "first"})

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):  # noqa: PT012
        patched.setattr("health_assets.warehouse.storage.insert", killed)
        warehouse.write_months(MONTHLY, [JANUARY], toys(("b", JANUARY, 2.0)), {JANUARY: "second"})
    assert held(warehouse, MONTHLY) == [("a", JANUARY, 1.0)]
    assert warehouse.months_of(MONTHLY.relation) == {JANUARY: ("first", 1)}


def test_table_made_with_many_rows_is_seen_by_the_same_run(warehouse):
    many = 200_000  # beyond one row group of DuckDB
    rows = pl.LazyFrame({"key": pl.arange(many, eager=True).cast(pl.String)}).with_columns(
        day=pl.lit(JANUARY), amount=pl.lit(1.0)
    )
    warehouse.write(TOY, rows)
    warehouse.write_months(MONTHLY, [JANUARY], rows, {JANUARY: "first"})
    assert warehouse.row_count(TOY.relation) == warehouse.row_count(MONTHLY.relation) == many


def test_every_table_is_laid_out_as_its_contract_says_and_read_back_in_its_dtypes(warehouse):
    warehouse.empty(list(TABLES.values()))
    for table in TABLES.values():
        assert warehouse.fits(table), table.name
        assert dict(warehouse.read(table).collect_schema()) == dict(dtypes(table.contract)), table.name


def test_dtype_that_has_no_place_in_the_warehouse_is_rejected():
    with pytest.raises(KeyError, match="Duration"):
        sql_type(pl.List(pl.Duration()))


def test_rows_lost_in_one_month_are_not_made_up_for_in_another(warehouse):
    month_rows = {"rows_read": [10, 10], "rows_kept": [9, 11], "rows_quarantined": [0, 0]}
    loads = pl.DataFrame(month_rows | {"duplicates_collapsed": [0, 0], "values_blanked": [0, 3]})
    with warehouse.transaction() as cursor:
        cursor.register("incoming", loads.with_columns(relation=pl.lit(TOY.relation), month=pl.lit(JANUARY)))
        cursor.execute("insert into quarantine.loads by name from incoming")
    assert load_counts(warehouse.cursor(), TOY) == {
        "rows_read": 20,
        "rows_kept": 20,
        "rows_quarantined": 0,
        "duplicates_collapsed": 0,
        "rows_left_out": 0,
        "values_blanked": 3,
        "rows_summed": 0,
        "rows_lost": 2,
    }


def test_exception_while_the_rows_are_computed_leaves_the_table_as_it_was(warehouse):
    warehouse.write(TOY, toys(("a", JANUARY, 1.0)))
    with pytest.raises(pl.exceptions.PolarsError):
        warehouse.write(
            TOY, toys(("b", JANUARY, 2.0)).with_columns(key=pl.col("key").str.to_date("%Y").cast(pl.String))
        )
    assert held(warehouse) == [("a", JANUARY, 1.0)]


def test_process_killed_while_writing_leaves_the_table_as_it_was(tmp_path):
    file = tmp_path / "warehouse.duckdb"
    with Warehouse.opened(file) as warehouse:
        warehouse.write(TOY, toys(("a", JANUARY, 1.0)))
    subprocess.run([sys.executable, "-c", _KILLED_WHILE_WRITING, str(file)], check=False, timeout=30)
    with Warehouse.opened(file) as warehouse:
        assert held(warehouse) == [("a", JANUARY, 1.0)]


_KILLED_WHILE_WRITING = """
import duckdb, os, signal, sys
writer = duckdb.connect(sys.argv[1])
writer.execute("begin")
writer.execute("delete from fact.toy")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_rows_that_disagree_with_the_contract_are_rejected_by_name(warehouse):
    with pytest.raises(ValueError, match=r"fact_toy: the transform and its contract disagree: lacks \{'amount'\}"):
        warehouse.write(TOY, toys().drop("amount"))


def test_empty_table_keeps_its_columns(warehouse):
    warehouse.write(TOY, toys())
    assert warehouse.read(TOY).collect().schema == toys().collect_schema()


def test_table_that_was_never_written_is_empty_in_its_columns(warehouse):
    assert warehouse.read(TOY).collect().schema == toys().collect_schema()


def test_no_row_known_after_the_as_of_day_is_read(warehouse):
    warehouse.write(TOY, toys(("a", DECEMBER, 1.0), ("a", JANUARY, 2.0)))
    assert warehouse.read(TOY, until=date(2024, 12, 31)).collect()["day"].to_list() == [DECEMBER]


@pytest.mark.parametrize("name", ["O'Neil", "'; DROP TABLE fact.toy; --", "<script>", 'a"b', "a\0b", "Ünï\n☃"])
def test_hostile_text_comes_back_as_it_was(warehouse, name):
    warehouse.write(TOY, toys((name, JANUARY, 1.0)))
    assert held(warehouse) == [(name, JANUARY, 1.0)]


# -- another shape ----------------------------------------------------------------------------------------------------


class Wider(Toy):
    """With a column more."""

    note = dy.String(nullable=True)


class Narrower(Contract):
    """With a column less."""

    key = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, metadata={"available_from": True})


class Reordered(Contract):
    """In another order."""

    amount = dy.Float64(nullable=True)
    day = dy.Date(primary_key=True, metadata={"available_from": True})
    key = dy.String(primary_key=True)


class Whole(Contract):
    """The same columns, one of another type."""

    key = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, metadata={"available_from": True})
    amount = dy.Int64(nullable=True)


@pytest.mark.parametrize("contract", [Wider, Narrower, Reordered, Whole])
def test_contract_that_changed_shape_replaces_the_monthly_table(warehouse, contract):
    warehouse.write_months(
        MONTHLY, [DECEMBER, JANUARY], toys(("a", JANUARY, 1.0)), dict.fromkeys([DECEMBER, JANUARY], "m")
    )
    changed = table_of(contract, MONTHLY.name, monthly=True)
    rows = contract.create_empty().lazy() if contract is Narrower else toys(("b", JANUARY, 2.0))
    if contract is Wider:
        rows = rows.with_columns(note=pl.lit("new"))
    warehouse.write_months(changed, [JANUARY], rows.select(contract.column_names()), {JANUARY: "n"})
    assert warehouse.read(changed).collect().columns == contract.column_names()
    assert list(warehouse.months_of(MONTHLY.relation)) == [JANUARY]


def test_column_of_another_type_is_stored_in_it(warehouse):
    whole = table_of(Whole, MONTHLY.name, monthly=True)
    row = pl.LazyFrame({"key": ["a"], "day": [JANUARY], "amount": [1]})
    warehouse.write_months(whole, [JANUARY], row, {JANUARY: "m"})
    warehouse.write_months(MONTHLY, [JANUARY], toys(("a", JANUARY, 1.5)), {JANUARY: "n"})
    assert held(warehouse, MONTHLY) == [("a", JANUARY, 1.5)]


# -- one writer -------------------------------------------------------------------------------------------------------


def test_second_run_is_rejected_with_the_process_that_holds_the_warehouse(tmp_path):
    file = tmp_path / "warehouse.duckdb"
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        other.stdout.readline()
        with pytest.raises(WarehouseError, match=rf"another run \(process {other.pid}\)"), Warehouse.opened(file):
            pass
        other.stdin.close()
    with Warehouse.opened(file) as warehouse:
        assert not warehouse.holds("fact.toy")


def test_file_that_is_no_warehouse_is_rejected_with_the_remedy(tmp_path):
    file = tmp_path / written(tmp_path, "warehouse.duckdb", "account_id,company_name\n" * 1000)
    with pytest.raises(WarehouseError, match="move it aside"), Warehouse.opened(file):
        pass


# -- months -----------------------------------------------------------------------------------------------------------


def test_months_over_the_turn_of_the_year():
    assert months_between(date(2024, 11, 30), date(2025, 1, 1)) == [NOVEMBER, DECEMBER, JANUARY]
    assert months_between(JANUARY, DECEMBER) == []
    assert months_after(NOVEMBER, 2) == JANUARY
    assert end_of_month(date(2024, 2, 1)) == date(2024, 2, 29)


SOURCES = {"accounts": {"path": "accounts.csv"}, "usage_events": {"path": "events*.csv"}}
MADE = ("raw_accounts", "raw_usage_events", "staged_accounts", "staged_usage_events")
HEADER = "event_id,account_id,event_name,event_timestamp\n"


def ran(folder: Path, **given) -> tuple[list[tuple], list[date]]:
    """Accounts and events from the files to staged; the events then held, and the months that the run wrote."""
    company = settings_of(folder, sources=SOURCES, **given)
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = dg.materialize(
            [asset_of(TABLES[name], company) for name in MADE],
            resources=resources(company),
            partition_key="2025-01-01",
            instance=instance,
        )
    made = {
        date.fromisoformat(event.partition)
        for event in outcome.get_asset_materialization_events()
        if event.asset_key.path[-1] == "staged_usage_events" and event.partition
    }
    with duckdb.connect(str(company.warehouse), read_only=True) as warehouse:
        return warehouse.execute("from staged.usage_events order by all").fetchall(), sorted(made)


@pytest.fixture
def company(tmp_path):
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\n")
    days = ["2024-09-30", "2024-10-15", "2024-12-31", "2025-01-30"]
    written(tmp_path, "events.csv", HEADER + "".join(f"{n},A,login,{day}\n" for n, day in enumerate(days)))
    return tmp_path


def rebuilt(folder: Path) -> list[tuple]:
    return ran(folder, warehouse="anew.duckdb")[0]


def test_second_run_writes_the_current_month_only(company):
    first, months = ran(company)
    assert len(months) == 5
    assert ran(company) == (first, [JANUARY])


@pytest.mark.slow
def test_row_that_comes_in_four_months_late_is_the_same_as_a_rebuild(company):
    ran(company)
    written(company, "events_late.csv", HEADER + "9,A,login,2024-09-29\n")
    rows, months = ran(company)
    assert months == [date(2024, 9, 1), JANUARY]
    assert rows == rebuilt(company)
    assert len(rows) == 5


def test_month_that_is_missing_is_written_again(company):
    first, _ = ran(company)
    with Warehouse.opened(company / "warehouse.duckdb") as warehouse, warehouse.transaction() as cursor:
        cursor.execute("delete from staged.usage_events where month(event_date) = 10")
        cursor.execute("delete from internal.months where month(month) = 10")
    assert ran(company) == (first, [date(2024, 10, 1), JANUARY])


@pytest.mark.slow
def test_first_run_that_was_killed_is_made_up_for(company, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("health_assets.orchestration.assets.filter_rows", _killed)
        with pytest.raises(RuntimeError, match="killed"):
            ran(company)
    rows, months = ran(company)
    assert len(months) == 5
    assert rows == rebuilt(company)


def _killed(*_, **__):
    raise RuntimeError("killed")


@pytest.mark.slow
def test_account_that_comes_in_later_brings_its_events_of_all_months(company):
    written(company, "events_b.csv", HEADER + "7,B,login,2024-10-01\n")
    ran(company)
    written(company, "accounts.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\nB,Beta,2024-01-01\n")
    rows, _ = ran(company)
    assert rows == rebuilt(company)
    assert len(rows) == 5


@pytest.mark.slow
def test_user_who_comes_in_later_or_changes_account_brings_the_events_of_all_months(company, monkeypatch):
    monkeypatch.setitem(SOURCES, "users", {"path": "users.csv"})
    header = "event_id,user_id,event_name,event_timestamp\n"
    written(company, "accounts.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\nB,Beta,2024-01-01\n")
    written(company, "events.csv", header + "1,U1,login,2024-09-30\n2,U2,login,2024-11-15\n3,U1,login,2025-01-30\n")
    written(company, "users.csv", "user_id,account_id\nU1,A\n")
    ran(company)
    written(company, "users.csv", "user_id,account_id\nU1,B\nU2,A\n")
    rows, months = ran(company)
    assert months == [date(2024, 9, 1), date(2024, 11, 1), JANUARY]
    assert sorted(row[:2] for row in rows) == [("1", "B"), ("2", "A"), ("3", "B")]
    assert rows == rebuilt(company)
    assert ran(company) == (rows, [JANUARY])


def test_spelling_that_changes_in_the_settings_is_read_anew(company, monkeypatch):
    ran(company)
    spelt = SOURCES["usage_events"] | {"values": {"event_name": {"login": "logged_in"}}}
    monkeypatch.setitem(SOURCES, "usage_events", spelt)
    rows, _ = ran(company)
    assert {row[3] for row in rows} == {"logged_in"}


def test_source_that_is_connected_no_longer_leaves_columns_and_no_row(company):
    written(company, "events_bad.csv", HEADER + "8,nobody,login,2024-10-01\n")
    ran(company)
    events = TABLES["staged_usage_events"]
    with Warehouse.opened(company / "warehouse.duckdb") as warehouse:
        left = "select (select count(*) from quarantine.usage_events), (select count(*) from quarantine.loads)"
        assert warehouse.connection.execute(left).fetchone() == (1, 5)
        warehouse.empty([events])
        assert warehouse.connection.execute(left).fetchone() == (0, 1)  # the load of the accounts
        assert warehouse.months_of(events.relation) == {}
        assert warehouse.read(events).collect().equals(events.contract.create_empty())


def test_helper_that_changed_in_the_code_makes_every_month_anew(company, monkeypatch):
    _, months = ran(company)
    monkeypatch.setattr("health_assets.assets.staged.usage_events.local_date", lambda moment, _: moment.dt.date())
    for known in (code_version.version_of, code_version._function):
        known.cache_clear()
    assert ran(company)[1] == months


def test_nothing_known_after_the_load_day_is_stale(company):
    with Warehouse.opened(company / "warehouse.duckdb") as warehouse:
        settings = settings_of(company, sources=SOURCES)
        assert stale_months(warehouse, TABLES["staged_usage_events"], LOAD_DAY, settings) == ([], {})


def test_catalogue_that_changed_puts_every_month_out_of_date(company):
    ran(company)
    users, features, settings = TABLES["fact_user_daily"], TABLES["staged_features"], settings_of(company)
    rows = [("Login", "login", "access", None)]
    with Warehouse.opened(company / "warehouse.duckdb") as warehouse:
        _, without = stale_months(warehouse, users, LOAD_DAY, settings)
        warehouse.write(features, pl.DataFrame(rows, schema=dtypes(features.contract), orient="row").lazy())
        _, marks = stale_months(warehouse, users, LOAD_DAY, settings)
    assert without.keys() == marks.keys()
    assert len(marks) == 5
    assert not set(without.values()) & set(marks.values())


# -- rows that change in place ----------------------------------------------------------------------------------------

BILL = {
    "invoice_id": "1",
    "account_id": "A",
    "invoice_date": date(2024, 11, 5),
    "invoice_month": NOVEMBER,
    "due_date": date(2024, 11, 20),
    "amount": 100.0,
    "currency": "USD",
    "status": "open",
    "is_paid": False,
}


@pytest.mark.parametrize(
    ("change", "months"),
    [
        ({}, set()),
        ({"amount": 90.0}, {NOVEMBER, DECEMBER, JANUARY}),
        ({"due_date": date(2024, 12, 20)}, {NOVEMBER, DECEMBER, JANUARY}),
        ({"paid_date": date(2025, 1, 3), "status": "paid", "is_paid": True}, {JANUARY}),
        ({"status": "overdue"}, set()),
    ],
    ids=["nothing", "amount", "date", "payment", "state"],
)
def test_row_that_changes_in_place_makes_the_months_since_then_stale(warehouse, tmp_path, change, months):
    def marks(bill: dict) -> dict[date, str]:
        kept = rows("staged_invoices", bill).collect()
        loads = pl.DataFrame(schema={"month": pl.Date, **dict.fromkeys(LOAD_COUNTS, pl.Int64)})
        warehouse.write(TABLES["staged_invoices"], FilteredRows(kept, pl.DataFrame(schema=QUARANTINE_SCHEMA), loads))
        return stale_months(warehouse, TABLES["fact_account_revenue_daily"], LOAD_DAY, settings_of(tmp_path))[1]

    before, after = marks(BILL), marks(BILL | change)
    assert {month for month, mark in after.items() if mark != before[month]} == months


TICKET = {
    "ticket_id": "T",
    "account_id": "A",
    "created_at": datetime(2024, 11, 28),
    "created_date": date(2024, 11, 28),
    "resolved_at": datetime(2024, 12, 2),
    "priority": "p2",
    "status": "resolved",
}
ANSWER = {"feedback_id": "F", "account_id": "A", "feedback_date": date(2024, 12, 10), "nps_score": 9.0}
INCIDENT = {
    "incident_id": "I",
    "account_id": "A",
    "detected_at": datetime(2024, 11, 30),
    "detected_date": date(2024, 11, 30),
    "contained_at": datetime(2024, 12, 1),
    "severity": "low",
}
DEVICE = {"device_id": "D", "account_id": "A", "status": "on"}
USER = {"user_id": "U", "account_id": "A", "created_at": datetime(2024, 12, 5), "created_date": date(2024, 12, 5)}
FEATURE = {"feature_name": "Login", "event_name": "login", "feature_category": "access"}
CUSTOMER = {"account_id": "A", "signup_date": date(2024, 11, 1), "status": "active"}
EVERY = {NOVEMBER, DECEMBER, JANUARY}


@pytest.mark.parametrize(
    ("source", "row", "change", "months"),
    [
        ("support_tickets", TICKET, {"priority": "p1"}, EVERY),
        ("support_tickets", TICKET, {"satisfaction_score": 1.0}, {DECEMBER, JANUARY}),  # from the resolution on
        ("support_tickets", TICKET | {"resolved_at": None}, {"satisfaction_score": 1.0}, EVERY),
        ("support_tickets", TICKET, {"status": "closed", "is_escalated": True}, set()),
        ("feedback", ANSWER, {"nps_score": 1.0}, {DECEMBER, JANUARY}),
        ("feedback", ANSWER, {"likelihood_to_renew": "low"}, {DECEMBER, JANUARY}),
        ("security_incidents", INCIDENT, {"severity": "critical"}, EVERY),
        ("security_incidents", INCIDENT, {"is_false_positive": True}, {DECEMBER, JANUARY}),
        ("devices", DEVICE, {"account_id": "B"}, EVERY),
        ("devices", DEVICE, {"status": "off"}, set()),
        ("users", USER, {"account_id": "B"}, {DECEMBER, JANUARY}),
        ("users", USER, {"is_active": False, "last_login_at": datetime(2025, 1, 2)}, set()),
        ("features", FEATURE, {"feature_category": "security"}, EVERY),
        ("accounts", CUSTOMER, {"company_name": "Acme", "plan_tier": "growth", "status": "suspended"}, set()),
        ("accounts", CUSTOMER, {"signup_date": date(2024, 12, 1)}, EVERY),
    ],
)
def test_value_that_is_corrected_counts_from_its_day_on_and_what_is_known_on_the_load_day_only_does_not(
    warehouse, tmp_path, source, row, change, months
):
    staged = TABLES[f"staged_{source}"]
    reader = next(
        table for table in TABLES.values() if table.monthly and {staged.name, "staged_accounts"} <= set(table.inputs)
    )
    others = {} if source == "accounts" else {"staged_accounts": CUSTOMER}

    def marks(row: dict) -> dict[date, str]:
        for name, one in (others | {staged.name: row}).items():
            loads = pl.DataFrame(schema={"month": pl.Date, **dict.fromkeys(LOAD_COUNTS, pl.Int64)})
            filtered = FilteredRows(rows(name, one).collect(), pl.DataFrame(schema=QUARANTINE_SCHEMA), loads)
            warehouse.write(TABLES[name], filtered)
        return stale_months(warehouse, reader, LOAD_DAY, settings_of(tmp_path))[1]

    before, after = marks(row), marks(row | change)
    assert {month for month in EVERY if after.get(month) != before.get(month)} == months


def test_items_made_ahead_come_in_their_order_up_to_the_one_that_fails() -> None:
    def items() -> Iterator[str]:
        yield from ("January", "February")
        raise ValueError("March cannot be made")

    used: list[str] = []
    with pytest.raises(ValueError, match="March"):
        used.extend(made_ahead(items()))
    assert used == ["January", "February"]
