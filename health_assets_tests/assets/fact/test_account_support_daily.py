"""Support in the days up to each day."""

from datetime import date, datetime

import pytest

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, account, made, rows

AS_OF_NOON = datetime(2025, 1, 31, 12)


def ticket(number: int, created: datetime, resolved: datetime | None, **given) -> dict:
    return {
        "ticket_id": str(number), "account_id": "A", "created_at": created, "created_date": created.date(),
        "resolved_at": resolved, "priority": "p1", "status": "open",
    } | given  # fmt: skip


def signals(period: Period, *tickets: dict, **given) -> list[dict]:
    frames = {
        "staged_accounts": rows("staged_accounts", account()),
        "staged_support_tickets": rows("staged_support_tickets", *tickets),
    }
    return made("fact_account_support_daily", **frames, period=period, **given).sort("as_of_date").to_dicts()


def test_a_ticket_is_open_on_the_days_before_it_was_resolved_and_its_rating_unknown() -> None:
    late = ticket(1, datetime(2025, 1, 29, 8), datetime(2025, 1, 30, 8), satisfaction_score=2.0, status="resolved")
    by_day = signals(Period(date(2025, 1, 29), date(2025, 1, 30)), late)
    assert [row["open_ticket_count"] for row in by_day] == [1, 0]
    assert [row["mean_csat_90d"] for row in by_day] == [None, 2.0]
    assert [row["sla_adherence_pct_90d"] for row in by_day] == [0.0, 0.0]


def test_a_reopened_ticket_is_open_again_from_the_load_that_says_so_and_no_longer_met() -> None:
    opened, resolved = datetime(2025, 1, 28, 8), datetime(2025, 1, 28, 9)
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "1", "status": "resolved", "valid_from": date(2025, 1, 28), "valid_to": date(2025, 1, 28)},
        {"ticket_id": "1", "status": "open", "valid_from": date(2025, 1, 29), "valid_to": date(2025, 1, 29)},
        {"ticket_id": "1", "status": "closed", "valid_from": date(2025, 1, 30)},
    )
    reopened = ticket(1, opened, resolved, status="closed", satisfaction_score=2.0)
    by_day = signals(Period(date(2025, 1, 28), AS_OF), reopened, history_support_tickets=versions)
    assert [row["open_ticket_count"] for row in by_day] == [0, 1, 0, 0]
    assert [row["sla_adherence_pct_90d"] for row in by_day] == [100.0, 0.0, 100.0, 100.0]
    assert [row["mean_csat_90d"] for row in by_day] == [2.0] * 4


def test_a_reopened_ticket_that_nobody_answered_is_late_while_it_is_open() -> None:
    opened, resolved = datetime(2025, 1, 28, 8), datetime(2025, 1, 28, 9)
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "1", "status": "resolved", "valid_from": date(2025, 1, 28), "valid_to": date(2025, 1, 28)},
        {"ticket_id": "1", "status": "open", "valid_from": date(2025, 1, 29), "valid_to": date(2025, 1, 29)},
        {"ticket_id": "1", "status": "closed", "valid_from": date(2025, 1, 30)},
    )
    reopened = ticket(1, opened, resolved, status="closed")
    in_time = ticket(2, opened, resolved, status="closed", first_response_at=datetime(2025, 1, 28, 8, 30))
    by_day = signals(Period(date(2025, 1, 28), AS_OF), reopened, in_time, history_support_tickets=versions)
    assert [row["first_response_adherence_pct_90d"] for row in by_day] == [100.0, 50.0, 100.0, 100.0]


def test_a_ticket_first_seen_open_and_never_answered_is_late_once_a_day() -> None:
    opened = datetime(2025, 1, 28, 8)
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "1", "status": "pending", "valid_from": date(2025, 1, 29), "valid_to": date(2025, 1, 30)},
        {"ticket_id": "1", "status": "closed", "valid_from": AS_OF},
    )
    undated = ticket(1, opened, None, status="closed")
    in_time = ticket(
        2, opened, datetime(2025, 1, 28, 9), status="closed", first_response_at=datetime(2025, 1, 28, 8, 30)
    )
    by_day = signals(Period(date(2025, 1, 28), AS_OF), undated, in_time, history_support_tickets=versions)
    assert [row["first_response_adherence_pct_90d"] for row in by_day] == [50.0, 50.0, 50.0, 100.0]


