"""Amounts in another unit and sources that collapse stop a run; what may be chance, or is only late, does not."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from health_assets.contracts.contract import ERROR, Contract
from health_assets.quality.anomalies import anomaly_expectations, find_anomalies
from health_assets.settings import Settings
from health_assets.tables import TABLES
from health_assets.warehouse.published_load import held_tables, write_loads
from health_assets.warehouse.storage import Warehouse
from health_assets_tests.frames import LOAD_DAY, settings_of, table_of


class Bills(Contract):
    """What was billed?"""

    key = dy.Int64(primary_key=True)
    day = dy.Date(metadata={"available_from": True})
    amount = dy.Float64(nullable=True)


BILLS = table_of(Bills, "staged_bills", layer="staged")


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    monkeypatch.setitem(TABLES, BILLS.name, BILLS)
    with Warehouse.opened(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def accept(warehouse: Warehouse, as_of: date) -> None:
    """As when the load is published."""
    cursor = warehouse.cursor()
    write_loads(cursor, held_tables(cursor), as_of)


def seen(warehouse: Warehouse, company: Settings, rows: list[tuple[date, float | None]]) -> dict[str, str]:
    billed = [(number, *row) for number, row in enumerate(rows)]
    shape = {"key": pl.Int64, "day": pl.Date, "amount": pl.Float64}
    warehouse.write(BILLS, pl.LazyFrame(billed, schema=shape, orient="row"))
    return find_anomalies(BILLS, warehouse, LOAD_DAY, company)


def broken(warehouse: Warehouse, company: Settings, rows: list[tuple[date, float | None]]) -> set[str]:
    return set(seen(warehouse, company, rows))


def on_days(rows_a_day: int, amount: float, last_day_rows: int | None = None) -> list[tuple[date, float]]:
    """Nine weeks of bills, up to the load day."""
    counts = {LOAD_DAY - timedelta(days=age): rows_a_day for age in range(63)}
    counts[LOAD_DAY] = rows_a_day if last_day_rows is None else last_day_rows
    return [(day, amount) for day, count in counts.items() for _ in range(count)]


def test_they_block_while_smaller_oddities_only_warn() -> None:
    severities = {expectation.name: expectation.severity for expectation in anomaly_expectations(BILLS)}
    blocking = {name for name, severity in severities.items() if severity == ERROR}
    assert blocking == {"rows__not_collapsed", "amount__same_unit"}


def test_cents_for_euros_in_the_whole_source_are_seen_against_the_last_snapshot(warehouse, company) -> None:
    assert broken(warehouse, company, on_days(1, 50.0)) == set()
    accept(warehouse, LOAD_DAY)
    for factor, expected in {100: {"amount__same_unit"}, 0.01: {"amount__same_unit"}, 3: set()}.items():
        assert broken(warehouse, company, on_days(1, 50.0 * factor)) == expected
    # what was not published is no measure for the next run
    assert broken(warehouse, company, on_days(1, 5000.0)) == {"amount__same_unit"}


def test_cents_for_euros_in_new_rows_only_are_seen_against_the_weeks_before(warehouse, company) -> None:
    in_cents = [(day, 5000.0 if (LOAD_DAY - day).days < 7 else 50.0) for day, _ in on_days(4, 50.0)]
    assert broken(warehouse, company, in_cents) == {"amount__same_unit"}


def test_cents_for_euros_are_seen_on_the_first_day_that_has_them(warehouse, company) -> None:
    assert broken(warehouse, company, on_days(30, 50.0, 0)) == {"rows__volume"}
    accept(warehouse, LOAD_DAY - timedelta(days=1))
    in_cents = [(day, 5000.0 if day == LOAD_DAY else 50.0) for day, _ in on_days(30, 50.0)]
    assert broken(warehouse, company, in_cents) == {"amount__same_unit"}


def test_few_amounts_zeros_and_nulls_prove_nothing(warehouse, company) -> None:
    assert broken(warehouse, company, [(LOAD_DAY, 1.0)] * 5 + [(LOAD_DAY, 0.0), (LOAD_DAY, None)] * 50) == set()
    accept(warehouse, LOAD_DAY)
    assert broken(warehouse, company, [(LOAD_DAY, 100.0)] * 5 + [(LOAD_DAY, 0.0), (LOAD_DAY, None)] * 50) == set()


@pytest.mark.parametrize(
    ("rows_a_day", "last_day", "expected"),
    [
        (40, 40, set()),
        (40, 15, {"rows__volume"}),
        (40, 4, {"rows__volume", "rows__not_collapsed"}),  # a drop of 90%
        (40, 0, {"rows__volume"}),  # late
        (10, 1, {"rows__volume"}),  # may be chance
        (9, 1, set()),  # fewer than min_events
    ],
)
def test_a_last_day_that_collapsed_stops_and_one_that_is_late_or_low_warns(
    warehouse, company, rows_a_day, last_day, expected
) -> None:
    assert broken(warehouse, company, on_days(rows_a_day, 50.0, last_day)) == expected


def test_a_source_that_lost_nine_rows_of_ten_since_the_last_snapshot_stops(warehouse, company) -> None:
    everything = on_days(2, 50.0)
    assert broken(warehouse, company, everything) == set()
    accept(warehouse, LOAD_DAY)
    assert broken(warehouse, company, everything[: len(everything) // 10]) >= {"rows__not_collapsed"}
    assert broken(warehouse, company, everything[: len(everything) // 2]) == {"rows__not_fewer"}
    assert broken(warehouse, company, everything[: len(everything) * 19 // 20]) == set()


def test_findings_are_shown_with_what_they_were_compared_with(warehouse, company) -> None:
    assert seen(warehouse, company, on_days(30, 50.0, 3)) == {
        "rows__volume": "3 rows on Friday, 2025-01-31; usually 30",
        "rows__not_collapsed": "3 rows on Friday, 2025-01-31; usually 30",
    }
    accept(warehouse, LOAD_DAY)
    company = company.model_copy(update={"stale_after_days": {"bills": 7}})
    assert seen(warehouse, company, [(LOAD_DAY - timedelta(days=200), 5000.0)] * 30) == {
        "rows__fresh": "the last row is dated 2024-07-15, 200 days ago",
        "rows__not_collapsed": "30 rows; the last published load had 1,863",
        "rows__not_fewer": "30 rows; the last published load had 1,863",
        "amount__same_unit": "the median is 5,000.00; it was 50.00 in the last published load",
    }
