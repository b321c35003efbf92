"""Incidents in the days up to each day."""

from datetime import date, datetime, timedelta

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, account, made, rows

EVENING = Period(AS_OF, AS_OF)
AS_OF_NOON = datetime(2025, 1, 31, 12)


def incident(number: int, day: date, **given) -> dict:
    return {
        "incident_id": str(number), "account_id": "A", "severity": "high", "detected_date": day,
        "detected_at": datetime(day.year, day.month, day.day, 9),
    } | given  # fmt: skip


def signals(period: Period, *incidents: dict, of_account: dict | None = None, **given) -> list[dict]:
    frames = {
        "staged_accounts": rows("staged_accounts", account(**of_account or {})),
        "staged_security_incidents": rows("staged_security_incidents", *incidents),
    }
    return made("fact_account_security_daily", **frames, period=period, **given).sort("as_of_date").to_dicts()


def test_windows_hold_just_their_days() -> None:
    days_ago = (29, 30, 59, 60, 89, 90)
    found = signals(EVENING, *(incident(days, AS_OF - timedelta(days=days)) for days in days_ago))[0]
    counts = ("incident_count_30d", "incident_count_60d", "incident_count_90d", "incident_count_to_date")
    assert [found[count] for count in counts] == [1, 3, 5, 6]


def test_an_incident_counts_from_its_day_on_and_no_longer_than_its_window() -> None:
    period = Period(date(2025, 1, 1), AS_OF)
    found = signals(period, incident(1, date(2024, 12, 1)), incident(2, date(2025, 1, 2), severity="critical"))
    assert [row["incident_count_30d"] for row in found] == [0] + [1] * 30
    assert [row["critical_incident_count_90d"] for row in found] == [0] + [1] * 30
    assert [row["incident_count_to_date"] for row in found] == [1] + [2] * 30


def test_an_account_without_incidents_has_none_and_not_null() -> None:
    found = signals(EVENING, incident(1, AS_OF, account_id="B"))[0]
    assert (found["account_id"], found["incident_count_90d"], found["false_positive_count_to_date"]) == ("A", 0, None)


def test_before_the_first_incident_of_the_company_nothing_is_measured() -> None:
    found = signals(Period(date(2025, 1, 30), AS_OF), incident(1, AS_OF))
    assert [row["as_of_date"] for row in found] == [AS_OF]
    assert signals(EVENING) == []


def test_an_incident_before_signup_counts_from_signup_on() -> None:
    found = signals(
        Period(date(2025, 1, 1), AS_OF), incident(1, date(2025, 1, 29)), of_account={"signup": date(2025, 1, 31)}
    )
    assert [row["incident_count_30d"] for row in found] == [1]


def test_a_false_positive_is_known_from_its_containment_on() -> None:
    false = incident(1, date(2025, 1, 28), is_false_positive=True, contained_at=datetime(2025, 1, 30, 8))
    undated = incident(2, date(2025, 1, 28), is_false_positive=True)
    found = signals(Period(date(2025, 1, 29), AS_OF), false, undated)
    assert [row["false_positive_count_to_date"] for row in found] == [0, 1, 2]


def test_false_positives_without_any_date_are_known_from_the_first_load_on() -> None:
    found = signals(Period(date(2025, 1, 30), AS_OF), incident(1, date(2025, 1, 28), is_false_positive=True))
    assert [row["false_positive_count_to_date"] for row in found] == [None, 1]


def responses(*incidents: dict, period: Period = EVENING) -> list[float | None]:
    return [row["incident_response_sla_pct_90d"] for row in signals(period, *incidents)]


def answered(number: int, day: date, minutes: int | None, **given) -> dict:
    """An incident of severity high, detected at 9 and due within 20 minutes."""
    moment = None if minutes is None else datetime(day.year, day.month, day.day, 9) + timedelta(minutes=minutes)
    return incident(number, day, responded_at=moment, **given)


def test_response_share_is_in_time_of_in_time_and_late_or_unanswered() -> None:
    day = AS_OF - timedelta(days=3)
    in_time, exactly, late, unanswered = (answered(n, day, minutes) for n, minutes in enumerate((5, 20, 21, None)))
    assert responses(in_time, exactly, late, unanswered) == [50.0]
    assert responses(in_time, incident(9, day, severity="low")) == [100.0]  # low has no target


def test_a_late_response_is_outside_the_target_from_the_deadline_on() -> None:
    detected = datetime(2025, 1, 29, 23, 50)  # due at 0:10 of the 30th
    late = incident(1, date(2025, 1, 29), detected_at=detected, responded_at=AS_OF_NOON)
    assert responses(late, period=Period(date(2025, 1, 29), AS_OF)) == [None, 0.0, 0.0]


def test_responses_known_by_a_flag_count_from_the_first_load_on() -> None:
    day = date(2025, 1, 29)
    flagged = (incident(1, day, worked_within_sla=True), incident(2, day, worked_within_sla=False))
    assert responses(*flagged, period=Period(date(2025, 1, 30), AS_OF)) == [None, 50.0]


def test_without_moments_of_response_nothing_is_unanswered() -> None:
    assert responses(incident(1, date(2025, 1, 2))) == [None]


def test_responses_count_for_ninety_days() -> None:
    old, new = answered(1, AS_OF - timedelta(days=90), 30), answered(2, AS_OF - timedelta(days=89), 3)
    assert responses(old, new) == [100.0]


def test_a_flag_holds_from_the_load_that_first_had_it_to_the_day_before_it_changed() -> None:
    versions = rows(
        "history_security_incidents",
        {
            "incident_id": "1",
            "worked_within_sla": False,
            "valid_from": date(2025, 1, 29),
            "valid_to": date(2025, 1, 29),
        },
        {"incident_id": "1", "worked_within_sla": True, "valid_from": date(2025, 1, 30)},
    )
    flagged = incident(1, date(2025, 1, 28), worked_within_sla=True)
    found = signals(Period(date(2025, 1, 28), AS_OF), flagged, history_security_incidents=versions)
    assert [row["incident_response_sla_pct_90d"] for row in found] == [None, 0.0, 100.0, 100.0]
