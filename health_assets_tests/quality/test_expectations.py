"""Every kind of expectation: data that keeps it passes, data that breaks it fails, and a check that fails itself raises."""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import dataframely as dy
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.contracts.contract import Contract, Expectation
from health_assets.orchestration.asset_checks import checks_of
from health_assets.orchestration.assets import asset_of
from health_assets.orchestration.resources import resources
from health_assets.quality import expectations as expectations
from health_assets.sources.quarantine import LOAD_COUNTS, QUARANTINE_SCHEMA, FilteredRows
from health_assets.tables import TABLES, Identity
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY, settings_of, table_of, written

DAY = date(2025, 1, 1)


class Owners(Contract):
    """Whom does it belong to?"""

    owner = dy.String(primary_key=True)


class Judged(Contract):
    """One expectation of each kind; a grain over two columns."""

    key = dy.String(primary_key=True)
    day = dy.Date(primary_key=True, metadata={"available_from": True})
    name = dy.String()
    word = dy.Enum(["open", "closed"], nullable=True)
    amount = dy.Float64(nullable=True, min=0, max=100)
    due = dy.Date(nullable=True, min=date(2020, 1, 1))
    owner = dy.String(nullable=True, metadata={"references": "dim_owner.owner"})

    @dy.rule()
    def due__not_before_day(cls) -> pl.Expr:
        return pl.col("due") >= pl.col("day")


class Single(Contract):
    """A grain of one column, and no day."""

    key = dy.String(primary_key=True)


class Dated(Contract):
    """A grain of one column beside a day."""

    key = dy.String(primary_key=True)
    day = dy.Date(metadata={"available_from": True})


class Arrivals(Contract):
    """Staged rows: a day, and a value that may be unreadable."""

    key = dy.String(primary_key=True)
    day = dy.Date(metadata={"available_from": True})
    age = dy.Int64(nullable=True)


OWNERS = table_of(Owners, "dim_owner")
SOUND = [
    {"key": "a", "day": DAY, "name": "O'Neil", "word": "open", "amount": 0.0, "due": DAY, "owner": "x"},
    {
        "key": "a",
        "day": DAY + timedelta(1),
        "name": "<script>",
        "word": None,
        "amount": None,
        "due": None,
        "owner": None,
    },
]
PROMISES = {
    "grain__unique", "key__not_null", "day__not_null", "name__not_null", "word__accepted_values", "amount__between",
    "due__between", "owner__references_dim_owner", "due__not_before_day",
}  # fmt: skip
BROKEN = {
    "grain__unique": {},
    "key__not_null": {"key": None},
    "name__not_null": {"name": None},
    "word__accepted_values": {"word": "ajar"},
    "amount__between": {"amount": 100.5},
    "due__between": {"due": date(2019, 12, 31), "day": date(2019, 1, 1)},
    "due__not_before_day": {"due": DAY - timedelta(1)},
    "owner__references_dim_owner": {"owner": "nobody"},
}
ways = pytest.mark.parametrize("many", [False, True], ids=["row_by_row", "by_day"], indirect=True)


@pytest.fixture
def warehouse(tmp_path, monkeypatch):
    monkeypatch.setitem(TABLES, "dim_owner", OWNERS)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        opened.write(OWNERS, pl.LazyFrame({"owner": ["x"]}))
        yield opened


def stored(warehouse: Warehouse, contract: type[Contract], rows: list[dict], **options):
    """Rows put into the table past every gate, as a faulty writer would."""
    table = table_of(contract, options.pop("name", "fact_judged"), **options)
    warehouse.write(table, contract.create_empty(lazy=True))
    plain = {name: pl.String if isinstance(d, pl.Enum) else d for name, d in contract.create_empty().schema.items()}
    incoming = pl.DataFrame(rows, schema=plain)
    warehouse.connection.register("incoming", incoming)
    warehouse.connection.execute(f"insert into {table.relation} by name from incoming")
    warehouse.connection.unregister("incoming")
    return table


def results(warehouse: Warehouse, table, folder: Path, as_of: date = LOAD_DAY, **given) -> dict[str, bool]:
    evaluated = expectations.evaluated(table, warehouse, as_of, settings_of(folder, **given))
    return {expectation.name: passed for expectation, passed, _ in evaluated}


def failed(warehouse: Warehouse, table, folder: Path, **given) -> set[str]:
    return {name for name, passed in results(warehouse, table, folder, **given).items() if not passed}


