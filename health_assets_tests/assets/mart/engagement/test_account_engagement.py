"""Engagement of accounts."""

from datetime import timedelta
from typing import Any

import pytest

from health_assets_tests.assets.rows import AS_OF, made, rows


def engagement(
    *users: dict[str, Any],
    daily: dict[int, int] = {},  # noqa: B006
    wau: int | None = 3,
    mau: int | None = 4,
    total: int | None = 8,
) -> dict[str, Any]:
    """Account A; `daily`: days ago -> users of the day."""
    today = {"account_id": "A", "as_of_date": AS_OF}
    usage = [] if mau is None else [today | {"active_user_count_7d": wau, "active_user_count_30d": mau}]
    days = [
        {"account_id": "A", "activity_date": AS_OF - timedelta(days=ago), "active_user_count": count}
        for ago, count in daily.items()
    ]
    return made(
        "mart_account_engagement",
        dim_account=rows("dim_account", {"account_id": "A", "is_active": True}),
        fact_usage_daily=rows("fact_usage_daily", *days),
        fact_account_usage_daily=rows("fact_account_usage_daily", *usage),
        fact_account_adoption_daily=rows("fact_account_adoption_daily", today | {"total_user_count": total}),
        fact_user_engagement=rows(
            "fact_user_engagement",
            *({"account_id": "A", "user_id": str(n), "is_active": True} | user for n, user in enumerate(users)),
        ),
    ).row(0, named=True)


def test_stickiness_is_the_mean_of_the_daily_users_with_days_without_any_by_the_monthly_users() -> None:
    # 2 today, 4 on the first day of the window, 9 the day before it: (2 + 4) / 30 / 4 = 0.05
    row = engagement(daily={0: 2, 29: 4, 30: 9})
    assert (row["dau"], row["active_user_day_count_30d"]) == (2, 6)
    assert row["stickiness_ratio"] == pytest.approx(0.05)


def test_rates_are_of_the_users_of_the_feed_and_unknown_without_it() -> None:
    row = engagement()
    assert (row["wau_rate"], row["mau_rate"], row["wau_mau_ratio"]) == (0.375, 0.5, 0.75)
    unknown = engagement(total=None)
    assert (unknown["wau_rate"], unknown["mau_rate"], unknown["power_user_count"]) == (None, None, None)
    assert unknown["wau_mau_ratio"] == 0.75


def test_means_and_power_users_are_of_the_users_with_access() -> None:
    # scores 80 and 20 -> 50, sessions 16 and 0 -> 8; one power user of 8
    row = engagement(
        {"engagement_score": 80.0, "session_count_30d": 16, "user_engagement_tier": "power"},
        {"engagement_score": 20.0, "session_count_30d": 0, "user_engagement_tier": "inactive"},
        {"engagement_score": 100.0, "session_count_30d": 90, "user_engagement_tier": "power", "is_active": False},
        {"engagement_score": 100.0, "session_count_30d": 90, "user_engagement_tier": "power", "is_active": None},
    )
    assert (row["avg_engagement_score"], row["avg_session_count_per_user_30d"]) == (50, 8)
    assert (row["power_user_count"], row["power_user_rate"]) == (1, 0.125)


def test_an_account_without_users_has_zeros_and_no_ratio() -> None:
    row = engagement(wau=0, mau=0)
    assert (row["dau"], row["active_user_day_count_30d"], row["power_user_count"]) == (0, 0, 0)
    assert (row["stickiness_ratio"], row["wau_mau_ratio"], row["mau_rate"]) == (None, None, 0)


def test_a_silent_feed_is_not_measured() -> None:
    row = engagement(mau=None, daily={20: 3})
    assert (row["dau"], row["wau"], row["mau"], row["stickiness_ratio"], row["power_user_count"]) == (None,) * 5
