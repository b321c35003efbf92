"""Health on the as-of day: trend and priority."""

from datetime import date
from typing import Any

import polars as pl

from health_assets_tests.assets.rows import made, rows

AS_OF, EARLIER = date(2025, 1, 31), date(2025, 1, 1)


def score(account_id: str, health_score: float | None, as_of_date: date = AS_OF, version: str = "v1") -> dict[str, Any]:
    return {
        "account_id": account_id,
        "as_of_date": as_of_date,
        "scorecard": "standard",
        "scorecard_version": version,
        "health_score": health_score,
    }


def health(*scores: dict[str, Any], mrr: dict[str, float | None], overrides: tuple = ()) -> pl.DataFrame:
    return made(
        "mart_customer_health",
        mart_customer_health_daily=rows("mart_customer_health_daily", *scores),
        staged_health_overrides=rows("staged_health_overrides", *overrides),
        dim_account=rows("dim_account", *({"account_id": name, "mrr": amount} for name, amount in mrr.items())),
    )


def test_trend_compares_scores_of_one_version_only() -> None:
    found = health(
        score("a1", 50),
        score("a1", 64, EARLIER),
        score("a2", 50),
        score("a2", 64, EARLIER, "v0"),
        mrr={"a1": 1, "a2": 1},
    )
    assert found.sort("account_id")["trend_30d"].to_list() == [-14, None]


def test_priority_is_by_score_then_mrr_then_account_and_unknown_comes_last() -> None:
    found = health(
        score("a1", 50), score("a2", 50), score("a3", 50), score("a4", None), score("a5", 40),
        mrr={"a1": 10, "a2": 20, "a3": 20, "a4": 99, "a5": None},
    )  # fmt: skip
    assert found["account_id"].to_list() == ["a5", "a2", "a3", "a1", "a4"]
    assert found["intervention_priority"].to_list() == [1, 2, 3, 4, 5]


def test_each_trend_looks_back_its_own_days() -> None:
    days = {AS_OF: 50.0, date(2025, 1, 24): 48.0, EARLIER: 64.0, date(2024, 11, 2): 40.0}
    row = health(*(score("a1", points, day) for day, points in days.items()), mrr={"a1": 1}).to_dicts()[0]
    assert (row["trend_7d"], row["trend_30d"], row["trend_90d"]) == (2, -14, 10)


def test_days_in_band_count_from_the_last_change_of_band_or_version_and_over_no_gap() -> None:
    def days(*bands: tuple[int, str, str]) -> int:
        given = [score("a1", 1, date(2025, 1, day), version) | {"health_band": band} for day, band, version in bands]
        return health(*given, mrr={"a1": 1})["days_in_band"].item()

    assert days((28, "neutral", "v1"), (29, "at_risk", "v1"), (30, "at_risk", "v1"), (31, "at_risk", "v1")) == 3
    assert days((29, "at_risk", "v0"), (30, "at_risk", "v1"), (31, "at_risk", "v1")) == 2
    assert days((28, "at_risk", "v1"), (30, "at_risk", "v1"), (31, "at_risk", "v1")) == 2
    assert days((31, "at_risk", "v1")) == 1


def test_band_movement_is_of_one_version_only() -> None:
    def movement(now: float | None, before: float | None, band: str, earlier: str, version: str = "v1") -> str | None:
        then = [] if before is None else [score("a1", before, EARLIER, version) | {"health_band": earlier}]
        return health(score("a1", now) | {"health_band": band}, *then, mrr={"a1": 1})["band_movement"].item()

    assert movement(61, 59, "neutral", "at_risk") == "improved"
    assert movement(59, 61, "at_risk", "neutral") == "worsened"
    assert movement(61, 79, "neutral", "neutral") == "same"
    assert movement(61, None, "neutral", "") == "new"
    assert movement(59, 61, "at_risk", "neutral", version="v0") is None
    assert movement(None, 61, "unknown", "neutral") is None


def by_hand(valid_from: date = AS_OF, expiry_date: date = AS_OF, **given: Any) -> dict[str, Any]:
    return {
        "account_id": "a1",
        "valid_from": valid_from,
        "expiry_date": expiry_date,
        "reason": "New sponsor left",
        "author": "Sarah Chen",
    } | given


def shown(*overrides: dict[str, Any], computed: float | None = 85.0) -> tuple[Any, ...]:
    band = "unknown" if computed is None else "healthy"
    given = score("a1", computed) | {"health_band": band}
    row = health(given, mrr={"a1": 1}, overrides=overrides).to_dicts()[0]
    return row["health_score"], row["health_band"], row["computed_health_score"], row["override_reason"]


def test_score_set_by_hand_wins_with_its_band_and_the_computed_one_stays_next_to_it() -> None:
    assert shown(by_hand(score=45.0)) == (45, "at_risk", 85, "New sponsor left")


def test_band_set_by_hand_leaves_the_score() -> None:
    assert shown(by_hand(band="critical")) == (85, "critical", 85, "New sponsor left")
    assert shown(by_hand(band="critical"), computed=None) == (None, "critical", None, "New sponsor left")


def test_what_was_set_by_hand_holds_from_its_first_to_its_last_day() -> None:
    tomorrow, yesterday = date(2025, 2, 1), date(2025, 1, 30)
    assert shown(by_hand(tomorrow, tomorrow, score=45.0)) == (85, "healthy", 85, None)
    assert shown(by_hand(yesterday, yesterday, score=45.0)) == (85, "healthy", 85, None)
    assert shown(by_hand(yesterday, tomorrow, score=45.0))[0] == 45


def test_of_two_in_force_the_one_that_began_last_wins() -> None:
    assert shown(by_hand(score=20.0), by_hand(EARLIER, score=45.0))[0] == 20


def test_band_that_the_scorecard_does_not_have_is_none() -> None:
    assert shown(by_hand(band="champion")) == (85, "healthy", 85, None)


def test_trend_is_of_what_was_computed() -> None:
    scores = (score("a1", 50), score("a1", 64, EARLIER))
    assert health(*scores, mrr={"a1": 1}, overrides=(by_hand(score=90.0),))["trend_30d"].item() == -14
