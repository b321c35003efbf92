"""Answers up to each day."""

from datetime import date

from health_assets.assets.fact.account_satisfaction_daily import fact_account_satisfaction_daily
from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows

EVENING = Period(AS_OF, AS_OF)


def response(key: str, day: date, rating: float | None = None, **given) -> dict:
    return {"feedback_id": key, "account_id": "A", "feedback_date": day, "nps_score": rating} | given


def signals(period: Period, *responses: dict) -> list[dict]:
    frames = rows("staged_accounts", account(signup=date(2023, 1, 1))), rows("staged_feedback", *responses)
    return fact_account_satisfaction_daily(*frames, SETTINGS, period).sort("as_of_date").collect().to_dicts()


def test_the_rating_of_an_account_is_its_latest_response() -> None:
    made = signals(Period(date(2025, 1, 29), AS_OF), response("1", date(2025, 1, 29), 9.0), response("2", AS_OF, 4.0))
    assert [row["nps_rating"] for row in made] == [9, 9, 4]
    assert [row["mean_nps_rating_365d"] for row in made] == [9, 9, 6.5]


def test_of_two_responses_on_one_day_the_higher_key_counts() -> None:
    made = signals(EVENING, response("2", AS_OF, 3.0), response("1", AS_OF, 8.0))[0]
    assert made["nps_rating"] == 3


def test_a_question_left_out_keeps_the_answer_before() -> None:
    first = response("1", date(2025, 1, 1), 8.0, likelihood_to_renew="high", satisfaction_score=4.0)
    made = signals(EVENING, first, response("2", AS_OF, None, likelihood_to_renew="low"))[0]
    assert (made["nps_rating"], made["likelihood_to_renew"], made["satisfaction_rating"]) == (8, "low", 4)
    assert (made["response_count_365d"], made["mean_nps_rating_365d"]) == (2, 8)


def test_a_year_holds_365_days_and_the_latest_response_does_not_age() -> None:
    # 2024 had a 29th of February: 365 days that end on 2025-01-31 begin on 2024-02-02
    assert signals(EVENING, response("1", date(2024, 2, 2), 9.0))[0]["response_count_365d"] == 1
    made = signals(EVENING, response("1", date(2024, 2, 1), 9.0))[0]
    assert (made["response_count_365d"], made["mean_nps_rating_365d"], made["nps_rating"]) == (0, None, 9)


def test_an_account_that_never_answered_has_no_rating() -> None:
    made = signals(EVENING, response("1", AS_OF, 9.0, account_id="B"))[0]
    assert (made["account_id"], made["nps_rating"], made["response_count_365d"]) == ("A", None, 0)


def test_before_the_first_response_of_the_company_nothing_is_measured() -> None:
    assert signals(Period(date(2025, 1, 30), date(2025, 1, 30)), response("1", AS_OF, 9.0)) == []
    assert signals(EVENING) == []
