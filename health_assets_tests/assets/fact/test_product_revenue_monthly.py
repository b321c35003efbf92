"""Month-end revenue by product."""

from datetime import date

import polars as pl

from health_assets.assets.fact.product_revenue_monthly import mrr__of_all_products_is_that_of_the_account
from health_assets_tests.assets.rows import account, made, rows, subscription
from health_assets_tests.scoring.test_invoiced_revenue import BY_INVOICES, invoice

NOVEMBER, CHANGE = date(2024, 11, 1), date(2024, 12, 10)


def by_product(*subscriptions: dict, **given: object) -> tuple[pl.DataFrame, pl.LazyFrame]:
    frames = {
        "staged_accounts": rows("staged_accounts", account()),
        "staged_subscriptions": rows("staged_subscriptions", *subscriptions),
    }
    months = made("fact_revenue_monthly", **frames | given).lazy()
    return made("fact_product_revenue_monthly", **frames | given, fact_revenue_monthly=months), months


def test_each_product_has_its_mrr_in_the_months_in_which_it_is_paid_for() -> None:
    found, months = by_product(
        subscription(100, NOVEMBER, CHANGE, product_name="core"),
        subscription(120, CHANGE, product_name="core"),
        subscription(30, CHANGE),
    )
    assert found.select("product_name", "month", "mrr").rows() == [
        ("core", NOVEMBER, 100.0),
        ("core", date(2024, 12, 1), 120.0),
        ("core", date(2025, 1, 1), 120.0),
        ("unknown", date(2024, 12, 1), 30.0),
        ("unknown", date(2025, 1, 1), 30.0),
    ]
    assert mrr__of_all_products_is_that_of_the_account(found.lazy(), months).collect().is_empty()


def test_a_product_that_is_lost_between_the_tables_is_found() -> None:
    found, months = by_product(subscription(100, NOVEMBER, product_name="core"))
    broken = mrr__of_all_products_is_that_of_the_account(found.lazy().head(2), months)
    assert broken.collect()["month"].to_list() == [date(2025, 1, 1)]


def test_what_is_invoiced_names_no_product() -> None:
    bill = rows("staged_invoices", invoice(date(2025, 1, 5), paid=date(2025, 1, 9)))
    found, _ = by_product(staged_invoices=bill, settings=BY_INVOICES)
    assert found.select("product_name", "mrr").rows() == [("unknown", 100.0)]
