"""Incidents in the days up to each day."""

from datetime import date, datetime, timedelta

from health_assets.assets.fact.account_security_daily import fact_account_security_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows

EVENING = Period(AS_OF, AS_OF)


def incident(number: int, day: date, **given) -> dict:
    return {
        "incident_id": str(number), "account_id": "A", "severity": "high", "detected_date": day,
        "detected_at": datetime(day.year, day.month, day.day, 9),
    } | given  # fmt: skip


def signals(period: Period, *incidents: dict, **of_account) -> list[dict]:
    frames = rows("staged_accounts", account(**of_account)), rows("staged_security_incidents", *incidents)
    return fact_account_security_daily(*frames, SETTINGS, AS_OF, period).sort("as_of_date").collect().to_dicts()


def test_windows_hold_just_their_days() -> None:
    days_ago = (29, 30, 59, 60, 89, 90)
    made = signals(EVENING, *(incident(days, AS_OF - timedelta(days=days)) for days in days_ago))[0]
    counts = ("incident_count_30d", "incident_count_60d", "incident_count_90d", "incident_count_to_date")
    assert [made[count] for count in counts] == [1, 3, 5, 6]


def test_an_incident_counts_from_its_day_on_and_no_longer_than_its_window() -> None:
    period = Period(date(2025, 1, 1), AS_OF)
    made = signals(period, incident(1, date(2024, 12, 1)), incident(2, date(2025, 1, 2), severity="critical"))
    assert [row["incident_count_30d"] for row in made] == [0] + [1] * 30
    assert [row["critical_incident_count_90d"] for row in made] == [0] + [1] * 30
    assert [row["incident_count_to_date"] for row in made] == [1] + [2] * 30


def test_an_account_without_incidents_has_none_and_not_null() -> None:
    made = signals(EVENING, incident(1, AS_OF, account_id="B"))[0]
    assert (made["account_id"], made["incident_count_90d"], made["false_positive_count_to_date"]) == ("A", 0, None)


def test_before_the_first_incident_of_the_company_nothing_is_measured() -> None:
    made = signals(Period(date(2025, 1, 30), AS_OF), incident(1, AS_OF))
    assert [row["as_of_date"] for row in made] == [AS_OF]
    assert signals(EVENING) == []


def test_an_incident_before_signup_counts_from_signup_on() -> None:
    made = signals(Period(date(2025, 1, 1), AS_OF), incident(1, date(2025, 1, 29)), signup=date(2025, 1, 31))
    assert [row["incident_count_30d"] for row in made] == [1]


def test_a_false_positive_is_known_from_its_containment_on() -> None:
    false = incident(1, date(2025, 1, 28), is_false_positive=True, contained_at=datetime(2025, 1, 30, 8))
    undated = incident(2, date(2025, 1, 28), is_false_positive=True)
    made = signals(Period(date(2025, 1, 29), AS_OF), false, undated)
    assert [row["false_positive_count_to_date"] for row in made] == [0, 1, 2]


def test_false_positives_without_any_date_are_known_on_the_load_day_only() -> None:
    made = signals(Period(date(2025, 1, 30), AS_OF), incident(1, date(2025, 1, 28), is_false_positive=True))
    assert [row["false_positive_count_to_date"] for row in made] == [None, 1]
