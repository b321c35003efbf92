"""Orders by age group."""

from pathlib import Path

import pytest

from health_assets.assets.mart.commerce.order_value_by_age_group import (
    total_spend__of_all_groups_is_that_of_the_accounts,
)
from health_assets.settings import SettingsError
from health_assets_tests.assets.rows import account, made, rows
from health_assets_tests.frames import settings_of


def worth(account_id: str, spend: float, orders: int, **given) -> dict:
    return {"account_id": account_id, "total_spend": spend, "order_count": orders} | given


def groups(*ages: int | None, spend: float = 10.0, orders: int = 1) -> list[dict]:
    names = [chr(65 + place) for place in range(len(ages))]
    frames = {
        "mart_customer_value": rows("mart_customer_value", *(worth(name, spend, orders) for name in names)),
        "dim_account": rows("dim_account", *(account(name, age=age) for name, age in zip(names, ages, strict=True))),
    }
    return made("mart_order_value_by_age_group", **frames).to_dicts()


def test_groups_begin_at_their_youngest_age_and_no_age_is_unknown() -> None:
    found = groups(17, 18, 24, 25, 34, 35, 44, 45, 54, 55, 130, None)
    assert [(row["age_group"], row["account_count"]) for row in found] == [
        ("under_18", 1),
        ("18-24", 2),
        ("25-34", 2),
        ("35-44", 2),
        ("45-54", 2),
        ("55+", 2),
        ("unknown", 1),
    ]


def test_average_order_value_is_the_ratio_of_the_sums() -> None:
    frames = {
        "mart_customer_value": rows("mart_customer_value", worth("A", 10.0, 1), worth("B", 10.0, 4)),
        "dim_account": rows("dim_account", account("A", age=40), account("B", age=41)),
    }
    (row,) = made("mart_order_value_by_age_group", **frames).to_dicts()
    assert row["average_order_value"] == 4.0  # 20 / 5, not the mean of 10 and 2.5


def test_a_group_without_orders_has_no_average_order_value() -> None:
    (row,) = groups(40, spend=0.0, orders=0)
    assert (row["buyer_count"], row["order_count"], row["average_order_value"]) == (0, 0, None)


def test_without_orders_there_are_no_groups() -> None:
    assert made("mart_order_value_by_age_group", dim_account=rows("dim_account", account())).is_empty()


def test_a_lost_account_breaks_the_sum() -> None:
    grouped = rows("mart_order_value_by_age_group", {"age_group": "55+", "total_spend": 10.0, "account_count": 1})
    accounts = rows("mart_customer_value", worth("A", 10.0, 1))
    assert total_spend__of_all_groups_is_that_of_the_accounts(grouped, accounts).collect().is_empty()
    accounts = rows("mart_customer_value", worth("A", 10.0, 1), worth("B", 0.0, 0))
    assert total_spend__of_all_groups_is_that_of_the_accounts(grouped, accounts).collect().height == 1


def test_age_groups_that_leave_out_the_youngest_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must start at 0"):
        settings_of(tmp_path, commerce={"age_groups": {"grown up": 18}})
