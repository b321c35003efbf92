"""Cohorts of the first paid month."""

from datetime import date

from health_assets.assets.fact.revenue_monthly import fact_revenue_monthly
from health_assets.assets.mart.revenue.revenue_cohorts import mart_revenue_cohorts
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows, subscription


def test_a_cohort_keeps_its_size_and_a_row_for_each_month_after_everybody_left() -> None:
    start = date(2024, 11, 5)
    revenue = fact_revenue_monthly(
        rows("staged_accounts", account("A"), account("B")),
        rows(
            "staged_subscriptions",
            subscription(100, start, date(2025, 1, 5), "A"),
            subscription(300, start, date(2024, 12, 5), "B"),
        ),
        rows("staged_invoices"),
        SETTINGS,
        AS_OF,
        AS_OF,
    )
    made = mart_revenue_cohorts(revenue).sort("month_offset").collect()
    columns = ["month_offset", "cohort_account_count", "account_retention_pct", "revenue_retention_pct"]
    assert made.select(columns).rows() == [(0, 2, 100.0, 100.0), (1, 2, 50.0, 25.0), (2, 2, 0.0, 0.0)]
