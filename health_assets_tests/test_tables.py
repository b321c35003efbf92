"""Which tables a company's sources reach: the others are not made, so they must be empty whatever is connected."""

import random

import pytest

from health_assets.demo import PROFILES
from health_assets.tables import load_all, reached
from health_assets_tests.every_table import evaluated, staged_tables
from health_assets_tests.test_nothing_later_counts import LOADED, SETTINGS, raw_company


@pytest.mark.parametrize("connected", [("accounts",), *PROFILES.values()], ids=["accounts", *PROFILES])
def test_table_that_no_connected_source_reaches_can_only_be_empty(connected: tuple[str, ...]) -> None:
    company = staged_tables(raw_company(random.Random(1)), SETTINGS)
    made = evaluated(
        {name: company[name] for name in company if name.removeprefix("staged_") in connected}, SETTINGS, LOADED
    )
    used = {table.name for table in reached(connected)}
    assert {name for name, rows in made.items() if name not in used and not rows.is_empty()} == set()


def test_everything_is_reached_when_everything_is_connected_and_inputs_come_first() -> None:
    tables = load_all()
    order = [table.name for table in reached([name.removeprefix("raw_") for name in tables])]
    assert sorted(order) == sorted(tables)
    assert all(order.index(given) < order.index(name) for name in order for given in tables[name].inputs)
