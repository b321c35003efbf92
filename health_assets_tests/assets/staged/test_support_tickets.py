"""Tickets as files have them."""

import pytest

from health_assets.assets.staged.support_tickets import staged_support_tickets
from health_assets.settings.source import Source
from health_assets_tests.assets.rows import SETTINGS, rows


@pytest.mark.parametrize(
    ("flag", "status", "is_escalated"),
    [("false", None, False), ("true", None, True), (None, "escalated", True), (None, None, None), (None, "open", None)],
)
def test_flag_or_status_says_that_a_ticket_is_escalated(
    flag: str | None, status: str | None, is_escalated: bool | None
) -> None:
    given = {"created_at": "2025-01-30 12:00:00", "is_escalated": flag, "status": status}
    made = staged_support_tickets(rows("raw_support_tickets", given), SETTINGS).collect()
    assert made["is_escalated"].to_list() == [is_escalated]


@pytest.mark.parametrize(
    ("given", "answered"),
    [
        ({"first_response_time_hours": "90"}, "2025-01-30 13:30:00"),
        ({"first_response_time_hours": "90", "first_response_at": "2025-01-30 12:10:00"}, "2025-01-30 12:10:00"),
        ({"first_response_time_hours": "1e300"}, None),
        ({}, None),
    ],
)
def test_first_answer_given_in_minutes_is_a_moment_unless_the_file_has_one(
    given: dict[str, str], answered: str | None
) -> None:
    minutes = Source(path="t.csv", unit={"first_response_time_hours": "minutes"})
    company = SETTINGS.model_copy(update={"sources": {"support_tickets": minutes}})
    ticket = rows("raw_support_tickets", {"created_at": "2025-01-30 12:00:00"} | given)
    made = staged_support_tickets(ticket, company).collect()
    assert made["first_response_at"].cast(str).str.slice(0, 19).to_list() == [answered]
