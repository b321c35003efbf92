"""What is older than the settings keep goes, and no published figure changes by it."""

import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
import yaml

from health_assets.alerts.history_file import COLUMNS, write_history
from health_assets.assets import load_all
from health_assets.assets.fact.account_usage_daily import REFERENCE_WINDOW
from health_assets.assets.fact.usage_daily import event_count__sums_to_all_events
from health_assets.assets.mart.engagement.account_feature_adoption import LOOK_BACK, WINDOW
from health_assets.demo import write_company
from health_assets.settings.sections import Maintenance
from health_assets.warehouse.retention import RAW_MONTHS_READ
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.conftest import said_by

END = date(2025, 1, 17)
READERS = {  # tables that read usage events one by one -> days before their own that they read
    "fact_user_daily": 1,
    "fact_usage_daily": 0,
    "fact_event_daily": 0,
    "fact_account_feature_monthly": 0,
    "fact_account_usage_daily": REFERENCE_WINDOW,
    "fact_user_engagement": 31,
    "mart_account_feature_adoption": LOOK_BACK + WINDOW,
}


def test_raw_months_that_are_kept_hold_every_day_that_a_table_reads() -> None:
    """A further reader of the events has to be added here with what it reads."""
    readers = {name for name, table in load_all().items() if "staged_usage_events" in table.inputs}
    fewest = Maintenance.model_fields["keep_raw_months"].annotation.__args__[0].__metadata__[0].metadata[0].ge
    assert readers == READERS.keys()
    assert max(READERS[name] for name in readers if load_all()[name].monthly) <= RAW_MONTHS_READ * 28
    assert max(READERS.values()) + RAW_MONTHS_READ <= fewest * 28


def test_events_of_deleted_months_are_not_compared_with_their_facts() -> None:
    december, january = date(2024, 12, 31), date(2025, 1, 1)
    facts = pl.LazyFrame({"activity_date": [december, january], "event_count": [5, 3]})
    events = pl.LazyFrame({"event_date": [january], "event_count": [3]})
    assert event_count__sums_to_all_events(facts, events).collect().is_empty()
    assert event_count__sums_to_all_events(facts, events.with_columns(event_count=4)).collect().height == 1


def run(folder: Path, day: date, **chosen: object) -> None:
    file = folder / "settings.yml"
    os.environ["DAGSTER_HOME"] = str(folder / "dagster")
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | chosen), encoding="utf-8")
    said = said_by("run", "--settings", str(file), "--as-of", str(day))
    assert said.exit_code == 0, said.output
    assert "failed" not in said.output.replace("0 failed", ""), said.output


def differences(one: Path, two: Path) -> set[str]:
    """The published tables that are not the same."""
    found = set()
    with duckdb.connect(str(one / "published.duckdb"), read_only=True) as snapshot:
        snapshot.execute(f"attach '{two / 'published.duckdb'}' as other (read_only)")
        for table in load_all().values():
            if table.layer in ("fact", "mart"):
                a, b = (f"select * from {place}{table.relation}" for place in ("published.", "other."))
                if snapshot.execute(
                    f"select count(*) from (({a} except all {b}) union all ({b} except all {a}))"
                ).fetchone() != (0,):
                    found.add(table.relation)
    return found


def held_months(folder: Path) -> list[str]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        rows = warehouse.execute("select distinct strftime(event_date, '%Y-%m') from staged.usage_events order by 1")
        return [month for (month,) in rows.fetchall()]


@pytest.mark.slow
def test_deleting_raw_months_changes_no_published_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    whole, short = tmp_path / "whole", tmp_path / "short"
    for folder in (whole, short):
        write_company(folder, accounts=5, months=9, end=END, seed=7, profile="core")
    kept = {"maintenance": {"keep_raw_months": 6, "keep_quarantine_months": 6, "keep_snapshots": 1}}
    seven = ["2024-07", "2024-08", "2024-09", "2024-10", "2024-11", "2024-12", "2025-01"]

    run(short, END - timedelta(days=1), **kept)
    assert held_months(short) == seven
    later = {"engagement": {"power_day": {"events": 3, "features": 1}}}  # facts of all months are made anew
    run(short, END, **kept, **later)
    assert held_months(short) == seven
    assert len(list((short / "published.snapshots").iterdir())) == 1
    run(short, END, **kept, **later)

    run(whole, END, **later)
    assert "2024-05" in held_months(whole)
    assert differences(whole, short) == set()


@pytest.mark.slow
def test_months_whose_files_are_gone_too_keep_their_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    write_company(tmp_path, accounts=4, months=9, end=END, seed=7, profile="core")
    kept = {"maintenance": {"keep_raw_months": 6}}
    run(tmp_path, END, **kept)
    query = "select * from fact.usage_daily where activity_date < '2024-07-01' order by all"
    with duckdb.connect(str(tmp_path / "published.duckdb"), read_only=True) as snapshot:
        before = snapshot.execute(query).fetchall()
    for file in (tmp_path / "usage_events").glob("*2024-0[56]*"):
        file.unlink()
    run(tmp_path, END, **kept, engagement={"power_day": {"events": 3, "features": 1}})
    with duckdb.connect(str(tmp_path / "published.duckdb"), read_only=True) as snapshot:
        assert snapshot.execute(query).fetchall() == before
    assert before


def test_month_that_is_written_again_is_not_recorded_as_deleted(tmp_path: Path) -> None:
    from health_assets_tests.frames import table_of, toys

    month, monthly = date(2024, 1, 1), table_of(name="staged_toy_daily", layer="staged", monthly=True)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as warehouse:
        warehouse.connection.execute(f"insert into internal.deleted_months values ('{monthly.relation}', '2024-01-01')")
        warehouse.write_months(monthly, [month], toys(("a", month, 1.0)), {month: "first"})
        assert warehouse.connection.execute("from internal.deleted_months").fetchall() == []


def test_alerts_older_than_the_settings_keep_leave_the_history(tmp_path: Path) -> None:
    file = tmp_path / "alert_history.csv"
    header = ",".join(COLUMNS)
    lines = [f"{key},A,{day}" + "," * (len(COLUMNS) - 3) for key, day in (("old", "2024-01-01"), ("new", "2025-01-01"))]
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    write_history([], file)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3
    write_history([], file, since=date(2024, 6, 1))
    assert [line.split(",")[0] for line in file.read_text(encoding="utf-8").splitlines()] == ["alert_id", "new"]
