"""Retention by month."""

from datetime import date

from health_assets.assets.fact.revenue_monthly import fact_revenue_monthly
from health_assets.assets.mart.revenue.net_revenue_retention import mart_net_revenue_retention
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows, subscription


def test_new_and_returning_revenue_is_no_retention() -> None:
    """December: A 100 -> 150, B 100 -> 80, C 100 -> 0, D new 500: NRR (300 + 50 - 20 - 100) / 300, GRR 180 / 300."""
    start, change = date(2024, 11, 1), date(2024, 12, 10)
    revenue = fact_revenue_monthly(
        rows("staged_accounts", *(account(name) for name in "ABCD")),
        rows(
            "staged_subscriptions",
            *(subscription(100, start, change, name) for name in "ABC"),
            subscription(150, change, None, "A"),
            subscription(80, change, None, "B"),
            subscription(500, change, None, "D"),
        ),
        rows("staged_invoices"),
        SETTINGS,
        AS_OF,
        AS_OF,
    )
    made = mart_net_revenue_retention(revenue).collect().to_dicts()[1]
    assert (made["starting_mrr"], made["ending_mrr"]) == (300, 730)
    assert round(made["nrr_pct"], 4) == 76.6667
    assert round(made["grr_pct"], 4) == 60.0
    assert round(made["quick_ratio"], 4) == round(550 / 120, 4)
