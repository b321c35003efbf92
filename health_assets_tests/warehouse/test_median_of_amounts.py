"""The median of the amounts of a load, exact for few rows and read off a histogram for many."""

import duckdb
import pytest

from health_assets.warehouse import published_load
from health_assets_tests.frames import table_of

TABLE = table_of()


@pytest.fixture
def cursor():
    with duckdb.connect() as connection:
        connection.execute(f"create schema {TABLE.schema}")
        connection.execute(f"create table {TABLE.relation} as select unnest([2.0, -3.0, 0.0, 250.0, null]) as value")
        yield connection


def median(cursor, inside: str = "true") -> float:
    measure = published_load.median_of(cursor, TABLE, "value", inside)
    return cursor.execute(f"select {measure} from {TABLE.relation} limit 1").fetchall()[0][0]


def test_the_median_is_that_of_the_amounts_that_are_not_zero_without_sign(cursor):
    assert median(cursor) == 3.0
    assert median(cursor, "value > 2") == 250.0


def test_the_median_of_many_rows_is_at_most_half_a_percent_off(cursor, monkeypatch):
    monkeypatch.setattr(published_load, "MOST_KEYS", 1)
    assert median(cursor) == pytest.approx(3.0, rel=0.005)
    assert median(cursor, "value > 2") == pytest.approx(250.0, rel=0.005)
    assert median(cursor, "value > 999") is None
