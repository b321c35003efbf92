"""Revenue by region."""

from health_assets.assets.mart.commerce.regional_segments import total_spend__of_all_regions_is_that_of_the_accounts
from health_assets_tests.assets.mart.commerce.test_order_value_by_age_group import worth
from health_assets_tests.assets.rows import made, rows

ACCOUNTS = rows(
    "mart_customer_value",
    worth("A", 60.0, 2, region="emea", value_segment="high"),
    worth("B", 15.0, 1, region="emea", value_segment="low"),
    worth("C", 25.0, 5, region=None, value_segment="medium"),
    worth("D", 0.0, 0, region="apac", value_segment="none"),
)


def test_revenue_share_is_of_all_regions_and_no_region_is_unknown() -> None:
    found = made("mart_regional_segments", mart_customer_value=ACCOUNTS)
    columns = ["region", "account_count", "buyer_count", "high_value_account_count", "order_count"]
    assert found.select(columns).rows() == [("emea", 2, 2, 1, 3), ("unknown", 1, 1, 0, 5), ("apac", 1, 0, 0, 0)]
    assert found["revenue_share_pct"].to_list() == [75.0, 25.0, 0.0]
    assert found["average_order_value"].to_list() == [25.0, 5.0, None]
    assert found["late_payment_rate"].to_list() == [None, None, None]  # payments are not connected


def test_late_payment_rate_is_the_ratio_of_the_sums() -> None:
    payments = rows(
        "mart_payment_risk",
        {"account_id": "A", "due_payment_count": 1, "late_payment_count": 1},
        {"account_id": "B", "due_payment_count": 3, "late_payment_count": 0},
        {"account_id": "D", "due_payment_count": 0, "late_payment_count": 0},
    )
    found = made("mart_regional_segments", mart_customer_value=ACCOUNTS, mart_payment_risk=payments)
    assert found["late_payment_rate"].to_list() == [0.25, None, None]


def test_regions_without_any_revenue_have_no_share() -> None:
    nothing = rows("mart_customer_value", worth("A", 0.0, 1, region="emea"))
    assert made("mart_regional_segments", mart_customer_value=nothing)["revenue_share_pct"].to_list() == [None]


def test_without_orders_there_are_no_regions() -> None:
    assert made("mart_regional_segments").is_empty()


def test_a_lost_account_breaks_the_sum() -> None:
    regions = made("mart_regional_segments", mart_customer_value=ACCOUNTS).lazy()
    assert total_spend__of_all_regions_is_that_of_the_accounts(regions, ACCOUNTS).collect().is_empty()
    assert total_spend__of_all_regions_is_that_of_the_accounts(regions.head(1), ACCOUNTS).collect().height == 1
