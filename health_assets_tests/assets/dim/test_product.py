"""Products and what they earn."""

from datetime import date

import polars as pl

from health_assets.assets.dim.product import mrr__of_all_products_is_that_of_the_subscriptions
from health_assets_tests.assets.rows import AS_OF, made, rows, subscription

GROWTH = {"product_name": "crm", "plan_tier": "growth"}


def products(*subscriptions: dict, accounts: str = "ABCDE") -> pl.DataFrame:
    return made(
        "dim_product",
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
        dim_account=rows("dim_account", *({"account_id": name} for name in accounts)),
    )


def test_only_subscriptions_that_are_paid_on_the_day_count() -> None:
    found = products(
        subscription(100, date(2024, 1, 1), **GROWTH),
        subscription(300, date(2024, 1, 1), account_id="B", **GROWTH),
        subscription(900, date(2024, 1, 1), AS_OF, account_id="C", **GROWTH),
        subscription(900, date(2025, 1, 1), first_paid_date=date(2025, 2, 1), account_id="D", **GROWTH),
        subscription(900, date(2025, 1, 1), first_paid_date=None, account_id="E", **GROWTH),
    )
    assert found.select("active_subscription_count", "median_mrr").rows() == [(2, 200.0)]


def test_account_that_has_not_signed_up_yet_buys_no_product() -> None:
    signed_up, not_yet = (subscription(100, date(2025, 1, 1), account_id=name, **GROWTH) for name in "AB")
    assert products(signed_up, not_yet, accounts="A")["mrr"].to_list() == [100]


def test_products_that_lose_a_paid_subscription_are_found() -> None:
    paid = [{"subscription_id": name, "mrr": 100.0, "is_paid": True} for name in "ST"]
    product = {"product_name": "crm", "active_subscription_count": 2, "mrr": 200.0}
    for subscriptions, faults in ((paid, 0), (paid[:1], 1)):
        found = mrr__of_all_products_is_that_of_the_subscriptions(
            rows("dim_product", product), rows("fact_subscriptions", *subscriptions)
        )
        assert found.collect().height == faults
