"""Health after a touchpoint, compared with accounts without one."""

from datetime import date, timedelta
from typing import Any

from health_assets.assets.mart.health.intervention_effect import mart_intervention_effect
from health_assets_tests.assets.rows import SETTINGS, rows

DAY = date(2025, 1, 1)


def touch(account_id: str, days_later: int = 0) -> dict[str, Any]:
    return {"account_id": account_id, "occurred_date": DAY + timedelta(days=days_later)}


def health(
    account_id: str, before: float, after: float | None, band: str = "at_risk", version: str = "v"
) -> list[dict]:
    """The scores of an account on the day and 30 days later."""
    row = {"account_id": account_id, "health_band": band, "scorecard_version": "v"}
    later = DAY + timedelta(days=30)
    return [
        row | {"as_of_date": DAY, "health_score": before},
        row | {"as_of_date": later, "health_score": after, "scorecard_version": version},
    ]


def effects(touchpoints: list[dict], *scores: list[dict]) -> dict[tuple[str, date], dict[str, Any]]:
    made = mart_intervention_effect(
        rows("staged_touchpoints", *touchpoints),
        rows("mart_customer_health_daily", *(row for of in scores for row in of)),
        SETTINGS,
    ).collect()
    return {(row["account_id"], row["intervention_date"]): row for row in made.rows(named=True)}


def test_effect_is_the_change_minus_that_of_untouched_accounts_of_the_band() -> None:
    row = effects(
        [touch("A"), touch("A")],
        health("A", 50.0, 62.0),
        health("B", 45.0, 49.0),
        health("C", 55.0, 55.0),
        health("D", 90.0, 10.0, band="healthy"),
    )[("A", DAY)]
    assert (row["touchpoint_count"], row["health_change_30d"]) == (2, 12.0)
    assert (row["untouched_account_count"], row["untouched_change_30d"], row["effect_30d"]) == (2, 2.0, 10.0)


def test_account_spoken_to_within_the_30_days_is_not_untouched() -> None:
    scores = (health("A", 50.0, 62.0), health("B", 45.0, 49.0), health("C", 55.0, 55.0))
    made = effects([touch("A"), touch("B", 30), touch("C", 31)], *scores)
    assert made[("A", DAY)]["untouched_account_count"] == 1  # C


def test_without_a_later_score_of_the_same_scorecard_there_is_no_effect() -> None:
    made = effects(
        [touch("A"), touch("B"), touch("unscored")],
        health("A", 50.0, None),
        health("B", 50.0, 60.0, version="w"),
        health("C", 50.0, 60.0),
    )
    assert [made[(name, DAY)]["effect_30d"] for name in ("A", "B", "unscored")] == [None, None, None]
    assert made[("A", DAY)]["untouched_account_count"] == 1


def test_without_touchpoints_there_is_no_row() -> None:
    assert effects([], health("A", 50.0, 60.0)) == {}
