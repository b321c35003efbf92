"""The charts in the metadata of the marts are images that show what the mart holds."""

import base64

import duckdb
import pytest

from health_assets.reporting.mart_charts import CHARTS, image
from health_assets.settings import Settings
from health_assets_tests.frames import settings_of

PNG = b"\x89PNG"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return settings_of(tmp_path)


@pytest.mark.parametrize("table", CHARTS)
def test_chart_of_a_mart_is_a_small_png_image(whole_company, table: str) -> None:
    caption, markdown = image(table, whole_company.connection, whole_company.settings).split("\n\n")
    content = base64.b64decode(markdown.removeprefix("![chart](data:image/png;base64,").removesuffix(")"))
    assert caption
    assert content.startswith(PNG)
    assert len(content) < 100_000


def test_mart_without_rows_or_without_a_chart_has_none(settings: Settings) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.revenue_cohorts (cohort_month date, month_offset int, account_retention_pct int)"
        )
        assert image("mart_revenue_cohorts", connection, settings) is None
        assert image("mart_customer_health", connection, settings) is None


def test_image_of_a_chart_holds_its_numbers_where_no_png_can_be_made(settings: Settings, monkeypatch) -> None:
    monkeypatch.setattr("health_assets.reporting.mart_charts.find_spec", lambda _: None)
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        connection.execute(
            "create table mart.revenue_cohorts as select date '2025-01-01' as cohort_month, unnest([0, 1]) as month_offset, "
            "unnest([100, 37]) as account_retention_pct"
        )
        markdown = image("mart_revenue_cohorts", connection, settings).split("\n\n")[1]
    drawn = base64.b64decode(markdown.removeprefix("![chart](data:image/svg+xml;base64,").removesuffix(")")).decode()
    assert ">37</text>" in drawn
    assert "Jan 25" in drawn
