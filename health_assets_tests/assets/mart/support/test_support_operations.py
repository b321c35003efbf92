"""Support operations by month."""

from datetime import date, datetime

import polars as pl

from health_assets.assets.mart.support.support_operations import mart_support_operations
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


def operations(*tickets: dict, as_of: date = AS_OF) -> pl.DataFrame:
    given = (
        {"ticket_id": str(n), "account_id": "A", "created_month": JANUARY, "is_open": True} | row
        for n, row in enumerate(tickets)
    )
    return mart_support_operations(rows("fact_tickets", *given), SETTINGS, as_of).collect()


def whole(*tickets: dict) -> list[dict]:
    return operations(*tickets).filter(pl.col("dimension_type") == "all").to_dicts()


def resolved(at: datetime, hours: float, **given) -> dict:
    return {"is_open": False, "resolved_at": at, "resolution_hours": hours} | given


def test_rates_are_of_the_tickets_created_in_the_month() -> None:
    made = whole(
        resolved(datetime(2025, 1, 3), 5.0, is_escalated=True, satisfaction_score=3.0),
        resolved(datetime(2025, 2, 3), 7.0, is_escalated=False, satisfaction_score=4.0),
        {"is_escalated": False},
        {"is_escalated": True},
    )[0]
    assert (made["ticket_count"], made["resolved_count"], made["resolution_rate"]) == (4, 2, 0.5)
    assert (made["escalated_count"], made["escalation_rate"]) == (2, 0.5)
    assert (made["rated_count"], made["mean_csat"]) == (2, 3.5)


def test_tickets_of_which_no_escalation_is_known_are_left_out_of_the_rate() -> None:
    made = whole({"is_escalated": True}, {"is_escalated": False}, {"is_escalated": None})[0]
    assert (made["ticket_count"], made["escalated_count"], made["escalation_rate"]) == (3, 1, 0.5)


def test_hours_are_of_the_tickets_resolved_in_the_month() -> None:
    january, february = whole(
        resolved(datetime(2025, 1, 3), 5.0),
        resolved(datetime(2025, 2, 3), 100.0),
        resolved(datetime(2025, 2, 4), 200.0),
    )
    assert (january["timed_count"], january["mean_resolution_hours"]) == (1, 5)
    assert (february["month"], february["timed_count"], february["mean_resolution_hours"]) == (FEBRUARY, 2, 150)
    assert (february["ticket_count"], february["resolution_rate"], february["escalation_rate"]) == (0, None, None)
    assert round(february["p90_resolution_hours"], 9) == 190  # 100 + 0.9 x (200 - 100)


def test_where_it_is_not_known_who_was_escalated_or_resolved_the_rates_are_null() -> None:
    made = whole({"is_open": None, "is_escalated": None})[0]
    assert (made["resolved_count"], made["resolution_rate"]) == (None, None)
    assert (made["escalated_count"], made["escalation_rate"]) == (None, None)


def test_parts_by_segment_hold_every_ticket() -> None:
    made = operations({"segment": "smb"}, {"segment": None}).filter(pl.col("dimension_type") == "segment")
    assert made.select("dimension_value", "ticket_count").rows() == [("smb", 1), ("unknown", 1)]


def test_the_as_of_month_is_partial_unless_its_last_day_has_come() -> None:
    assert operations({})["is_partial"].to_list() == [False, False]
    assert operations({}, as_of=date(2025, 1, 30))["is_partial"].to_list() == [True, True]


def test_a_source_that_is_not_connected_gives_no_rows() -> None:
    assert operations().is_empty()