@pytest.fixture
def many(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(expectations, "ROWS_EVALUATED_WHOLE", 0)
    return request.param


@ways
def test_data_that_keep_every_promise_pass_every_check(warehouse, tmp_path, many):
    table = stored(warehouse, Judged, SOUND)
    assert results(warehouse, table, tmp_path) == dict.fromkeys(PROMISES, True)


@ways
@pytest.mark.parametrize("expectation", BROKEN)
def test_data_that_break_a_promise_fail_its_check_alone(warehouse, tmp_path, many, expectation):
    rows = [*SOUND, SOUND[0] | ({} if expectation == "grain__unique" else {"key": "c"}) | BROKEN[expectation]]
    table = stored(warehouse, Judged, rows)
    assert failed(warehouse, table, tmp_path) == {expectation}


def test_key_that_is_not_known_yet_is_looked_up_from_the_day_of_its_row_on(warehouse, tmp_path):
    later = LOAD_DAY + timedelta(1)
    table = stored(warehouse, Judged, [*SOUND, SOUND[0] | {"day": later, "due": later, "owner": "who signs up later"}])
    expectation = "owner__references_dim_owner"
    assert [results(warehouse, table, tmp_path, as_of=day)[expectation] for day in (LOAD_DAY, later)] == [True, False]


@ways
@pytest.mark.parametrize("contract", [Single, Dated])
def test_key_of_one_column_that_comes_twice_fails(warehouse, tmp_path, many, contract):
    days = [DAY, DAY + timedelta(1)]
    rows = [{"key": "a", "day": day} if contract is Dated else {"key": "a"} for day in days]
    assert failed(warehouse, stored(warehouse, contract, rows), tmp_path) == {"grain__unique"}
    assert not failed(warehouse, stored(warehouse, contract, rows[:1]), tmp_path)


def test_broken_rows_are_counted_and_shown(warehouse, tmp_path):
    table = stored(warehouse, Judged, [*SOUND, SOUND[0] | {"key": "c", "amount": -7.0}])
    evidence = {
        p.name: found for p, _, found in expectations.evaluated(table, warehouse, LOAD_DAY, settings_of(tmp_path))
    }
    assert evidence["amount__between"] == {"broken": 1, "rows": 3, "sample": "-7.0"}
    assert evidence["name__not_null"] == {}


def test_table_without_rows_passes(warehouse, tmp_path):
    assert not failed(warehouse, stored(warehouse, Judged, []), tmp_path)


@pytest.mark.parametrize(("offending", "passes"), [("a", False), ("z", True)])
def test_identity_fails_with_rows_that_it_returns(warehouse, tmp_path, monkeypatch, offending, passes):
    def none_is_offending(fact_judged: pl.LazyFrame) -> pl.LazyFrame:
        return fact_judged.filter(pl.col("key") == offending)

    found = [Identity(Expectation("none_is_offending", "rule", ()), none_is_offending)]
    table = stored(warehouse, Judged, SOUND, identities=found)
    monkeypatch.setitem(TABLES, "fact_judged", table)
    assert results(warehouse, table, tmp_path)["none_is_offending"] is passes


# -- the load ---------------------------------------------------------------------------------------------------------


def loaded(warehouse: Warehouse, days: list[date], **counts: int):
    """A staged table with a row on each of the days, and what its load says."""
    table = table_of(Arrivals, "staged_arrivals", layer="staged")
    kept = pl.DataFrame({"key": [str(n) for n in range(len(days))], "day": days, "age": [1] * len(days)})
    said = dict.fromkeys(LOAD_COUNTS, 0) | {"rows_read": len(days), "rows_kept": len(days)} | counts
    loads = pl.DataFrame({"month": [None]} | {name: [n] for name, n in said.items()}).with_columns(
        pl.col("month").cast(pl.Date)
    )
    warehouse.write(table, FilteredRows(kept, pl.DataFrame(schema=QUARANTINE_SCHEMA), loads))
    return table


def test_load_that_adds_up_passes(warehouse, tmp_path):
    assert not failed(warehouse, loaded(warehouse, [LOAD_DAY]), tmp_path)


@pytest.mark.parametrize(
    ("counts", "broken"),
    [
        ({"rows_read": 2}, {"rows__reconcile"}),
        ({"rows_read": 2, "rows_kept": 2}, {"rows__reconcile"}),
        ({"rows_read": 2, "duplicates_collapsed": 1}, set()),
        ({"rows_read": 2, "rows_quarantined": 1}, {"rows__none_quarantined"}),
        ({"values_blanked": 1}, {"values__readable"}),
    ],
)
def test_load_is_evaluated_by_its_counts(warehouse, tmp_path, counts, broken):
    assert failed(warehouse, loaded(warehouse, [LOAD_DAY], **counts), tmp_path) == broken


def test_values_that_became_null_are_named_with_column_word_count_and_samples(warehouse, tmp_path):
    table = loaded(warehouse, [LOAD_DAY], values_blanked=2)
    with warehouse.transaction() as cursor:
        cursor.execute(
            "insert into quarantine.unreadable_values by name select 'staged.arrivals' as relation, 'age' as column_name, "
            "'old' as word, 2 as row_count, ['a.csv row 1', 'a.csv row 2'] as samples"
        )
    company = settings_of(tmp_path)
    evidence = {p.name: said for p, _, said in expectations.evaluated(table, warehouse, LOAD_DAY, company)}
    assert evidence["values__readable"] == {"found": "age 'old' in 2 rows (a.csv row 1, a.csv row 2)"}


def test_a_count_is_said_in_words(warehouse, tmp_path):
    table = loaded(warehouse, [LOAD_DAY], rows_read=2, rows_quarantined=1)
    evidence = {
        p.name: said for p, _, said in expectations.evaluated(table, warehouse, LOAD_DAY, settings_of(tmp_path))
    }
    assert evidence["rows__none_quarantined"]["found"] == "1 row quarantined (expected none)"


@pytest.mark.parametrize(("age", "broken"), [(3, set()), (4, {"rows__fresh"})])
def test_source_is_stale_beyond_its_limit(warehouse, tmp_path, age, broken):
    company = settings_of(tmp_path).model_copy(update={"stale_after_days": {"arrivals": 3}})
    table = loaded(warehouse, [LOAD_DAY - timedelta(age)])
    found = {p.name for p, passed, _ in expectations.evaluated(table, warehouse, LOAD_DAY, company) if not passed}
    assert found == broken


@pytest.mark.parametrize(("today", "broken"), [(10, set()), (1, {"rows__volume"}), (0, {"rows__volume"})])
def test_volume_is_low_against_the_same_weekday_of_the_weeks_before(warehouse, tmp_path, today, broken):
    weeks = settings_of(tmp_path).plausibility.volume_weeks
    before = [LOAD_DAY - timedelta(7 * week) for week in range(1, weeks + 1) for _ in range(10)]
    table = loaded(warehouse, [*before, *[LOAD_DAY] * today])
    assert failed(warehouse, table, tmp_path) - {"rows__fresh"} == broken


# -- checks that fail themselves --------------------------------------------------------------------------------------


def test_check_that_cannot_be_evaluated_raises(warehouse, tmp_path):
    rows = pl.DataFrame({"amount": [1.0]})
    expectation = Expectation("other__not_null", "not_null", ("other",))
    with pytest.raises(RuntimeError, match="check other__not_null could not be evaluated"):
        list(expectations._submitted(rows, [expectation], tallied=False).results())


def test_rows_outside_the_history_are_counted_and_warned_of(tmp_path):
    header = "event_id,account_id,event_name,event_timestamp\n"
    days = ["2024-08-31", "2024-09-01", "2025-01-17", "2025-01-18", "2025-02-01", "no day"]
    written(tmp_path, "accounts.csv", "account_id,company_name,signup_date\nA,Acme,2024-01-01\n")
    written(tmp_path, "events.csv", header + "".join(f"{n},A,login,{day}\n" for n, day in enumerate(days)))
    company = settings_of(
        tmp_path,
        as_of=date(2025, 1, 17),
        sources={"accounts": {"path": "accounts.csv"}, "usage_events": {"path": "events.csv"}},
    )
    names = ("raw_accounts", "raw_usage_events", "staged_accounts", "staged_usage_events")
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize(
            [asset_of(load_all()[name], company) for name in names],
            resources=resources(company),
            partition_key="2025-01-01",
            instance=instance,
        )
    with Warehouse.opened(company.warehouse) as warehouse:
        said = {
            expectation.name: (passed, evidence)
            for expectation, passed, evidence in expectations.evaluated(
                TABLES["staged_usage_events"], warehouse, date(2025, 1, 17), company
            )
        }
    assert said["rows__within_history"] == (
        False,
        {"broken": 3, "rows": 5, "found": "3 rows dated before history_start or after the as-of day (ignored)"},
    )


def test_check_of_a_reference_waits_for_the_table_that_it_refers_to(tmp_path):
    made = checks_of(load_all()["fact_revenue_monthly"], settings_of(tmp_path))
    deps = {spec.name: {dep.asset_key.path[-1] for dep in spec.additional_deps} for spec in made.check_specs}
    assert "dim_account" in deps["account_id__references_dim_account"]
    assert "dim_account" not in deps["grain__unique"]
