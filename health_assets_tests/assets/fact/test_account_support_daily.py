"""Support in the days up to each day."""

from datetime import date, datetime

from health_assets.assets.fact.account_support_daily import fact_account_support_daily
from health_assets.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows


def ticket(number: int, created: datetime, resolved: datetime | None, **given) -> dict:
    return {
        "ticket_id": str(number), "account_id": "A", "created_at": created, "created_date": created.date(),
        "resolved_at": resolved, "priority": "p1", "status": "open",
    } | given  # fmt: skip


def signals(period: Period, *tickets: dict) -> list[dict]:
    frames = rows("staged_accounts", account()), rows("staged_support_tickets", *tickets)
    return fact_account_support_daily(*frames, SETTINGS, AS_OF, period).sort("as_of_date").collect().to_dicts()


def test_a_ticket_is_open_on_the_days_before_it_was_resolved_and_its_rating_unknown() -> None:
    late = ticket(1, datetime(2025, 1, 29, 8), datetime(2025, 1, 30, 8), satisfaction_score=2.0, status="resolved")
    made = signals(Period(date(2025, 1, 29), date(2025, 1, 30)), late)
    assert [row["open_ticket_count"] for row in made] == [1, 0]
    assert [row["mean_csat_90d"] for row in made] == [None, 2.0]
    assert [row["sla_adherence_pct_90d"] for row in made] == [0.0, 0.0]


def test_windows_hold_just_their_days() -> None:
    days = (date(2025, 1, 2), date(2025, 1, 1), date(2024, 11, 3), date(2024, 11, 2))  # 29, 30, 89 and 90 days ago
    made = signals(
        Period(AS_OF, AS_OF),
        *(ticket(n, datetime(day.year, day.month, day.day, 9), None) for n, day in enumerate(days)),
    )[0]
    assert (made["ticket_count_30d"], made["ticket_count_31d"], made["ticket_count_90d"]) == (1, 2, 3)
    assert made["open_ticket_count"] == 4


def test_before_the_first_ticket_of_the_company_nothing_is_measured() -> None:
    assert signals(Period(date(2025, 1, 1), date(2025, 1, 2)), ticket(1, datetime(2025, 1, 20), None)) == []
