"""An account in all respects."""

from datetime import date, datetime
from typing import Any

import pytest

from health_assets.assets.mart.health.customer_success import device_health__is_that_of_the_fleet
from health_assets_tests.assets.rows import AS_OF, made, rows

ACCOUNT = {"account_id": "A", "as_of_date": AS_OF, "churn_risk_score": 20.0}
DEVICES = {"account_id": "A", "as_of_date": AS_OF, "active_device_count": 3, "device_health_avg": 95.0}


def success(**given: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of account A, from rows by table."""
    frames = {name: rows(name, *those) for name, those in ({"mart_churn_risk": [ACCOUNT]} | given).items()}
    return made("mart_customer_success", **frames).row(0, named=True)


def test_without_any_source_nothing_is_measured_and_nothing_is_0() -> None:
    row = success()
    assert {name for name, value in row.items() if value is not None} == {
        "account_id",
        "as_of_date",
        "churn_risk_score",
    }


def test_composite_is_of_the_parts_that_are_measured_by_their_weights() -> None:
    health = [{"account_id": "A", "health_score": 60.0, "trend_30d": -5.0}]
    assert success(mart_customer_health=health)["composite_success_score"] == 60.0
    both = success(mart_customer_health=health, fact_account_device_daily=[DEVICES])
    assert both["composite_success_score"] == pytest.approx(70.0)  # (0.5 x 60 + 0.2 x 95) / 0.7
    assert both["health_trend_30d"] == -5.0
    engagement = [{"account_id": "A", "avg_engagement_score": 40.0}]
    every = success(
        mart_customer_health=health, fact_account_device_daily=[DEVICES], mart_account_engagement=engagement
    )
    assert every["composite_success_score"] == pytest.approx(61.0)  # 0.5 x 60 + 0.3 x 40 + 0.2 x 95


def test_devices_are_those_of_the_as_of_day() -> None:
    earlier = DEVICES | {"as_of_date": date(2025, 1, 30), "active_device_count": 2}
    row = success(fact_account_device_daily=[DEVICES, earlier])
    assert (row["active_device_count"], row["device_health_avg"]) == (3, 95.0)


def test_device_health_that_is_not_that_of_the_fleet_is_found() -> None:
    accounts = rows("mart_customer_success", {"account_id": "A", "device_health_avg": 85.0})
    fleet = [
        {"device_id": str(score), "account_id": "A", "is_active": True, "health_score": score} for score in (80.0, 90.0)
    ]
    assert device_health__is_that_of_the_fleet(accounts, rows("mart_device_health", *fleet)).collect().is_empty()
    assert device_health__is_that_of_the_fleet(accounts, rows("mart_device_health", fleet[0])).collect().height == 1


def test_tickets_of_30_60_and_90_days_and_the_edges_of_the_windows() -> None:
    created = [
        date(2025, 1, 2),
        date(2025, 1, 1),
        date(2024, 12, 3),
        date(2024, 12, 2),
        date(2024, 11, 3),
        date(2024, 11, 2),
    ]
    tickets = [
        {"ticket_id": str(day), "account_id": "A", "created_date": day, "is_open": True, "is_escalated": False}
        for day in created
    ]
    row = success(fact_tickets=tickets)
    assert [row[f"ticket_count_{days}d"] for days in (30, 60, 90)] == [1, 3, 5]
    assert (row["resolution_rate_30d"], row["has_escalated_ticket_30d"]) == (0.0, False)


def test_resolution_rate_is_of_tickets_created_and_hours_of_tickets_resolved_in_the_window() -> None:
    recent = {"account_id": "A", "created_date": date(2025, 1, 9), "is_escalated": True}
    tickets = [
        recent | {"ticket_id": "1", "is_open": False, "resolution_hours": 4.0, "resolved_at": datetime(2025, 1, 9, 12)},
        recent | {"ticket_id": "2", "is_open": True},
        recent
        | {
            "ticket_id": "old", "created_date": date(2024, 11, 1), "is_open": False, "resolution_hours": 10.0,
            "resolved_at": datetime(2025, 1, 3),
        },
    ]  # fmt: skip
    row = success(fact_tickets=tickets)
    assert (row["resolution_rate_30d"], row["mean_resolution_hours_30d"]) == (0.5, 7.0)
    assert (row["has_escalated_ticket_30d"], row["escalated_ticket_count_30d"]) == (True, 2)


def test_account_without_tickets_had_none_where_there_is_a_help_desk() -> None:
    other = {"ticket_id": "1", "account_id": "B", "created_date": AS_OF, "is_open": True}
    row = success(fact_tickets=[other])
    assert (row["ticket_count_90d"], row["has_escalated_ticket_30d"]) == (0, False)
    assert row["resolution_rate_30d"] is None


def test_escalation_that_is_not_known_is_neither_yes_nor_no() -> None:
    ticket = {"ticket_id": "1", "account_id": "A", "created_date": AS_OF, "is_open": True}
    row = success(fact_tickets=[ticket])
    assert (row["has_escalated_ticket_30d"], row["escalated_ticket_count_30d"]) == (None, None)


def test_nps_is_promoters_minus_detractors_of_365_days() -> None:
    answers = [
        (date(2025, 1, 9), "promoter"),
        (date(2025, 1, 9), "promoter"),
        (date(2024, 2, 2), "detractor"),  # D-364
        (date(2024, 12, 1), "passive"),
        (date(2024, 12, 1), None),
        (date(2024, 2, 1), "detractor"),  # D-365
    ]
    feedback = [
        {"feedback_id": str(n), "account_id": "A", "feedback_date": day, "nps_category": category}
        for n, (day, category) in enumerate(answers)
    ]
    assert success(fact_feedback=feedback)["nps_365d"] == 25.0  # (2 - 1) / 4


def test_adoption_is_that_of_the_as_of_day() -> None:
    days = [
        {"account_id": "A", "as_of_date": day, "user_activation_rate": rate, "days_since_last_login": 3}
        for day, rate in ((date(2025, 1, 30), 0.1), (AS_OF, 0.5))
    ]
    row = success(fact_account_adoption_daily=days)
    assert (row["user_activation_rate"], row["days_since_last_login"]) == (0.5, 3)
