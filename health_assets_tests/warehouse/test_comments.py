"""Whoever opens the snapshot in another tool reads there what each table and column means."""

import duckdb
import pytest

from health_assets.warehouse.comments import ALWAYS_NULL, add_comments
from health_assets.warehouse.snapshot import snapshot

DESCRIBED = ("dim", "fact", "mart")


@pytest.fixture(scope="module")
def published(whole_company) -> duckdb.DuckDBPyConnection:
    with snapshot(whole_company.settings.published) as connection:
        yield connection


def test_every_table_view_and_column_has_a_comment(published) -> None:
    for kind, name in (("tables", "table_name"), ("views", "view_name"), ("columns", "table_name || column_name")):
        found = f"from duckdb_{kind}() where not internal"
        assert published.sql(f"select count(*) > 0 {found}").fetchone() == (True,)
        assert published.sql(f"select schema_name, {name} {found} and coalesce(comment, '') = ''").fetchall() == []


def test_comment_of_a_column_is_the_description_of_its_contract(published) -> None:
    comment = (
        "select comment from duckdb_columns() where table_name = 'customer_health' and column_name = 'days_in_band'"
    )
    assert published.sql(comment).fetchone()[0].startswith("Days in a row up to the as-of day in this band")


def test_columns_without_any_value_say_so_and_no_others(published) -> None:
    columns = published.sql(
        "select schema_name, table_name, column_name, comment from duckdb_columns() where not internal"
    ).fetchall()
    counted = {"said": 0, "filled": 0}
    for schema, table, column, comment in columns:
        if schema in DESCRIBED:
            rows, values = published.sql(f'select count(*), count("{column}") from {schema}."{table}"').fetchone()
            assert (rows > 0 and values == 0) == (ALWAYS_NULL in comment), f"{schema}.{table}.{column}"
            counted["said" if ALWAYS_NULL in comment else "filled"] += 1
    assert min(counted.values()) > 3


def test_catalog_is_called_published_in_every_snapshot(published) -> None:
    assert published.sql("select current_database()").fetchone() == ("published",)


def test_comment_that_is_out_of_date_is_replaced() -> None:
    with duckdb.connect() as copied:
        copied.execute("create table about (company varchar, run_id varchar)")
        copied.execute("comment on table about is 'Old'; comment on column about.run_id is 'Old'")
        for _ in range(2):  # the second time all are right already
            add_comments(copied)
            assert copied.sql("select column_name, comment from duckdb_columns() where not internal").fetchall() == [
                ("company", "Name of the company"),
                ("run_id", "Run that published the snapshot"),
            ]
            assert (
                copied.sql("select comment from duckdb_tables()").fetchone()[0].startswith("The company, the as-of day")
            )
