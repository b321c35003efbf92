"""Renewals to come."""

from datetime import date
from typing import Any

from health_assets_tests.assets.rows import AS_OF, made, rows, subscription

START = date(2024, 1, 1)


def pipeline(*subscriptions: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    return made(
        "mart_renewal_pipeline", staged_subscriptions=rows("staged_subscriptions", *subscriptions), **given
    ).to_dicts()


def test_renewal_falls_in_the_narrowest_window_that_holds_it() -> None:
    days = {"today": AS_OF, "30": date(2025, 3, 2), "31": date(2025, 3, 3), "90": date(2025, 5, 1)}
    found = pipeline(
        *(subscription(100, START, subscription_id=name, renewal_date=day) for name, day in days.items()),
        subscription(100, START, subscription_id="91", renewal_date=date(2025, 5, 2)),
        subscription(100, START, subscription_id="past", renewal_date=date(2025, 1, 30)),
    )
    assert [(row["subscription_id"], row["days_to_renewal"], row["renewal_window_days"]) for row in found] == [
        ("today", 0, 30),
        ("30", 30, 30),
        ("31", 31, 60),
        ("90", 90, 90),
    ]


def test_only_what_runs_and_is_paid_renews() -> None:
    soon = {"renewal_date": date(2025, 2, 10)}
    assert pipeline(
        subscription(100, START, end=AS_OF, **soon),  # its first unpaid day is today
        subscription(100, date(2025, 2, 1), **soon),
        subscription(100, START, first_paid_date=None, account_id="B", **soon),
        subscription(100, START, first_paid_date=date(2025, 2, 1), account_id="B", **soon),
        subscription(100, START, account_id="C"),
    ) == []  # fmt: skip


def test_renewal_shows_health_and_risk_or_null_where_nothing_was_evaluated() -> None:
    found = pipeline(
        subscription(120, START, renewal_date=date(2025, 2, 10)),
        subscription(80, START, renewal_date=date(2025, 2, 11), account_id="B"),
        mart_churn_risk=rows(
            "mart_churn_risk", {"account_id": "A", "as_of_date": AS_OF, "risk_level": "high", "churn_risk_score": 75.0}
        ),
        mart_customer_health=rows(
            "mart_customer_health", {"account_id": "A", "as_of_date": AS_OF, "health_score": 40.0}
        ),
    )
    shown = ("account_id", "renewing_mrr", "risk_level", "churn_risk_score", "health_score")
    assert [tuple(row[name] for name in shown) for row in found] == [
        ("A", 120, "high", 75, 40),
        ("B", 80, None, None, None),
    ]
