"""Tickets against their targets."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from health_assets.assets.fact.tickets import Tickets
from health_assets.settings.support import Support
from health_assets_tests.assets.rows import AS_OF, SETTINGS, made, rows

CREATED = datetime(2025, 1, 30, 12)


def ticket(resolved: datetime | None, created: datetime = CREATED, key: str = "T", **given: Any) -> dict[str, Any]:
    return {
        "ticket_id": key, "account_id": "A", "created_at": created, "created_date": created.date(),
        "resolved_at": resolved, "priority": "p1", "status": "resolved" if resolved else "open",
        "satisfaction_score": 3.9,
    } | given  # fmt: skip


def facts(*tickets: dict[str, Any], **given: Any) -> list[dict[str, Any]]:
    """The tickets on a day, of files loaded once, on the as-of day."""
    return made("fact_tickets", staged_support_tickets=rows("staged_support_tickets", *tickets), **given).to_dicts()


def of_one(resolved: datetime | None, created: datetime = CREATED, **given: Any) -> dict[str, Any]:
    return facts(ticket(resolved, created, **given))[0]


@pytest.mark.parametrize("as_of", [AS_OF, AS_OF - timedelta(days=1)])
def test_ticket_escalated_after_the_day_is_not_escalated_on_it(as_of: date) -> None:
    ticket = {
        "ticket_id": "T", "account_id": "A", "created_at": CREATED, "created_date": CREATED.date(),
        "status": "escalated", "is_escalated": True, "escalated_at": datetime(2025, 2, 1),
    }  # fmt: skip
    (found,) = facts(ticket, as_of=as_of)
    assert (found["is_escalated"], found["escalated_at"]) == (False, None)


def test_whether_a_ticket_was_escalated_is_unknown_where_no_escalation_is_exported() -> None:
    one, other = ticket(None, key="1"), ticket(None, key="2", status="escalated", is_escalated=True)
    assert [found["is_escalated"] for found in facts(one, ticket(None, key="2"))] == [None, None]
    assert [found["is_escalated"] for found in facts(one, other)] == [False, True]


@pytest.mark.parametrize(("resolved_hour", "state"), [(16, "met"), (17, "breached")])
def test_exactly_on_the_target_is_met(resolved_hour: int, state: str) -> None:
    assert of_one(datetime(2025, 1, 30, resolved_hour))["sla_state"] == state


def test_open_ticket_past_its_target_counts_as_breached() -> None:
    assert of_one(None)["sla_state"] == "breached"


def test_open_ticket_inside_its_target_is_pending() -> None:
    assert of_one(None, priority="p4")["sla_state"] == "pending"


def test_ticket_resolved_after_the_day_is_open_and_its_rating_not_known() -> None:
    found = of_one(datetime(2025, 2, 1, 1), priority="p4")
    assert (found["is_open"], found["resolution_hours"], found["csat_tier"]) == (True, None, "no_rating")


def test_ticket_resolved_before_it_was_created_has_no_hours_and_an_unknown_state() -> None:
    found = of_one(datetime(2025, 1, 30, 11), status="resolved")
    assert (found["resolution_hours"], found["sla_state"]) == (None, "unknown")


def test_deadline_at_the_midnight_that_ends_the_day_is_past() -> None:
    assert of_one(None, created=datetime(2025, 1, 31, 20))["sla_state"] == "breached"


def test_ticket_without_a_priority_has_no_target_and_an_unknown_state() -> None:
    found = of_one(datetime(2025, 1, 30, 13), priority=None)
    assert (found["resolution_hours"], found["sla_target_hours"], found["sla_state"]) == (1.0, None, "unknown")


def test_rating_is_not_rounded_to_satisfied() -> None:
    assert of_one(datetime(2025, 1, 30, 13))["csat_tier"] == "neutral"


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
    found = of_one(resolved)
    assert (found["sla_ratio"], found["resolution_speed"]) == (ratio, speed)


@pytest.mark.parametrize("status", ["new", "open", "in_progress", "pending", "on_hold", "escalated"])
def test_ticket_that_the_file_calls_open_is_open_and_reopened_whatever_resolved_at_says(status: str) -> None:
    found = of_one(datetime(2025, 1, 30, 13), status=status)  # within 1 of 4 hours, but open again
    assert (found["is_open"], found["is_reopened"], found["resolved_at"]) == (True, True, None)
    assert (found["sla_state"], found["resolution_hours"], found["resolution_speed"]) == (
        "breached",
        None,
        "unresolved",
    )
    assert found["satisfaction_score"] == 3.9  # given when it was resolved


def test_reopened_ticket_was_resolved_on_the_days_before_the_load_that_first_called_it_open() -> None:
    (found,) = facts(ticket(datetime(2025, 1, 30, 13), status="open"), as_of=date(2025, 1, 30))
    assert (found["is_open"], found["is_reopened"], found["sla_state"]) == (False, False, "met")


def test_ticket_resolved_at_an_unknown_time_is_open_as_long_as_its_status_says_so() -> None:
    versions = rows(
        "history_support_tickets",
        {"ticket_id": "T", "status": "open", "valid_from": date(2025, 1, 30), "valid_to": date(2025, 1, 30)},
        {"ticket_id": "T", "status": "closed", "valid_from": date(2025, 1, 31)},
    )
    undated = ticket(None, datetime(2025, 1, 29), status="closed")
    days = (date(2025, 1, 29), date(2025, 1, 30), AS_OF)
    found = [facts(undated, history_support_tickets=versions, as_of=day)[0] for day in days]
    assert [row["is_open"] for row in found] == [None, True, False]
    assert [row["sla_state"] for row in found] == ["unknown", "breached", "unknown"]


def test_ticket_without_a_status_is_resolved_by_its_moment() -> None:
    found = of_one(datetime(2025, 1, 30, 13), status=None)
    assert (found["is_open"], found["is_reopened"]) == (False, False)


@pytest.mark.parametrize(
    ("answered", "state"),  # p1: 1 hour
    [(datetime(2025, 1, 30, 13), "met"), (datetime(2025, 1, 30, 13, 1), "breached"), (None, "breached")],
)
def test_first_response_is_held_against_the_target_of_the_priority(answered: datetime | None, state: str) -> None:
    other = ticket(None, key="other", first_response_at=datetime(2025, 1, 30, 12, 30))
    _, found = sorted(facts(ticket(None, first_response_at=answered), other), key=lambda row: row["ticket_id"] == "T")
    assert (found["first_response_target_hours"], found["first_response_state"]) == (1.0, state)


def test_unanswered_ticket_is_pending_until_the_deadline_and_unknown_once_resolved() -> None:
    answered = ticket(None, key="A", first_response_at=datetime(2025, 1, 30, 12, 30))
    pending = ticket(None, datetime(2025, 1, 31, 12), key="B", priority="p4")  # 24 hours
    resolved = ticket(datetime(2025, 1, 30, 13), key="C")
    states = [row["first_response_state"] for row in facts(answered, pending, resolved)]
    assert states == ["met", "pending", "unknown"]


def test_first_response_is_unknown_where_answers_are_not_exported_or_lie_before_the_opening() -> None:
    assert of_one(None)["first_response_state"] == "unknown"
    early = of_one(None, first_response_at=datetime(2025, 1, 30, 11))
    assert (early["first_response_hours"], early["first_response_state"]) == (None, "unknown")


def test_response_after_the_day_is_not_known_on_it() -> None:
    found = of_one(None, datetime(2025, 1, 31, 12), priority="p4", first_response_at=datetime(2025, 2, 1, 9))
    assert (found["first_response_at"], found["first_response_hours"], found["first_response_state"]) == (
        None,
        None,
        "pending",
    )


def test_in_business_hours_the_night_does_not_count() -> None:
    business = {"hours": "business"}
    company = SETTINGS.model_copy(update={"support": SETTINGS.support.model_copy(update=business)})
    overnight = ticket(
        datetime(2025, 1, 31, 11), datetime(2025, 1, 30, 16), first_response_at=datetime(2025, 1, 30, 17)
    )
    (found,) = facts(overnight, settings=company)
    assert (found["resolution_hours"], found["sla_state"]) == (3.0, "met")  # 1 on Thursday, 2 on Friday
    assert (found["first_response_hours"], found["first_response_state"]) == (1.0, "met")
    late_on_friday = ticket(None, datetime(2025, 1, 31, 16))  # due on Monday at 12
    assert facts(late_on_friday, settings=company)[0]["sla_state"] == "pending"


def company_with(**support: Any) -> Any:
    given = SETTINGS.support.model_dump(by_alias=True) | support
    return SETTINGS.model_copy(update={"support": Support.model_validate(given)})


OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00", "timezone": "Europe/Berlin"}
ROUND_THE_CLOCK = {"days": ["sun"], "from": "00:00", "to": "24:00", "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("office", "holidays", "opened", "resolved", "calendar", "business"),
    [  # over a weekend: 16:00 to 17:00 on Friday and 9:00 to 10:00 on Monday, in Berlin
        (OFFICE, [], datetime(2025, 1, 24, 15), datetime(2025, 1, 27, 9), 66.0, 2.0),
        # the same when the clocks go forward in between, and when they go back
        (OFFICE, [], datetime(2024, 3, 29, 15), datetime(2024, 4, 1, 8), 65.0, 2.0),
        (OFFICE, [], datetime(2024, 10, 25, 14), datetime(2024, 10, 28, 9), 67.0, 2.0),
        # all of the Sunday of 23 hours
        (ROUND_THE_CLOCK, [], datetime(2024, 3, 30, 20), datetime(2024, 3, 31, 23), 27.0, 23.0),
        # a holiday on Monday: 1 hour on Friday, 2 on Tuesday
        (OFFICE, [date(2025, 1, 27)], datetime(2025, 1, 24, 15), datetime(2025, 1, 28, 10), 91.0, 3.0),
    ],
)
def test_hours_are_given_by_both_clocks(
    office: dict[str, Any], holidays: list[date], opened: datetime, resolved: datetime, calendar: float, business: float
) -> None:
    company = company_with(business_hours=office | {"holidays": holidays})
    (found,) = facts(ticket(resolved, opened, first_response_at=resolved), settings=company)
    assert (found["calendar_resolution_hours"], found["business_resolution_hours"]) == (calendar, business)
    assert (found["calendar_first_response_hours"], found["business_first_response_hours"]) == (calendar, business)
    states = [found[f"{clock}_sla_state"] for clock in ("calendar", "business")]
    assert states == ["breached", "met" if business <= 4 else "breached"]


@pytest.mark.parametrize("counts", ["calendar", "business"])
def test_what_counts_is_one_of_the_clocks_and_both_are_published(counts: str) -> None:
    late_on_friday = ticket(None, datetime(2025, 1, 31, 16))  # by business hours due on Monday at 12:00
    (found,) = facts(late_on_friday, settings=company_with(hours=counts))
    by_clock = {"calendar": "breached", "business": "pending"}
    assert {clock: found[f"{clock}_sla_state"] for clock in by_clock} == by_clock
    assert found["sla_state"] == by_clock[counts]


def test_without_business_hours_what_they_would_give_is_null() -> None:
    (found,) = facts(ticket(datetime(2025, 1, 30, 14)), settings=company_with(business_hours=None))
    assert (found["resolution_hours"], found["calendar_resolution_hours"], found["calendar_sla_state"]) == (2, 2, "met")
    assert [value for name, value in found.items() if name.startswith("business_")] == [None] * 4


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        ({"business_resolution_hours": 11.0}, "business_hours__at_most_calendar_hours"),
        ({"business_sla_state": "breached"}, "business_sla_state__met_where_calendar_hours_meet"),
        ({"resolution_hours": 3.0}, "hours__of_one_of_the_clocks"),
    ],
)
def test_check_of_the_clocks_fails_where_they_contradict_each_other(broken: dict[str, Any], rule: str) -> None:
    sound = facts(ticket(datetime(2025, 1, 30, 14)))[0]
    assert Tickets.filter(rows("fact_tickets", sound)).failure.counts() == {}
    assert Tickets.filter(rows("fact_tickets", sound | broken)).failure.counts() == {rule: 1}
