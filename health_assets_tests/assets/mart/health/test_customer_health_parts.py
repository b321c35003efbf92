"""What each score is made of."""

from datetime import date

import polars as pl
import pytest

from health_assets.assets.mart.health.customer_health_parts import contributions__of_all_measures_are_the_score
from health_assets_tests.assets.rows import made, rows

EARLIER, MIDDLE, LAST = date(2024, 12, 21), date(2025, 1, 10), date(2025, 1, 20)
REVENUE = {"account_id": "A", "is_scored": True, "mrr_change_ratio_90d": 0.05, "overdue_invoice_count": 1}


def parts() -> pl.DataFrame:
    return made(
        "mart_customer_health_parts",
        dim_account=rows("dim_account", {"account_id": "A", "signup_date": EARLIER}),
        fact_account_revenue_daily=rows(
            "fact_account_revenue_daily", *(REVENUE | {"as_of_date": day} for day in (EARLIER, MIDDLE, LAST))
        ),
        fact_account_satisfaction_daily=rows(
            "fact_account_satisfaction_daily", {"account_id": "A", "as_of_date": LAST, "nps_rating": 9.0}
        ),
        as_of=LAST,
    )


def test_parts_are_those_of_the_as_of_day_and_of_30_days_before() -> None:
    assert sorted(parts()["as_of_date"].unique()) == [EARLIER, LAST]


def test_contributions_of_the_measures_sum_to_the_score() -> None:
    # revenue: (.4 x 100 + .4 x 50) / .8 = 75, satisfaction 100: (.25 x 75 + .10 x 100) / .35
    today = parts().filter(pl.col("as_of_date") == LAST).drop_nulls("contribution").sort("measure")
    assert today["measure"].to_list() == ["mrr_change", "nps", "overdue"]
    score = (0.25 * 75 + 0.10 * 100) / 0.35
    assert today["contribution"].to_list() == pytest.approx([0.25 * 50 / 0.35, 10 / 0.35, 0.25 * 25 / 0.35])
    assert today["contribution"].sum() == pytest.approx(score)
    assert today.select("metric", "value", "score").rows() == [
        ("mrr_change_ratio_90d", 0.05, 100), ("nps_rating", 9, 100), ("overdue_invoice_count", 1, 50),
    ]  # fmt: skip


def test_every_measure_of_the_scorecard_has_a_row_and_weights_sum_to_1() -> None:
    today = parts().filter(pl.col("as_of_date") == LAST)
    assert today["weight"].sum() == pytest.approx(1)
    missing = today.filter(measure="csat").row(0, named=True)
    assert (missing["score"], missing["is_connected"], missing["contribution"]) == (None, False, None)


def test_score_that_is_not_the_sum_of_its_parts_is_found() -> None:
    part = {"account_id": "A", "as_of_date": LAST, "measure": "nps", "contribution": 60.0}
    made_of = rows("mart_customer_health_parts", part, part | {"measure": "recency", "contribution": 45.0})
    health = {"account_id": "A", "as_of_date": LAST, "health_score": 20.0, "rounding_difference": -5.0}
    for computed, faults in ((100.0, 0), (99.0, 1), (None, 0)):  # limited to 100; set to 20 by hand
        found = contributions__of_all_measures_are_the_score(
            made_of, rows("mart_customer_health", health | {"computed_health_score": computed})
        )
        assert found.collect().height == faults
