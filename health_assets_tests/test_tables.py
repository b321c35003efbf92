"""Which tables a company's sources reach: the others are not made, so they must be empty whatever is connected."""

import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.demo import PROFILES
from health_assets.tables import reached
from health_assets_tests.every_table import evaluated
from health_assets_tests.test_nothing_later_counts import LOADED, SETTINGS, staged_company

MADE: dict[tuple[str, frozenset[str]], pl.DataFrame] = {}
SOURCES = sorted(set().union(*PROFILES.values()))


@pytest.mark.parametrize(
    "connected", [*PROFILES.values(), *(("accounts", source) for source in SOURCES)], ids=[*PROFILES, *SOURCES]
)
def test_table_that_no_connected_source_reaches_can_only_be_empty(connected: tuple[str, ...]) -> None:
    company = staged_company(1)
    given = {name: company[name] for name in company if name.removeprefix("staged_") in connected}
    used = {table.name for table in reached(connected)}
    unused = [name for name, table in load_all().items() if table.layer in ("fact", "mart") and name not in used]
    made = evaluated(given, SETTINGS, LOADED, unused, before=MADE)
    assert {name for name, rows in made.items() if not rows.is_empty()} == set()


def test_everything_is_reached_when_everything_is_connected_and_inputs_come_first() -> None:
    tables = load_all()
    order = [table.name for table in reached([name.removeprefix("raw_") for name in tables])]
    assert sorted(order) == sorted(tables)
    assert all(order.index(given) < order.index(name) for name in order for given in tables[name].inputs)


def test_tables_are_fed_by_inputs_of_theirs() -> None:
    assert {name for name, table in load_all().items() if not set(table.fed_by) <= set(table.inputs)} == set()


def test_what_a_source_without_rows_would_leave_empty_is_not_made() -> None:
    core = {table.name for table in reached(PROFILES["core"])}
    assert core.isdisjoint({"fact_account_device_daily", "fact_account_satisfaction_daily", "mart_satisfaction"})
    assert "mart_device_health" in {
        table.name for table in reached(["accounts", "devices"])
    }  # devices without a reading
