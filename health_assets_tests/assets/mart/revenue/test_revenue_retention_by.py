"""Retention by period and group."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_assets.assets.mart.revenue.revenue_retention_by import (
    RevenueRetentionBy,
    months__match_net_revenue_retention,
    sums__match_all_accounts,
)
from health_assets_tests.assets.rows import account, made, rows, subscription

COLUMNS = ["new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"]
ACCOUNTS = [
    account("A", region="north", account_owner="Ann"),
    account("B", region="south"),
    account("C", region="south"),
]


def tables(*subscriptions: dict[str, Any]) -> tuple[pl.DataFrame, pl.LazyFrame]:
    """The mart, and mart.net_revenue_retention."""
    frames: dict[str, Any] = {
        "staged_accounts": rows("staged_accounts", *ACCOUNTS),
        "staged_subscriptions": rows("staged_subscriptions", *subscriptions),
    }
    for table in ("fact_revenue_monthly", "fact_product_revenue_monthly", "dim_account", "mart_net_revenue_retention"):
        frames[table] = made(table, **frames).lazy()
    return made("mart_revenue_retention_by", **frames), frames["mart_net_revenue_retention"]


def of(table: pl.DataFrame, period: str, start: date, dimension: str, value: str = "all") -> dict[str, Any]:
    key = (pl.col("period_type") == period) & (pl.col("period_start") == start)
    return table.filter(key, pl.col("dimension_type") == dimension, pl.col("dimension_value") == value).row(
        0, named=True
    )


def test_a_quarter_compares_its_end_with_the_end_of_the_one_before() -> None:
    """Fourth quarter: A 100 -> 0 in October -> 130 in December is expansion of 30; B 200 -> 150; C leaves with 100."""
    start = date(2024, 8, 1)
    table, _ = tables(
        subscription(100, start, date(2024, 10, 5), "A"),
        subscription(130, date(2024, 12, 5), None, "A"),
        subscription(200, start, date(2024, 11, 5), "B"),
        subscription(150, date(2024, 11, 5), None, "B"),
        subscription(100, start, date(2024, 11, 20), "C"),
    )
    quarter = of(table, "quarter", date(2024, 10, 1), "all")
    assert [quarter[name] for name in COLUMNS] == [0, 0, 30, 50, 100]
    assert (quarter["starting_mrr"], quarter["ending_mrr"]) == (400, 280)
    assert (quarter["nrr_pct"], quarter["grr_pct"]) == (70, 62.5)  # 280 / 400, 250 / 400
    assert quarter["logo_churn_pct"] == pytest.approx(100 / 3)
    december = of(table, "month", date(2024, 12, 1), "all")
    assert [december[name] for name in COLUMNS] == [0, 130, 0, 0, 0]
    south = of(table, "quarter", date(2024, 10, 1), "region", "south")
    assert (south["starting_mrr"], south["churned_mrr"], south["nrr_pct"]) == (300, 100, 50)
    assert of(table, "quarter", date(2024, 10, 1), "owner", "unknown")["starting_mrr"] == 300


def test_a_product_that_a_paying_account_adds_is_expansion_and_one_it_gives_up_contraction() -> None:
    start, change = date(2024, 11, 1), date(2024, 12, 10)
    table, _ = tables(
        subscription(100, start, None, "A", product_name="core"),
        subscription(40, start, change, "A", product_name="reports"),
        subscription(60, change, None, "A", product_name="alerts"),
    )
    by_product = {
        name: of(table, "month", date(2024, 12, 1), "product", name) for name in ("core", "reports", "alerts")
    }
    assert {name: [row[change] for change in COLUMNS] for name, row in by_product.items()} == {
        "core": [0, 0, 0, 0, 0],
        "reports": [0, 0, 0, 40, 0],
        "alerts": [0, 0, 60, 0, 0],
    }
    assert by_product["reports"]["logo_churn_pct"] == 100
    assert of(table, "month", date(2024, 12, 1), "all")["expansion_mrr"] == 20


def test_a_quarter_or_year_that_is_not_over_is_partial() -> None:
    table, _ = tables(subscription(100, date(2024, 11, 1), None, "A"))
    assert [
        of(table, "month", date(2025, 1, 1), "all")["is_partial"],
        of(table, "quarter", date(2025, 1, 1), "all")["is_partial"],
    ] == [False, True]
    assert [of(table, "year", date(year, 1, 1), "all")["is_partial"] for year in (2024, 2025)] == [False, True]


SPELL = st.tuples(
    st.sampled_from("ABC"), st.sampled_from(["core", "add-on", None]), st.sampled_from([0.1, 99.99, 1000.0]),
    st.dates(date(2023, 10, 1), date(2025, 1, 20)), st.integers(1, 300),
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(SPELL, max_size=8))
@settings(max_examples=40, deadline=None)
def test_groups_sum_to_all_accounts_and_months_to_net_revenue_retention(spells: list[tuple]) -> None:
    table, months = tables(
        *(
            subscription(
                mrr, start, start + timedelta(days=days), name, product_name=product, subscription_id=str(number)
            )
            for number, (name, product, mrr, start, days) in enumerate(spells)
        )
    )
    assert RevenueRetentionBy.is_valid(table, cast=True)
    assert sums__match_all_accounts(table.lazy()).collect().is_empty()
    assert months__match_net_revenue_retention(table.lazy(), months).collect().is_empty()


def test_a_group_or_month_that_is_lost_is_found() -> None:
    table, months = tables(
        subscription(100, date(2024, 12, 1), None, "A"), subscription(50, date(2025, 1, 1), None, "B")
    )
    without_south = table.lazy().filter(pl.col("dimension_value") != "south")
    assert sums__match_all_accounts(without_south).collect()["dimension_type"].unique().to_list() == ["region"]
    without_january = table.lazy().filter(pl.col("period_start") < date(2025, 1, 1))
    assert months__match_net_revenue_retention(without_january, months).collect().height == 1
