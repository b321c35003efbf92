"""Products and what they earn."""

from datetime import date

from health_assets_tests.assets.rows import AS_OF, made, rows, subscription


def test_only_subscriptions_that_are_paid_on_the_day_count() -> None:
    named = {"product_name": "crm", "plan_tier": "growth"}
    found = made(
        "dim_product",
        staged_subscriptions=rows(
            "staged_subscriptions",
            subscription(100, date(2024, 1, 1), **named),
            subscription(300, date(2024, 1, 1), account_id="B", **named),
            subscription(900, date(2024, 1, 1), AS_OF, account_id="C", **named),
            subscription(900, date(2025, 1, 1), first_paid_date=date(2025, 2, 1), account_id="D", **named),
            subscription(900, date(2025, 1, 1), first_paid_date=None, account_id="E", **named),
        ),
    )
    assert found.select("active_subscription_count", "median_mrr").rows() == [(2, 200.0)]
