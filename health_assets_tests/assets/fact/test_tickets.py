"""Tickets against their targets."""

from datetime import date, datetime, timedelta

import pytest

from health_assets.assets.fact.tickets import fact_tickets
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows

CREATED = datetime(2025, 1, 30, 12)


def judged(
    resolved: datetime | None, created: datetime = CREATED, priority: str | None = "p1", status: str = "open"
) -> dict:
    ticket = {
        "ticket_id": "T", "account_id": "A", "created_at": created, "created_date": created.date(),
        "resolved_at": resolved, "priority": priority, "status": status, "satisfaction_score": 3.9,
    }  # fmt: skip
    made = fact_tickets(rows("staged_support_tickets", ticket), rows("dim_account"), SETTINGS, AS_OF, AS_OF)
    return made.collect().row(0, named=True)


@pytest.mark.parametrize("as_of", [AS_OF, AS_OF - timedelta(days=1)])
def test_ticket_escalated_after_the_day_is_not_escalated_on_it(as_of: date) -> None:
    ticket = {
        "ticket_id": "T", "account_id": "A", "created_at": CREATED, "created_date": CREATED.date(),
        "status": "escalated", "is_escalated": True, "escalated_at": datetime(2025, 2, 1),
    }  # fmt: skip
    made = fact_tickets(rows("staged_support_tickets", ticket), rows("dim_account"), SETTINGS, as_of, AS_OF).collect()
    assert made.select("is_escalated", "escalated_at").row(0) == (False, None)


@pytest.mark.parametrize(("resolved_hour", "state"), [(16, "met"), (17, "breached")])
def test_exactly_on_the_target_is_met(resolved_hour: int, state: str) -> None:
    assert judged(datetime(2025, 1, 30, resolved_hour))["sla_state"] == state


def test_open_ticket_past_its_target_counts_as_breached() -> None:
    assert judged(None)["sla_state"] == "breached"


def test_open_ticket_inside_its_target_is_pending() -> None:
    assert judged(None, priority="p4")["sla_state"] == "pending"


def test_ticket_resolved_after_the_day_is_open_and_its_rating_not_known() -> None:
    made = judged(datetime(2025, 2, 1, 1), priority="p4")
    assert (made["is_open"], made["resolution_hours"], made["csat_tier"]) == (True, None, "no_rating")


def test_ticket_resolved_before_it_was_created_has_no_hours_and_an_unknown_state() -> None:
    made = judged(datetime(2025, 1, 30, 11), status="resolved")
    assert (made["resolution_hours"], made["sla_state"]) == (None, "unknown")


def test_deadline_at_the_midnight_that_ends_the_day_is_past() -> None:
    assert judged(None, created=datetime(2025, 1, 31, 20))["sla_state"] == "breached"


def test_ticket_without_a_priority_has_no_target_and_an_unknown_state() -> None:
    made = judged(datetime(2025, 1, 30, 13), priority=None)
    assert (made["resolution_hours"], made["sla_target_hours"], made["sla_state"]) == (1.0, None, "unknown")


def test_rating_is_not_rounded_to_satisfied() -> None:
    assert judged(datetime(2025, 1, 30, 13))["csat_tier"] == "neutral"


@pytest.mark.parametrize(
    ("resolved", "ratio", "speed"),  # of the 4 hours of p1
    [
        (datetime(2025, 1, 30, 14), 0.5, "fast"),
        (datetime(2025, 1, 30, 16), 1.0, "on_time"),
        (datetime(2025, 1, 30, 18), 1.5, "slow"),
        (datetime(2025, 1, 30, 19), 1.75, "critical_breach"),
        (None, None, "unresolved"),
    ],
)
def test_speed_holds_up_to_and_including_its_ratio(resolved: datetime | None, ratio: float | None, speed: str) -> None:
    made = judged(resolved)
    assert (made["sla_ratio"], made["resolution_speed"]) == (ratio, speed)
