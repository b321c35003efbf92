"""The journey of each account."""

from datetime import date

import pytest

from health_assets.assets.mart.revenue.customer_journey import mart_customer_journey
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows

GROWING = {"health_score": 80.0, "license_utilization": 0.8, "lifecycle_stage": "growing"}
CLOSED = {"account_id": "B", "is_open": False, "is_escalated": True}


def journey(events: list[dict] = [], tickets: list[dict] = [CLOSED], **given) -> dict:  # noqa: B006
    given = GROWING | given
    now = {"account_id": "A", "as_of_date": AS_OF}
    account = {"account_id": "A", "segment": "smb", "lifecycle_stage": given["lifecycle_stage"], "is_active": False}
    return mart_customer_journey(
        rows("dim_account", account),
        rows("staged_contract_events", *({"event_id": str(n), "account_id": "A"} | e for n, e in enumerate(events))),
        rows("fact_tickets", *tickets),
        rows("fact_account_revenue_daily", now | {"days_to_renewal": 40}),
        rows("fact_account_adoption_daily", now | {"license_utilization": given["license_utilization"]}),
        rows("fact_account_satisfaction_daily", now | {"likelihood_to_renew": "high", "nps_rating": 9.0}),
        rows("mart_customer_health", now | {"health_score": given["health_score"]}),
        rows("mart_churn_risk", {"account_id": "A", "risk_level": "low"}),
        SETTINGS,
        AS_OF,
    ).collect().row(0, named=True)  # fmt: skip


def test_an_account_could_grow_from_the_limits_on() -> None:
    assert journey()["is_expansion_opportunity"] is True


def test_a_trial_that_uses_what_it_tries_could_grow() -> None:
    assert journey(lifecycle_stage="trial")["is_expansion_opportunity"] is True


@pytest.mark.parametrize(
    "but", [{"health_score": 79.9}, {"license_utilization": 0.79}, {"lifecycle_stage": "onboarding"}]
)
def test_each_condition_is_needed(but: dict) -> None:
    assert journey(**but)["is_expansion_opportunity"] is False


def test_an_open_escalation_is_no_time_to_sell() -> None:
    made = journey(tickets=[{"account_id": "A", "is_open": True, "is_escalated": True}])
    assert (made["open_escalated_ticket_count"], made["is_expansion_opportunity"]) == (1, False)


def test_one_ticket_of_which_it_is_not_known_leaves_the_open_escalations_unknown() -> None:
    known = {"account_id": "A", "is_open": True, "is_escalated": True}
    made = journey(tickets=[known, known | {"ticket_id": "2", "is_escalated": None}])
    assert (made["open_escalated_ticket_count"], made["is_expansion_opportunity"]) == (None, None)


def test_what_is_not_known_is_no_opportunity_and_no_refusal_either() -> None:
    assert journey(health_score=None)["is_expansion_opportunity"] is None
    assert journey(license_utilization=None)["is_expansion_opportunity"] is None
    assert journey(tickets=[])["open_escalated_ticket_count"] is None
    assert journey(tickets=[])["is_expansion_opportunity"] is None


def test_contract_events_up_to_the_as_of_day_are_counted_and_their_impact_summed() -> None:
    events = [
        {"event_date": date(2025, 1, 5), "event_type": "renewed", "revenue_impact": 15000.0},
        {"event_date": date(2025, 1, 9), "event_type": "downgraded", "revenue_impact": -5000.0},
        {"event_date": date(2025, 1, 9), "event_type": "other", "revenue_impact": None},
        {"event_date": date(2025, 2, 1), "event_type": "cancelled", "revenue_impact": -99.0},
    ]
    made = journey(events)
    counts = ("contract_event_count", "renewed_count", "downgraded_count", "cancelled_count")
    assert [made[count] for count in counts] == [3, 1, 1, 0]
    assert made["revenue_impact_total"] == 10000
    assert (made["latest_contract_event_type"], made["latest_contract_event_date"]) == ("other", date(2025, 1, 9))


def test_an_account_without_events_has_none_and_without_the_source_nothing_is_known() -> None:
    assert journey([{"account_id": "B", "event_date": AS_OF, "event_type": "other"}])["contract_event_count"] == 0
    assert journey()["contract_event_count"] is None


def test_signals_are_those_of_the_as_of_day() -> None:
    made = journey()
    assert (made["days_to_renewal"], made["likelihood_to_renew"], made["nps_rating"]) == (40, "high", 9)
    assert (made["risk_level"], made["as_of_date"]) == ("low", AS_OF)
