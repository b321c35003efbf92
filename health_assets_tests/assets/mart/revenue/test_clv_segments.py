"""Segments of accounts by lifetime value."""

from health_assets.assets.mart.revenue.clv_segments import accounts__match_their_segments, mart_clv_segments
from health_assets_tests.assets.rows import rows


def value(lifetime_value: float, months: int, account_id: str, net_expansion: float) -> dict:
    given = {"account_id": account_id, "clv_segment": "entry", "net_expansion": net_expansion}
    return given | {"lifetime_value": lifetime_value, "tenure_months": months}


ACCOUNTS = (
    {"account_id": "A", "is_active": True, "mrr": 100.0},
    {"account_id": "B", "is_active": True, "mrr": 300.0},
    {"account_id": "gone", "is_active": False, "mrr": 0.0},
)
VALUES = (
    value(1000.0, 10, "A", 50.0),
    value(9000.0, 30, "B", -20.0),
    value(9000.0, 30, "gone", 0.0),
)


def test_rate_of_a_segment_is_a_ratio_of_sums_over_active_accounts() -> None:
    made = mart_clv_segments(
        rows("mart_customer_lifetime_value", *VALUES),
        rows("dim_account", *ACCOUNTS),
        rows("mart_customer_health", {"account_id": "A", "health_score": 80.0}),
    ).collect()
    row = made.row(0, named=True)
    assert (row["account_count"], row["mean_mrr"], row["mean_lifetime_value"]) == (2, 200.0, 5000.0)
    assert row["monthly_clv_rate"] == 250.0  # 10000 / 40, not the mean of 100 and 300
    assert (row["net_expansion"], row["mean_health_score"]) == (30.0, 80.0)


def test_means_carry_no_rounding_errors() -> None:
    names = ("A", "B", "C")
    values = [value(amount, 1, name, 0.0) for name, amount in zip(names, (0.1, 0.2, 0.3), strict=True)]
    accounts = [{"account_id": name, "is_active": True} for name in names]
    made = mart_clv_segments(
        rows("mart_customer_lifetime_value", *values), rows("dim_account", *accounts), rows("mart_customer_health")
    ).collect()
    assert made.select("mean_lifetime_value", "monthly_clv_rate").row(0) == (
        0.2,
        0.2,
    )  # the sum of floats is 0.6000000000000001


def test_account_lost_between_the_two_marts_is_found() -> None:
    one_missing = rows("mart_clv_segments", {"clv_segment": "entry", "account_count": 1})
    found = accounts__match_their_segments(
        one_missing, rows("mart_customer_lifetime_value", *VALUES), rows("dim_account", *ACCOUNTS)
    )
    assert found.collect().height == 1