def test_a_reopened_ticket_is_not_breached_before_its_deadline() -> None:
    reopened = ticket(1, datetime(2025, 1, 31, 8), datetime(2025, 1, 31, 9), priority="p4", status="in_progress")
    (row,) = signals(Period(AS_OF, AS_OF), reopened)
    assert (row["open_ticket_count"], row["sla_adherence_pct_90d"]) == (1, None)


def test_a_ticket_first_seen_open_was_open_since_its_creation_and_until_its_status_says_otherwise() -> None:
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "1", "status": "pending", "valid_from": date(2025, 1, 29), "valid_to": date(2025, 1, 30)},
        {"ticket_id": "1", "status": "closed", "valid_from": AS_OF},
    )
    undated = ticket(1, datetime(2025, 1, 28, 8), None, status="closed", satisfaction_score=4.0)
    by_day = signals(Period(date(2025, 1, 28), AS_OF), undated, history_support_tickets=versions)
    assert [row["open_ticket_count"] for row in by_day] == [1, 1, 1, 0]
    assert [row["sla_adherence_pct_90d"] for row in by_day] == [0.0, 0.0, 0.0, None]
    assert [row["mean_csat_90d"] for row in by_day] == [None, None, None, 4.0]


def test_first_answers_in_time_of_in_time_and_late_or_missing() -> None:
    opened, p1_hour = datetime(2025, 1, 29, 23, 30), datetime(2025, 1, 30, 0, 30)  # due on the 30th
    in_time = ticket(1, opened, None, first_response_at=p1_hour)
    late = ticket(2, opened, None, first_response_at=AS_OF_NOON)
    missing = ticket(3, opened, datetime(2025, 1, 31, 8), status="resolved")  # resolved without an answer: not known
    by_day = signals(Period(date(2025, 1, 29), AS_OF), in_time, late, missing)
    assert [row["first_response_adherence_pct_90d"] for row in by_day] == [None, pytest.approx(100 / 3), 50.0]


def test_a_late_answer_after_the_resolution_counts_from_the_day_it_was_given() -> None:
    resolved, answered = datetime(2025, 1, 30, 8), datetime(2025, 1, 31, 8)
    late = ticket(1, datetime(2025, 1, 29, 8), resolved, status="resolved", first_response_at=answered)
    by_day = signals(Period(date(2025, 1, 29), AS_OF), late)
    assert [row["first_response_adherence_pct_90d"] for row in by_day] == [0.0, None, 0.0]


def test_where_answers_are_not_exported_none_is_missing() -> None:
    (row,) = signals(Period(AS_OF, AS_OF), ticket(1, datetime(2025, 1, 2), None))
    assert row["first_response_adherence_pct_90d"] is None


def test_windows_hold_just_their_days() -> None:
    days = (date(2025, 1, 2), date(2025, 1, 1), date(2024, 11, 3), date(2024, 11, 2))  # 29, 30, 89 and 90 days ago
    by_day = signals(
        Period(AS_OF, AS_OF),
        *(ticket(n, datetime(day.year, day.month, day.day, 9), None) for n, day in enumerate(days)),
    )[0]
    assert (by_day["ticket_count_30d"], by_day["ticket_count_31d"], by_day["ticket_count_90d"]) == (1, 2, 3)
    assert by_day["open_ticket_count"] == 4


def test_before_the_first_ticket_of_the_company_nothing_is_measured() -> None:
    assert signals(Period(date(2025, 1, 1), date(2025, 1, 2)), ticket(1, datetime(2025, 1, 20), None)) == []


def test_hours_without_a_moment_of_resolution_count_from_the_day_on_which_they_end() -> None:
    only_hours = ticket(1, datetime(2025, 1, 1, 8), None, resolution_time_hours=25.0, status="closed", priority="p3")
    by_day = signals(Period(date(2025, 1, 1), date(2025, 1, 2)), only_hours)
    assert [row["open_ticket_count"] for row in by_day] == [1, 0]
    assert [row["sla_adherence_pct_90d"] for row in by_day] == [None, 100.0]


