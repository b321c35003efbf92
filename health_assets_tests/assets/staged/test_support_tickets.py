"""Tickets as files have them."""

import pytest

from health_assets.assets.staged.support_tickets import staged_support_tickets
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
