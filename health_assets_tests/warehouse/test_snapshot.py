"""The snapshot: readers keep what they read, and nothing half-made or faulty is published."""

import os
import subprocess
import sys
from datetime import date, timedelta

import dagster as dg
import dataframely as dy
import polars as pl
import pytest

from health_assets.contracts.contract import WARN, Contract
from health_assets.orchestration.asset_checks import checks_of
from health_assets.orchestration.assets import asset_of
from health_assets.orchestration.publishing import published_asset
from health_assets.orchestration.resources import resources
from health_assets.quality.compared_load import Load
from health_assets.tables import TABLES
from health_assets.warehouse import snapshot as publishing
from health_assets.warehouse.snapshot import KEPT, SnapshotError, publish, snapshot
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY, settings_of, table_of, toys

pytestmark = pytest.mark.slow

TOY = table_of()


@pytest.fixture
def link(tmp_path):
    return tmp_path / "published.duckdb"


@pytest.fixture
def warehouse(tmp_path):
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def published(warehouse: Warehouse, link, amount: float, run: str = "run") -> dict[str, int]:
    warehouse.write(TOY, toys(("a", LOAD_DAY, amount)))
    return publish(warehouse, link, run, LOAD_DAY, "O'Neil; Söhne")


def amount(link) -> float:
    with snapshot(link) as reader:
        return reader.execute("select amount from fact.toy").fetchone()[0]


def test_snapshot_says_whose_and_of_which_day_it_is(warehouse, link):
    assert published(warehouse, link, 1.0)["fact.toy"] == 1
    with snapshot(link) as reader:
        assert reader.execute("select company, as_of_date from about").fetchone() == ("O'Neil; Söhne", LOAD_DAY)


def test_raw_and_staged_rows_are_not_published(warehouse, link):
    published(warehouse, link, 1.0)
    with snapshot(link) as reader:
        schemas = {row[0] for row in reader.execute("select schema_name from duckdb_tables()").fetchall()}
    assert schemas <= {"dim", "fact", "mart", "quarantine", "history", "loads", "main"}


def test_months_that_a_later_run_wrote_are_not_in_the_snapshot_of_an_earlier_day(warehouse, link, monkeypatch):
    by_day = table_of(name="fact_toy_daily", monthly=True)
    monkeypatch.setitem(TABLES, by_day.name, by_day)
    days = [LOAD_DAY - timedelta(1), LOAD_DAY, LOAD_DAY + timedelta(1)]
    months = {day.replace(day=1): "mark" for day in days}
    warehouse.write_months(by_day, list(months), toys(*(("a", day, 1.0) for day in days)), months)
    assert published(warehouse, link, 1.0)["fact.toy_daily"] == 2
    with snapshot(link) as reader:
        assert reader.execute("select max(day) from fact.toy_daily").fetchone() == (LOAD_DAY,)


def test_reader_that_holds_a_snapshot_keeps_it_while_others_are_published(warehouse, link):
    published(warehouse, link, 1.0)
    with snapshot(link) as reader:
        for n in range(KEPT + 2):
            published(warehouse, link, 2.0 + n)
        assert reader.execute("select amount from fact.toy").fetchall() == [(1.0,)]
    assert amount(link) == 2.0 + KEPT + 1


def test_snapshot_opens_the_file_behind_the_link(warehouse, link):
    published(warehouse, link, 1.0)
    with snapshot(link) as reader:
        opened = reader.execute("select path from duckdb_databases() where not internal").fetchone()[0]
    assert opened == os.path.realpath(link) != str(link)


def test_snapshot_is_read_only(warehouse, link):
    published(warehouse, link, 1.0)
    with snapshot(link) as reader, pytest.raises(Exception, match="read-only"):
        reader.execute("delete from fact.toy")


def test_only_the_newest_snapshots_are_kept(warehouse, link):
    for n in range(KEPT + 3):
        published(warehouse, link, float(n))
    files = list((link.parent / "published.snapshots").iterdir())
    assert len(files) == KEPT
    assert link.resolve() == max(files) / link.name


def test_snapshots_are_ordered_by_number_whatever_clock_named_the_older_ones(warehouse, link):
    folder = link.parent / "published.snapshots"
    folder.mkdir()
    older = [folder / f"20991231T23{minute}00000000-run.duckdb" for minute in range(10, 10 + KEPT)]
    for file in older:
        file.touch()
    published(warehouse, link, 1.0)
    assert link.resolve().parent == folder / "20991232-run"
    assert amount(link) == 1.0
    assert sorted(folder.iterdir()) == [*older[1:], link.resolve().parent]


def test_snapshot_that_readers_are_pointed_to_is_never_deleted(warehouse, link):
    published(warehouse, link, 1.0)
    target = link.resolve().parent
    for number in range(1, KEPT + 1):
        (target.parent / f"{100 + number}-later").mkdir()
    publishing._prune(target.parent, kept=target)
    assert amount(link) == 1.0


def test_database_is_named_after_the_link_whichever_snapshot_it_is(warehouse, link):
    published(warehouse, link, 1.0)
    with snapshot(link) as reader:
        assert reader.execute("select current_database()").fetchone() == ("published",)


def test_before_the_first_run_the_reader_is_shown_what_to_do(link):
    with pytest.raises(SnapshotError, match="health-assets run"), snapshot(link):
        pass


@pytest.mark.parametrize("at", ["_write", "_swap"])
def test_failure_before_the_swap_changes_nothing_for_readers(warehouse, link, monkeypatch, at):
    published(warehouse, link, 1.0)

    def fails(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, at, fails)
        with pytest.raises(OSError, match="disk full"):
            published(warehouse, link, 2.0)
    assert amount(link) == 1.0
    published(warehouse, link, 3.0)
    assert amount(link) == 3.0
    assert not list((link.parent / "published.snapshots").glob(".*"))


