"""What holds of every preset: its SQL runs without any optional table and gives the columns of its source."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from health_assets.assets import load_all
from health_assets.contracts.contract import meta
from health_assets.sources import answers
from health_assets.sources.databases import over_files
from health_assets.sources.formats import SourceError
from health_assets.sources.presets.vendors import (
    FOLDER,
    macros_of,
    needed_by,
    read_by,
    sources_of,
    sql_of,
    tables_of,
    vendors,
)
from health_assets.sources.presets.views import READERS, Place, create_empty_view, create_view, key_of, places_of
from health_assets_tests.frames import settings_of
from health_assets_tests.sources.presets.exports import csv_export, of_preset, staged
from health_assets_tests.sources.presets.test_stripe import as_fivetran_loads

pytestmark = pytest.mark.slow

PRESETS = [(vendor, source) for vendor in vendors() for source in sources_of(vendor)]


@pytest.mark.parametrize(("vendor", "source"), PRESETS)
def test_sql_of_a_preset_gives_the_columns_of_its_source(vendor: str, source: str, tmp_path: Path) -> None:
    rows = load_all()[f"raw_{source}"].rows
    assert rows is not None
    sql = sql_of(vendor, source)
    with over_files(tmp_path, "UTC") as database:
        database.execute(READERS + macros_of(vendor))
        for table in read_by(vendor, sql):
            create_empty_view(database, table)
        given = [name for name, *_ in database.execute(f"describe {sql}").fetchall()]
    required = {name for name, column in rows.columns().items() if meta(column, "required")}
    alternatives = (
        {name for one in meta(rows.columns().get("mrr_amount"), "alternatives", ()) for name in one}
        if "mrr_amount" in required
        else set()
    )
    assert required - set(given) - ({"mrr_amount"} if alternatives & set(given) else set()) == set()
    assert needed_by(sql) <= set(tables_of(vendor))


def test_presets_are_documented() -> None:
    page = (FOLDER.parents[2] / "docs" / "connect.md").read_text(encoding="utf-8")
    for vendor, source in PRESETS:
        (line,) = (line for line in page.splitlines() if line.startswith(f"| `{vendor}` |"))
        assert f"`{source}`" in line, (vendor, source)


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database into which the tables were loaded, in a schema of their own next to another."""
    as_fivetran_loads(tmp_path / "export")
    file = tmp_path / "landed.duckdb"
    with duckdb.connect(str(file)) as database:
        database.execute("create schema stripe; create schema other; create table other.subscription_item (id int)")
        for table in (tmp_path / "export").glob("*.csv"):
            database.execute(f"create table stripe.{table.stem} as from read_csv('{table}')")
    monkeypatch.setenv("WAREHOUSE_URL", f"duckdb:///{file}")
    return file


def test_tables_in_a_database_give_the_same_as_files(tmp_path: Path, warehouse: Path) -> None:
    sources = "accounts", "subscriptions", "invoices"
    described = {"preset": "stripe", "connection": "env:WAREHOUSE_URL", "database_schema": "stripe", "path": []}
    landed = of_preset(tmp_path, "stripe", *sources, fx_rates={"JPY": 0.01}, **dict.fromkeys(sources, described))
    names = "staged_subscriptions", "staged_invoices"
    found = [staged(name, landed) for name in names]
    files = of_preset(tmp_path, "stripe", *sources, fx_rates={"JPY": 0.01})
    for name, table in zip(names, found, strict=True):
        keys = [column for column in table.columns if not column.startswith(("source_", "_"))]
        assert table.select(keys).equals(staged(name, files).select(keys)), name


def test_schema_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path, warehouse: Path) -> None:
    described = {"preset": "stripe", "connection": "env:WAREHOUSE_URL", "database_schema": "strype", "path": []}
    with pytest.raises(
        SourceError,
        match=r"needs customer or customers; there is no schema 'strype' with tables that this user may read; "
        r"there are other, stripe \(did you mean 'stripe'\?\)",
    ):
        of_preset(tmp_path, "stripe", "accounts", accounts=described)


def test_check_before_a_run_fetches_no_rows_of_a_preset_in_a_database(tmp_path: Path, warehouse: Path) -> None:
    described = {"preset": "stripe", "connection": "env:WAREHOUSE_URL", "database_schema": "stripe"}
    settings = settings_of(
        tmp_path, sources={"subscriptions": described, "invoices": described | {"database_schema": "other"}}
    )
    with answers.sampled(settings, 2_000) as (sampled, faults):
        assert pl.read_parquet(sampled.sources["subscriptions"].paths[0]).is_empty()
        assert faults == {
            "invoices": "sources.invoices.preset: stripe: needs invoice or invoices; there is subscription_item "
            "(only tables that this user has the right to read are listed)"
        }


def test_names_are_found_without_regard_to_case_and_underscores_and_inside_json() -> None:
    table = tables_of("stripe")["subscription"]
    columns = {column.name: column for column in table.columns}
    there = [("CustomerId", "VARCHAR"), ("pause_collection", "JSON"), ("customer", "VARCHAR")]
    assert places_of(columns["customer_id"], there) == [
        Place("CustomerId", "VARCHAR"),
        Place("customer", "VARCHAR"),
    ]
    assert places_of(columns["pause_behavior"], there) == [Place("pause_collection", "JSON", "behavior")]
    assert key_of("Account_Id") == key_of("accountid")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1704103200", "2024-01-01 10:00:00+00"),
        ("1704103200000", "2024-01-01 10:00:00+00"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00+00"),
        ("2024-01-01 10:00", "2024-01-01 10:00:00+00"),
        ("2024-01-01T10:00:00.123Z", "2024-01-01 10:00:00.123+00"),
        ("2024-01-01 10:00:00 UTC", "2024-01-01 10:00:00+00"),
        ("2024-01-01T12:00:00.000+0200", "2024-01-01 10:00:00+00"),
        ("2024-01-01T12:00+02:00", "2024-01-01 10:00:00+00"),
        ("2024-01-31", "2024-01-31 00:00:00+00"),
    ],
)
def test_moment_is_read_as_vendors_write_it(tmp_path: Path, text: str, moment: str) -> None:
    with over_files(tmp_path, "UTC") as database:
        database.execute(READERS)
        assert database.execute("select read_moment(?)::varchar", [text]).fetchone() == (moment,)


def test_files_of_one_table_may_lie_in_a_folder_of_its_name_or_carry_a_date(tmp_path: Path) -> None:
    customer = {"id": "cus_1", "name": "One", "created": "2024-01-01"}
    csv_export(
        tmp_path / "export",
        {"stripe_customers_2024-11-01": [customer], "stripe_customers_2024-11-02": [customer | {"id": "cus_2"}]},
    )
    assert staged("staged_accounts", of_preset(tmp_path, "stripe", "accounts"))["account_id"].to_list() == [
        "cus_1",
        "cus_2",
    ]
    csv_export(tmp_path / "other", {})
    csv_export(tmp_path / "other" / "customers", {"part-0": [customer | {"id": "cus_3"}]})
    rows = staged("staged_accounts", of_preset(tmp_path, "stripe", "accounts", export="other"))
    assert rows["account_id"].to_list() == ["cus_3"]


def test_view_names_the_column_without_which_a_table_has_no_meaning(tmp_path: Path) -> None:
    from health_assets.sources.formats import SourceError

    with over_files(tmp_path, "UTC") as database:
        database.execute("create table raw_product as select 1 as name")
        with pytest.raises(SourceError, match="stripe: product has no column id; it has name"):
            create_view(database, "stripe", tables_of("stripe")["product"], "raw_product")
