"""Movements between bands, month by month."""

from datetime import date
from typing import Any

from health_assets.assets.mart.health.health_movements import bands__of_a_month_begin_as_the_month_before_ended
from health_assets_tests.assets.rows import made, rows

DECEMBER, MIDDLE, AS_OF = date(2024, 12, 31), date(2025, 1, 10), date(2025, 1, 20)


def score(account_id: str, day: date, band: str, points: float | None, version: str = "v1") -> dict[str, Any]:
    return {
        "account_id": account_id,
        "as_of_date": day,
        "scorecard": "standard",
        "scorecard_version": version,
        "health_band": band,
        "health_score": points,
    }


def movements(*scores: dict[str, Any], mrr: dict[tuple[str, date], float] | None = None) -> list[tuple[Any, ...]]:
    paid = [{"account_id": name, "as_of_date": day, "mrr": amount} for (name, day), amount in (mrr or {}).items()]
    found = made(
        "mart_health_movements",
        mart_customer_health_daily=rows("mart_customer_health_daily", *scores),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *paid),
        as_of=AS_OF,
    )
    return found.select("from_band", "to_band", "movement", "account_count", "mrr", "previous_mrr").rows()


def test_month_is_measured_at_its_end_and_the_current_one_on_the_as_of_day() -> None:
    found = movements(
        score("A", DECEMBER, "neutral", 61),
        score("A", MIDDLE, "critical", 10),
        score("A", AS_OF, "at_risk", 45),
        mrr={("A", DECEMBER): 120, ("A", AS_OF): 100},
    )
    assert found == [("neutral", "at_risk", "worsened", 1, 100, 120)]


def test_who_comes_and_who_goes_moves_from_and_to_no_band() -> None:
    found = movements(score("A", DECEMBER, "neutral", 61), score("B", AS_OF, "healthy", 90), mrr={("A", DECEMBER): 50})
    assert found == [("neutral", "not_scored", "left", 1, 0, 50), ("not_scored", "healthy", "new", 1, 0, 0)]


def test_other_weights_are_no_movement_of_the_account() -> None:
    found = movements(score("A", DECEMBER, "neutral", 61, "v0"), score("A", AS_OF, "at_risk", 45))
    assert found == [("neutral", "at_risk", "not_comparable", 1, 0, 0)]


def test_band_without_a_score_is_neither_better_nor_worse() -> None:
    found = movements(score("A", DECEMBER, "unknown", None), score("A", AS_OF, "healthy", 90))
    assert found == [("unknown", "healthy", "not_comparable", 1, 0, 0)]


def test_first_month_has_nothing_to_compare_with() -> None:
    assert movements(score("A", AS_OF, "healthy", 90)) == []


def test_month_that_does_not_begin_as_the_one_before_ended_is_found() -> None:
    january, february, april = (date(2025, month, 1) for month in (1, 2, 4))
    given = {"scorecard": "standard", "account_count": 1, "mrr": 50.0, "previous_mrr": 40.0}
    new = given | {"month": january, "from_band": "not_scored", "to_band": "neutral", "previous_mrr": 0.0}
    worse = given | {"month": february, "from_band": "neutral", "to_band": "at_risk", "previous_mrr": 50.0}
    after_a_gap = new | {"month": april}  # no account was scored at the end of March
    for second, faults in ((worse, 0), (worse | {"previous_mrr": 40.0}, 1), (worse | {"from_band": "healthy"}, 2)):
        found = bands__of_a_month_begin_as_the_month_before_ended(
            rows("mart_health_movements", new, second, after_a_gap)
        )
        assert found.collect().height == faults