def test_a_ticket_resolved_without_a_time_has_no_sla_and_is_rated_from_the_load_day_on() -> None:
    undated = ticket(1, datetime(2025, 1, 29, 8), None, status="resolved", satisfaction_score=5.0)
    by_day = signals(Period(date(2025, 1, 30), AS_OF), undated)
    assert [row["mean_csat_90d"] for row in by_day] == [None, 5.0]
    assert [row["sla_adherence_pct_90d"] for row in by_day] == [None, None]


def test_a_deadline_at_midnight_is_past_on_the_evening_before() -> None:
    by_day = signals(Period(date(2025, 1, 29), date(2025, 1, 29)), ticket(1, datetime(2025, 1, 29, 20), None))
    assert by_day[0]["sla_adherence_pct_90d"] == 0.0


def test_escalations_without_a_date_are_known_from_the_first_load_on() -> None:
    by_day = signals(Period(date(2025, 1, 30), AS_OF), ticket(1, datetime(2025, 1, 29, 8), None, is_escalated=True))
    assert [row["escalated_ticket_count_90d"] for row in by_day] == [None, 1]


def test_escalations_are_unknown_where_no_ticket_is_flagged_or_called_escalated() -> None:
    silent, escalated = ticket(1, datetime(2025, 1, 29, 8), None), ticket(2, datetime(2025, 1, 29, 8), None)
    (row,) = signals(Period(AS_OF, AS_OF), silent, escalated)
    assert row["escalated_ticket_count_90d"] is None
    (row,) = signals(Period(AS_OF, AS_OF), silent, escalated | {"status": "escalated", "is_escalated": True})
    assert row["escalated_ticket_count_90d"] == 1
    (row,) = signals(Period(AS_OF, AS_OF), silent, escalated | {"is_escalated": False})
    assert row["escalated_ticket_count_90d"] == 0


def test_flag_without_a_date_holds_from_the_load_that_first_had_it_to_the_day_before_it_changed() -> None:
    opened = ticket(1, datetime(2025, 1, 27, 8), None)
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "1", "is_escalated": False, "valid_from": date(2025, 1, 28), "valid_to": date(2025, 1, 28)},
        {"ticket_id": "1", "is_escalated": True, "valid_from": date(2025, 1, 29), "valid_to": date(2025, 1, 30)},
        {"ticket_id": "1", "is_escalated": False, "valid_from": date(2025, 1, 31)},
    )
    by_day = signals(Period(date(2025, 1, 27), AS_OF), opened, history_support_tickets=versions)
    assert [row["escalated_ticket_count_90d"] for row in by_day] == [None, 0, 1, 1, 0]
    assert [row["reported_open_ticket_count_31d"] for row in by_day] == [None] * 5


def test_an_escalation_with_a_date_counts_from_that_day_on() -> None:
    dated = ticket(1, datetime(2025, 1, 1), None, is_escalated=True, escalated_at=datetime(2025, 1, 30, 12))
    by_day = signals(Period(date(2025, 1, 29), AS_OF), dated)
    assert [row["escalated_ticket_count_90d"] for row in by_day] == [0, 1, 1]


def test_to_date_counts_every_ticket_however_old() -> None:
    old = ticket(1, datetime(2024, 1, 5), datetime(2024, 1, 6), status="resolved", satisfaction_score=2.0)
    new = ticket(2, datetime(2025, 1, 30), AS_OF_NOON, status="resolved", satisfaction_score=5.0, is_escalated=True)
    by_day = signals(Period(date(2025, 1, 30), AS_OF), old, new)
    assert [row["ticket_count_to_date"] for row in by_day] == [2, 2]
    assert [row["mean_csat_to_date"] for row in by_day] == [2.0, 3.5]
    assert [row["escalated_ticket_count_to_date"] for row in by_day] == [None, 1]


def test_a_ticket_before_signup_counts_from_signup_on() -> None:
    early = ticket(1, datetime(2025, 1, 29), datetime(2025, 1, 30, 8), account_id="B", status="resolved")
    late_signup = rows("staged_accounts", account("B", AS_OF))
    tickets = rows("staged_support_tickets", early)
    january = Period(date(2025, 1, 1), AS_OF)
    by_day = made(
        "fact_account_support_daily", staged_accounts=late_signup, staged_support_tickets=tickets, period=january
    )
    assert by_day["ticket_count_30d"].to_list() == [1]
    assert by_day["open_ticket_count"].to_list() == [0]