def test_what_a_failed_run_left_is_deleted_by_the_next_one(warehouse, link, monkeypatch):
    def fails(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, "_write", fails)
        with pytest.raises(OSError, match="disk full"):
            published(warehouse, link, 1.0, run="failed")
    assert [entry.name for entry in (link.parent / "published.snapshots").iterdir()] == [".failed"]
    published(warehouse, link, 2.0, run="next")
    assert [entry.name for entry in (link.parent / "published.snapshots").iterdir()] == ["000001-next"]


def test_link_is_replaced_in_one_step_so_that_it_is_never_missing(warehouse, link, monkeypatch):
    published(warehouse, link, 1.0)
    replace = os.replace

    def seen(source, target):
        if target == link:
            assert link.is_symlink()  # the old one, until this very step
            raise OSError("not replaced")
        replace(source, target)

    monkeypatch.setattr(publishing.os, "replace", seen)
    with pytest.raises(OSError, match="not replaced"):
        published(warehouse, link, 2.0)
    assert amount(link) == 1.0


def test_failure_after_the_swap_does_not_unpublish(warehouse, link, monkeypatch):
    def fails(*_, **__):
        raise OSError("disk full")

    published(warehouse, link, 1.0)
    monkeypatch.setattr(publishing, "adopt", fails)
    assert published(warehouse, link, 2.0, run="second")["fact.toy"] == 1
    assert (amount(link), publishing.published_run(link)) == (2.0, "second")


_KILLED_BEFORE_THE_SWAP = """
import os, signal, sys
from datetime import date
from pathlib import Path
from health_assets.warehouse import snapshot as publish
from health_assets.warehouse.storage import Warehouse
publish._swap = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with Warehouse.opened(Path(sys.argv[1])) as warehouse:
    warehouse.connection.execute("update fact.toy set amount = 2")
    publish.publish(warehouse, Path(sys.argv[2]), "killed", date(2025, 1, 31), "Test")
"""


@pytest.mark.slow
def test_process_killed_between_write_and_swap_changes_nothing_for_readers(tmp_path, link):
    file = tmp_path / "warehouse.duckdb"
    with Warehouse.opened(file) as warehouse:
        published(warehouse, link, 1.0)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_BEFORE_THE_SWAP, str(file), str(link)], timeout=60, check=False
    )
    assert killed.returncode == -9
    assert amount(link) == 1.0


# -- a run with a check that fails ------------------------------------------------------------------------------------


class Scored(Contract):
    """How high is it?"""

    key = dy.String(primary_key=True)
    day = dy.Date(metadata={"available_from": True})
    score = dy.Float64(nullable=True, max=100)


class Watched(Scored):
    """The same, where too high is worth a look only."""

    score = dy.Float64(nullable=True, max=100, metadata={"severity": WARN})


def ran(folder, monkeypatch, contract: type[Contract], score: float) -> dg.ExecuteInProcessResult:
    """A run of one table with its checks and the last step, over what was published before: nothing."""

    def mart_scored(as_of: date) -> pl.LazyFrame:
        return pl.LazyFrame({"key": ["a"], "day": [as_of], "score": [score]})

    table = table_of(contract, "mart_scored", layer="mart")
    table = type(table)(**{**vars(table), "function": mart_scored})
    company = settings_of(folder)
    for name in list(TABLES):
        monkeypatch.delitem(TABLES, name)
    monkeypatch.setitem(TABLES, "mart_scored", table)
    definitions = dg.Definitions(
        assets=[asset_of(table, company), published_asset(company)],
        asset_checks=[checks_of(table, company)],
        jobs=[dg.define_asset_job("all", dg.AssetSelection.all())],
        resources=resources(company),
        executor=dg.in_process_executor,
    )
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def("all").execute_in_process(instance=instance, raise_on_error=False)


@pytest.mark.parametrize(
    ("contract", "score", "is_published"),
    [(Scored, 100.0, True), (Scored, 101.0, False), (Watched, 101.0, True)],
    ids=["kept", "broken", "broken_but_only_a_warning"],
)
def test_nothing_is_published_when_a_blocking_check_fails(tmp_path, monkeypatch, link, contract, score, is_published):
    outcome = ran(tmp_path, monkeypatch, contract, score)
    failed = [check.check_name for check in outcome.get_asset_check_evaluations() if not check.passed]
    assert failed == ([] if score == 100 else ["score__between"])
    assert outcome.success is is_published
    assert link.exists() is is_published


def test_load_that_is_published_is_described_as_it_was_written_last(tmp_path, link, monkeypatch):
    staged = table_of(name="staged_toy", layer="staged")
    monkeypatch.setitem(TABLES, staged.name, staged)
    with Warehouse.opened(tmp_path / "described.duckdb") as warehouse:
        for keys in ("a", "abc"):
            warehouse.write(staged, toys(*((key, LOAD_DAY, 1.0) for key in keys)))
            load = Load(staged, warehouse.cursor(), warehouse, LOAD_DAY, settings_of(tmp_path))
            assert load.now["amount"]["total"] == len(keys)
        warehouse.write(staged, toys(*((key, LOAD_DAY, 2.0) for key in "ab")))
        publish(warehouse, link, "run", LOAD_DAY, "Test")
    with snapshot(link) as reader:
        assert reader.execute("select total from loads.columns where column_name = 'amount'").fetchall() == [(4.0,)]
