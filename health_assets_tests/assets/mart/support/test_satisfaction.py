"""NPS and ratings by month."""

from collections.abc import Sequence
from datetime import date

import polars as pl

from health_assets.assets.mart.support.satisfaction import mart_satisfaction
from health_assets_tests.assets.rows import AS_OF, rows

CATEGORIES = {0: "detractor", 6: "detractor", 7: "passive", 8: "passive", 9: "promoter", 10: "promoter"}


def response(number: int, rating: int | None, day: date = date(2025, 1, 10), **given) -> dict:
    return {
        "feedback_id": str(number), "account_id": "A", "feedback_date": day, "feedback_month": day.replace(day=1),
        "nps_rating": None if rating is None else float(rating), "nps_category": CATEGORIES.get(rating),
    } | given  # fmt: skip


def satisfaction(
    responses: list[dict], answers: Sequence[dict] = (), is_scored: Sequence[str] = (), as_of: date = AS_OF
) -> pl.DataFrame:
    scored = ({"account_id": account, "as_of_date": AS_OF, "is_scored": True} for account in is_scored)
    return mart_satisfaction(
        rows("fact_feedback", *responses),
        rows(
            "fact_account_satisfaction_daily", *({"as_of_date": AS_OF, "response_count_365d": 0} | a for a in answers)
        ),
        rows("fact_account_revenue_daily", *scored),
        rows("dim_account", *({"account_id": a["account_id"], "segment": "smb"} for a in answers)),
        as_of,
    ).collect()


def latest(*arguments) -> dict:
    return satisfaction(*arguments).filter(pl.col("dimension_type") == "all").sort("month").row(-1, named=True)


def test_nps_is_promoters_minus_detractors_of_all_responses() -> None:
    # 3 promoters, 2 passives, 1 detractor of 6: 50 % - 16.67 % = 33.33; the mean of the ratings is another number
    row = latest([response(n, rating) for n, rating in enumerate((10, 9, 9, 8, 7, 0))])
    assert round(row["nps"], 4) == 33.3333
    assert round(row["mean_nps_rating_365d"], 4) == 7.1667
    assert (row["promoter_count_365d"], row["passive_count_365d"], row["detractor_count_365d"]) == (3, 2, 1)


def test_the_nps_of_the_month_stands_apart_from_that_of_the_year() -> None:
    row = latest([response(1, 10, date(2024, 12, 31)), response(2, 0)])
    assert (row["response_count"], row["month_nps"], row["mean_nps_rating"]) == (1, -100, 0)
    assert (row["response_count_365d"], row["nps"], row["mean_nps_rating_365d"]) == (2, 0, 5)


def test_a_response_counts_for_365_days() -> None:
    # 365 days that end on 2025-01-31 begin on 2024-02-02
    months = satisfaction([response(1, 9, date(2024, 2, 2)), response(2, 0, date(2024, 2, 1))])
    by_month = dict(months.filter(pl.col("dimension_type") == "all").select("month", "response_count_365d").iter_rows())
    assert (by_month[date(2024, 2, 1)], by_month[date(2024, 12, 1)], by_month[date(2025, 1, 1)]) == (2, 2, 1)


def test_a_response_that_leaves_the_question_out_is_no_part_of_the_nps() -> None:
    row = latest([response(1, 9), response(2, None)])
    assert (row["response_count_365d"], row["nps"]) == (2, 100)
    assert latest([response(1, None)])["nps"] is None


def test_renewal_likelihood_is_of_the_accounts_answering_by_their_latest_answer() -> None:
    answers = [
        {"account_id": "A", "likelihood_to_renew": "high", "response_count_365d": 1},
        {"account_id": "B", "likelihood_to_renew": "low", "response_count_365d": 2},
        {"account_id": "C", "likelihood_to_renew": None, "response_count_365d": 1},
        {"account_id": "D"},
    ]
    row = latest([response(1, 9)], answers, ["A", "B", "C", "D"])
    assert (row["high_renewal_account_count"], row["answering_account_count"]) == (1, 2)
    assert row["renewal_likelihood_high_pct"] == 50
    assert (row["eligible_account_count"], row["responding_account_count_365d"], row["response_rate_365d"]) == (
        4,
        3,
        0.75,
    )


def test_churned_accounts_are_not_counted() -> None:
    row = latest([response(1, 9)], [{"account_id": "A", "response_count_365d": 1}, {"account_id": "B"}], ["B"])
    assert (row["eligible_account_count"], row["responding_account_count_365d"], row["response_rate_365d"]) == (1, 0, 0)


def test_the_as_of_month_is_partial_unless_its_last_day_has_come() -> None:
    assert satisfaction([response(1, 9)])["is_partial"].to_list() == [False, False]
    assert satisfaction([response(1, 9)], as_of=date(2025, 1, 30))["is_partial"].to_list() == [True, True]


def test_a_source_that_is_not_connected_gives_no_rows() -> None:
    assert satisfaction([]).is_empty()
