"""Support by segment."""

from datetime import date, datetime

import pytest

from health_assets.assets.mart.support.support_performance import (
    mart_support_performance,
    tickets__are_those_of_the_active_accounts,
)
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows

ACCOUNTS = [
    {"account_id": "A", "is_active": True, "segment": "smb"},
    {"account_id": "B", "is_active": True, "segment": "smb"},
    {"account_id": "C", "is_active": True, "segment": "enterprise"},
    {"account_id": "gone", "is_active": False, "segment": "smb"},
]


def ticket(account_id: str, day: int, hours: float | None = None, **given: object) -> dict:
    created = date(2025, 1, day)
    resolved = {} if hours is None else {"resolution_hours": hours, "resolved_at": datetime(2025, 1, day, 12)}
    return (
        {"account_id": account_id, "created_date": created, "is_open": hours is None, "is_escalated": False}
        | resolved
        | given
    )


def support(*tickets: dict) -> dict[str, dict]:
    made = mart_support_performance(rows("dim_account", *ACCOUNTS), rows("fact_tickets", *tickets), SETTINGS, AS_OF)
    return {row["segment"]: row for row in made.collect().iter_rows(named=True)}


def test_rates_of_a_segment_are_ratios_of_sums_over_its_tickets() -> None:
    tickets = [ticket("A", 9, 2.0), ticket("A", 10, 4.0), ticket("A", 11, 12.0), ticket("B", 12), ticket("gone", 12)]
    smb = support(*tickets)["smb"]
    assert (smb["account_count"], smb["ticket_count_30d"], smb["tickets_per_account_30d"]) == (2, 4, 2.0)
    assert (smb["resolution_rate_30d"], smb["mean_resolution_hours_30d"]) == (0.75, 6.0)
    assert smb["sla_status"] == "good"


def test_hours_are_of_tickets_resolved_in_the_window_whenever_created() -> None:
    old = ticket("A", 1, 40.0) | {"resolved_at": datetime(2025, 1, 2, 0)}
    smb = support(old)["smb"]
    assert (smb["ticket_count_30d"], smb["resolution_rate_30d"], smb["mean_resolution_hours_30d"]) == (0, None, 40.0)


def test_escalated_accounts_count_once() -> None:
    escalated = [ticket("A", 9, is_escalated=True), ticket("A", 10, is_escalated=True), ticket("B", 9)]
    smb = support(*escalated)["smb"]
    assert (smb["escalated_ticket_count_30d"], smb["escalated_account_count"], smb["escalated_account_pct"]) == (
        2,
        1,
        50.0,
    )


@pytest.mark.parametrize(
    ("hours", "status"),
    [(4.0, "excellent"), (4.1, "good"), (8.0, "good"), (24.0, "acceptable"), (24.5, "needs_improvement")],
)
def test_status_holds_up_to_and_including_its_hours(hours: float, status: str) -> None:
    assert support(ticket("A", 9, hours))["smb"]["sla_status"] == status


def test_segment_without_tickets_has_0_tickets_and_has_no_rates() -> None:
    enterprise = support(ticket("A", 9, 2.0))["enterprise"]
    counts = ("ticket_count_30d", "escalated_ticket_count_30d", "escalated_account_count")
    assert [enterprise[name] for name in counts] == [0, 0, 0]
    assert (enterprise["resolution_rate_30d"], enterprise["sla_status"]) == (None, None)


def test_without_a_help_desk_there_is_no_row() -> None:
    assert support() == {}


def test_segments_that_lose_an_account_or_a_ticket_are_found() -> None:
    accounts = rows("dim_account", *ACCOUNTS)
    tickets = rows("mart_customer_success", {"account_id": "A", "ticket_count_30d": 2}, {"account_id": "C"})
    smb, enterprise = support(ticket("A", 30), ticket("A", 31), ticket("gone", 30)).values()
    for segments, faults in (((smb, enterprise), 0), ((smb,), 1), ((), 0)):  # without a help desk there are none
        found = tickets__are_those_of_the_active_accounts(
            rows("mart_support_performance", *segments), tickets, accounts
        )
        assert found.collect().height == faults
