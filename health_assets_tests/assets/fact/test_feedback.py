"""Survey responses."""

from datetime import date

from health_assets.assets.fact.feedback import fact_feedback
from health_assets_tests.assets.rows import AS_OF, SETTINGS, rows


def categories(*ratings: float | None) -> list[str | None]:
    responses = (
        {"feedback_id": str(n), "account_id": "A", "feedback_date": AS_OF, "nps_score": rating}
        for n, rating in enumerate(ratings)
    )
    made = fact_feedback(rows("staged_feedback", *responses), rows("dim_account"), SETTINGS, AS_OF)
    return made.collect()["nps_category"].to_list()


def test_nine_and_ten_promote_up_to_six_detract() -> None:
    assert categories(0, 6, 7, 8, 9, 10) == ["detractor"] * 2 + ["passive"] * 2 + ["promoter"] * 2


def test_a_response_without_a_rating_is_neither() -> None:
    assert categories(None) == [None]


def test_responses_after_the_as_of_day_are_not_known_yet() -> None:
    late = {"feedback_id": "1", "account_id": "A", "feedback_date": date(2025, 2, 1), "nps_score": 9.0}
    assert fact_feedback(rows("staged_feedback", late), rows("dim_account"), SETTINGS, AS_OF).collect().to_dicts() == []
