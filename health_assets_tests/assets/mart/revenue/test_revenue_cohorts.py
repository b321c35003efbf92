"""Cohorts of the first paid month."""

from datetime import date

from health_assets_tests.assets.rows import account, made, rows, subscription


def test_a_cohort_keeps_its_size_and_a_row_for_each_month_after_all_have_left() -> None:
    start = date(2024, 11, 5)
    subscriptions = [
        subscription(100, start, date(2025, 1, 5), "A"),
        subscription(300, start, date(2024, 12, 5), "B"),
    ]
    assert cohorts(*subscriptions) == [(0, 2, 100.0, 100.0), (1, 2, 50.0, 25.0), (2, 2, 0.0, 0.0)]


def test_a_cohort_begins_with_the_first_month_that_ends_with_mrr() -> None:
    """A came and went in November, and pays from January on."""
    came_and_went = subscription(100, date(2024, 11, 5), date(2024, 11, 20), "A")
    assert cohorts(came_and_went, subscription(100, date(2025, 1, 5), None, "A")) == [(0, 1, 100.0, 100.0)]


def cohorts(*subscriptions: dict) -> list[tuple]:
    """Offset, size and retention of accounts and revenue of the only cohort."""
    revenue = made(
        "fact_revenue_monthly",
        staged_accounts=rows("staged_accounts", account("A"), account("B")),
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
    )
    columns = ["month_offset", "cohort_account_count", "account_retention_pct", "revenue_retention_pct"]
    return made("mart_revenue_cohorts", fact_revenue_monthly=revenue.lazy()).select(columns).rows()
