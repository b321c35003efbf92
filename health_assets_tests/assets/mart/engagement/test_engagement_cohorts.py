"""Cohorts by use of the product."""

from datetime import date

from health_assets.assets.mart.engagement.engagement_cohorts import mart_engagement_cohorts
from health_assets_tests.assets.rows import SETTINGS, rows

DECEMBER, JANUARY, AS_OF = date(2024, 12, 1), date(2025, 1, 1), date(2025, 1, 20)
COHORT = [
    {"cohort_month": DECEMBER, "month_offset": n, "month": month, "cohort_account_count": 2}
    for n, month in enumerate((DECEMBER, JANUARY))
]
MEMBERS = [{"account_id": name, "month": DECEMBER, "movement": "new"} for name in ("A", "B")]
USED = {"account_id": "A", "activity_date": date(2024, 12, 9), "active_user_count": 2}


def cohorts(usage: list[dict], health: tuple = ()) -> list[dict]:
    made = mart_engagement_cohorts(
        rows("mart_revenue_cohorts", *COHORT),
        rows("fact_revenue_monthly", *MEMBERS),
        rows("fact_usage_daily", *usage),
        rows("mart_customer_health_daily", *health),
        SETTINGS,
        AS_OF,
    )
    return made.collect().rows(named=True)


def test_size_is_fixed_and_an_account_counts_once_a_month() -> None:
    again = USED | {"activity_date": date(2024, 12, 10)}
    later = USED | {"account_id": "B", "activity_date": date(2025, 1, 2)}
    first, second = cohorts([USED, again, later])
    assert (first["engaged_account_count"], first["engagement_retention_pct"]) == (1, 50.0)
    assert (second["cohort_account_count"], second["engaged_account_count"]) == (2, 1)


def test_events_of_machines_are_no_engagement() -> None:
    machine = USED | {"account_id": "B", "active_user_count": 0}
    assert cohorts([USED, machine])[0]["engaged_account_count"] == 1


def test_month_in_which_no_usage_came_in_is_not_measured() -> None:
    first, second = cohorts([USED])
    assert (first["engaged_account_count"], second["engaged_account_count"]) == (1, None)
    assert second["engagement_retention_pct"] is None


def test_month_whose_events_name_no_user_is_not_measured() -> None:
    assert cohorts([USED | {"active_user_count": None}])[0]["engaged_account_count"] is None


def test_month_in_which_only_others_were_active_is_a_measured_0() -> None:
    other = USED | {"account_id": "elsewhere", "activity_date": date(2025, 1, 2)}
    assert cohorts([USED, other])[1]["engaged_account_count"] == 0


def test_health_is_that_of_month_end_and_in_the_as_of_month_of_the_as_of_day() -> None:
    health = (
        {"account_id": "A", "as_of_date": date(2024, 12, 30), "health_score": 10.0},
        {"account_id": "A", "as_of_date": date(2024, 12, 31), "health_score": 80.0},
        {"account_id": "B", "as_of_date": date(2024, 12, 31), "health_score": 60.0},
        {"account_id": "A", "as_of_date": AS_OF, "health_score": 50.0},
        {"account_id": "B", "as_of_date": AS_OF, "health_score": None},
    )
    first, second = cohorts([USED], health)
    assert (first["mean_health_score"], first["scored_account_count"]) == (70.0, 2)
    assert (second["mean_health_score"], second["scored_account_count"]) == (50.0, 1)


def test_mean_health_is_bit_identical_in_any_order() -> None:
    at_month_end = {"as_of_date": date(2024, 12, 31)}
    health = tuple(
        at_month_end | {"account_id": name, "health_score": score} for name, score in (("A", 80.1), ("B", 0.000000001))
    )
    assert cohorts([USED], health)[0]["mean_health_score"] == cohorts([USED], health[::-1])[0]["mean_health_score"]
