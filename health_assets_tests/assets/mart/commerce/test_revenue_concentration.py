"""Concentration of revenue."""

import pytest

from health_assets.assets.mart.commerce.revenue_concentration import (
    total_spend__of_each_dimension_is_that_of_the_accounts,
)
from health_assets_tests.assets.mart.commerce.test_order_value_by_age_group import worth
from health_assets_tests.assets.rows import made, rows


def concentration(*spends: float, region: str | None = None) -> list[dict]:
    accounts = (worth(str(n), spend, 1, region=region) for n, spend in enumerate(spends))
    idle = worth("idle", 0.0, 0, region=region)
    return made(
        "mart_revenue_concentration", mart_customer_value=rows("mart_customer_value", *accounts, idle)
    ).to_dicts()


def test_a_buyer_with_more_refunds_than_orders_counts_as_no_spend() -> None:
    # spends 60, 0, 0, 0: Gini 2 x 4 x 60 / (4 x 60) - 5/4 = 0.75
    found = concentration(60.0, -20.0, -10.0, 0.0)[0]
    assert (found["total_spend"], found["top_share_pct"], found["gini"]) == (60.0, 100.0, 0.75)


def test_top_share_is_of_a_fifth_of_the_buyers_rounded_up() -> None:
    # 6 buyers: ceil(1.2) = 2 of them have 50 + 30 of 100
    found = concentration(5.0, 50.0, 5.0, 30.0, 5.0, 5.0)[0]
    assert (found["buyer_count"], found["top_account_count"]) == (6, 2)
    assert (found["top_spend"], found["top_share_pct"]) == (80.0, 80.0)


def test_gini_by_hand() -> None:
    # 10, 20, 30, 40: 2 x (1 x 10 + 2 x 20 + 3 x 30 + 4 x 40) / (4 x 100) - 5 / 4 = 600 / 400 - 1.25
    assert concentration(40.0, 10.0, 30.0, 20.0)[0]["gini"] == pytest.approx(0.25)


def test_equal_buyers_are_not_concentrated_and_one_alone_is_not_either() -> None:
    assert concentration(0.1, 0.1, 0.1, 0.1, 0.1)[0]["gini"] == pytest.approx(0)
    assert concentration(7.0)[0]["gini"] == 0.0


def test_orders_of_nothing_have_no_concentration() -> None:
    found = concentration(0.0, 0.0)[0]
    assert (found["top_share_pct"], found["gini"]) == (None, None)


def test_each_region_is_measured_among_its_own_buyers() -> None:
    accounts = rows(
        "mart_customer_value",
        worth("A", 10.0, 1, region="emea"),
        worth("B", 30.0, 1, region="emea"),
        worth("C", 60.0, 1, region=None),
    )
    found = made("mart_revenue_concentration", mart_customer_value=accounts)
    columns = ["dimension_type", "dimension_value", "top_share_pct", "gini"]
    rounded = [(*row[:2], round(row[2], 6), round(row[3], 6)) for row in found.select(columns).rows()]
    assert rounded == [
        ("all", "all", 60.0, 0.333333),  # 2 x (10 + 60 + 180) / 300 - 4 / 3
        ("region", "emea", 75.0, 0.25),  # 2 x (10 + 60) / 80 - 3 / 2
        ("region", "unknown", 100.0, 0.0),
    ]


def test_without_orders_there_is_nothing_to_concentrate() -> None:
    assert made("mart_revenue_concentration").is_empty()


def test_a_lost_account_breaks_the_sum() -> None:
    accounts = rows("mart_customer_value", worth("A", 10.0, 1, region="emea"))
    found = made("mart_revenue_concentration", mart_customer_value=accounts).lazy()
    assert total_spend__of_each_dimension_is_that_of_the_accounts(found, accounts).collect().is_empty()
    more = rows("mart_customer_value", worth("A", 10.0, 1), worth("B", 10.0, 1))
    assert total_spend__of_each_dimension_is_that_of_the_accounts(found, more).collect().height == 2
