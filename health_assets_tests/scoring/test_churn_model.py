"""The learned probability: what it learns from, what it must not see, and when it says nothing."""

from datetime import date, timedelta
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl
import pytest

from health_assets.scoring.churn_model import (
    check_features,
    known_before,
    out_of_fold,
    predicted,
    quality,
    scored_by_weights,
)
from health_assets.scoring.logistic_regression import calibration_slope
from health_assets.settings import SettingsError
from health_assets_tests.assets.rows import SETTINGS

RULES = SETTINGS.backtest
DAY = date(2025, 1, 31)
LEARNED = DAY - timedelta(days=200)
MODEL = SETTINGS.churn_model.model_copy(update={"features": ["silence", "size"], "min_churned": 10})


def fleet(day: date, count: int = 40, **columns: Any) -> pl.DataFrame:
    """Accounts on a day, of which the silent half left but for every fifth, and of the others every fifth."""
    place = pl.int_range(count)
    is_silent, is_odd_one = place % 2 == 0, place % 5 == 0
    return (
        pl.DataFrame({"as_of_date": [day] * count}, schema={"as_of_date": pl.Date})
        .with_columns(
            account_id=pl.format("A{}", place),
            silence=pl.when(is_silent).then(30.0).otherwise(2.0),
            size=(place % 3).cast(pl.Float64),
            churned=is_silent ^ is_odd_one,
        )
        .with_columns(**columns)
    )


def asked(learned: pl.DataFrame, *silences: float | None, **model: Any) -> list[float | None]:
    """The probabilities of accounts that are silent for so many days, of middling size."""
    today = pl.DataFrame(
        {
            "account_id": [f"N{place}" for place in range(len(silences))],
            "as_of_date": [DAY] * len(silences),
            "silence": silences,
            "size": [1.0] * len(silences),
            "churned": [False] * len(silences),
        },
        schema_overrides={"silence": pl.Float64},
    )
    rows = pl.concat([learned, today], how="diagonal")
    return predicted(rows, DAY, RULES, MODEL.model_copy(update=model))["churn_probability"].to_list()


def test_account_like_those_that_left_is_likelier_to_leave() -> None:
    silent, lively = asked(fleet(LEARNED), 30, 2)
    assert lively is not None
    assert silent is not None
    # 16 of 20 silent ones left, 4 of 20 others; the penalty draws both towards the half that left in all
    assert 0.2 < lively < 0.5 < silent < 0.8


def test_same_rows_give_the_same_probability_whatever_their_order() -> None:
    shuffled = fleet(LEARNED).sample(fraction=1, shuffle=True, seed=3)
    assert asked(shuffled, 30, 2) == asked(fleet(LEARNED), 30, 2)


def test_too_few_that_left_give_no_probability() -> None:
    assert asked(fleet(LEARNED), 30, 2, min_churned=21) == [None, None]  # 20 left
    assert asked(fleet(LEARNED, count=0), 30) == [None]
    assert None not in asked(fleet(LEARNED), 30, 2, min_churned=20)


def test_where_no_account_left_there_is_no_probability_even_if_none_is_required() -> None:
    assert asked(fleet(LEARNED, churned=False), 30, min_churned=0) == [None]


def test_account_that_left_in_many_rows_counts_once() -> None:
    twice = pl.concat([fleet(LEARNED), fleet(LEARNED - timedelta(days=30))])
    assert asked(twice, 30, min_churned=21) == [None]


def test_unmeasured_counts_as_average() -> None:
    unmeasured, average = asked(fleet(LEARNED), None, 16)  # half 30, half 2
    assert unmeasured == average


def test_feature_that_was_rarely_measured_is_not_used() -> None:
    place = pl.int_range(pl.len())
    rarely = fleet(LEARNED, silence=pl.when(place < 19).then("silence"))  # 19 of 40
    assert len(set(asked(rarely, 30, 2))) == 1
    often = fleet(LEARNED, silence=pl.when(place < 20).then("silence"))
    assert len(set(asked(often, 30, 2))) == 2


def test_only_rows_whose_window_ended_before_the_day_are_learned_from() -> None:
    # lead 14 + horizon 90: the window of day -105 ends the day before, that of day -104 on the day itself
    rows = pl.concat([fleet(DAY - timedelta(days=days), count=2) for days in (106, 105, 104, 0)])
    known = known_before(rows, DAY, RULES)["as_of_date"].unique().sort().to_list()
    assert known == [DAY - timedelta(days=106), DAY - timedelta(days=105)]


def test_churn_too_late_to_act_on_is_not_learned_from() -> None:
    rows = fleet(LEARNED, count=4, churned=pl.lit(None, pl.Boolean))
    assert known_before(rows, DAY, RULES).is_empty()


def test_own_label_and_labels_not_yet_known_change_nothing() -> None:
    today = fleet(DAY)
    before = pl.concat([fleet(LEARNED), fleet(DAY - timedelta(days=104)), today])
    is_later = pl.col("as_of_date") > LEARNED
    flipped = before.with_columns(churned=pl.col("churned") ^ is_later)
    assert predicted(before, DAY, RULES, MODEL).equals(predicted(flipped, DAY, RULES, MODEL))


def test_out_of_fold_account_is_predicted_by_a_model_that_never_saw_it() -> None:
    rows = pl.concat([fleet(LEARNED), fleet(DAY)])
    flipped = rows.with_columns(churned=pl.col("churned") ^ (pl.col("account_id") == "A0"))
    one, other = (out_of_fold(made, RULES, MODEL).filter(pl.col("as_of_date") == DAY) for made in (rows, flipped))
    changed = one.join(other, on="account_id").filter(pl.col("churn_probability") != pl.col("churn_probability_right"))
    assert one["churn_probability"].null_count() == 0
    assert "A0" not in changed["account_id"]
    assert changed.height > 20  # the other groups learned from it


def test_out_of_fold_has_every_row_once_and_nothing_before_there_was_enough() -> None:
    rows = pl.concat([fleet(LEARNED), fleet(DAY)])
    found = out_of_fold(rows, RULES, MODEL)
    assert found.select("account_id", "as_of_date").is_unique().all()
    assert found.height == rows.height
    assert found.filter(pl.col("as_of_date") == LEARNED)["churn_probability"].is_null().all()


def test_slope_is_one_where_as_many_churned_as_predicted() -> None:
    # of 5 with 0.2 one churned, of 5 with 0.8 four
    assert slope({0.2: (1, 5), 0.8: (4, 5)}) == pytest.approx(1, abs=1e-3)


def test_slope_is_a_half_where_log_odds_rise_half_as_much() -> None:
    # predicted 0.5 and 0.8: log odds 0 and log 4; left 1 of 2 and 2 of 3: log odds 0 and log 2
    assert slope({0.5: (1, 2), 0.8: (2, 3)}) == pytest.approx(0.5, abs=1e-3)


def test_no_slope_without_two_sides_or_two_probabilities() -> None:
    assert slope({0.2: (0, 5), 0.8: (0, 5)}) is None
    assert slope({0.5: (1, 2)}) is None


def test_unknown_feature_is_rejected_with_a_near_name() -> None:
    model = SETTINGS.churn_model.model_copy(update={"features": ["mrrr"]})
    with pytest.raises(SettingsError, match=r"'mrrr'.*did you mean 'mrr'"):
        check_features(SETTINGS.model_copy(update={"churn_model": model}), {"mrr"})


def slope(left: dict[float, tuple[int, int]]) -> float | None:
    """Predicted probability -> how many churned of how many."""
    rows = [(prediction, place < lost) for prediction, (lost, count) in left.items() for place in range(count)]
    return calibration_slope(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


def history(**columns: Any) -> pl.DataFrame:
    """Twelve observation days, a month apart, whose labels are known."""
    days = [DAY - timedelta(days=110 + 30 * months) for months in range(12)]
    return pl.concat([fleet(day, **columns) for day in days])


def quality_of(rows: pl.DataFrame, **model: Any) -> dict[str, Any]:
    return quality(rows, DAY, RULES, MODEL.model_copy(update={"test_days": 3} | model)).to_dicts()[0]


def test_model_that_beats_the_churn_rate_is_published() -> None:
    found = quality_of(history())
    assert found["brier_skill"] > 0.1
    assert (found["is_published"], found["reason"], found["is_tested_on_later_days"]) == (True, None, True)
    assert (found["rows_learned"], found["tested_rows"], found["feature_count"]) == (480, 120, 2)
    assert found["churned_accounts"] == found["tested_churned_accounts"] == 20


def test_published_weights_give_the_probability_of_a_model_trained_on_the_day() -> None:
    today = fleet(DAY)
    weights = quality_of(history())["weights"]
    predictions = predicted(pl.concat([history(), today]), DAY, RULES, MODEL)
    assert predictions.equals(scored_by_weights(today.sort("account_id").with_columns(weights=pl.lit(weights))))


def test_model_that_is_not_published_has_no_weights_and_gives_no_probability() -> None:
    assert quality_of(history(), min_churned=21)["weights"] is None
    found = scored_by_weights(fleet(DAY, weights=pl.lit(None, pl.String)))
    assert (found.height, found["churn_probability"].null_count()) == (40, 40)


def test_model_of_chance_is_not_published_and_says_why() -> None:
    chance = pl.Series("churned", np.random.default_rng(3).random(480) < 0.4)
    found = quality_of(history().with_columns(chance), penalty=0.01)
    assert found["brier_skill"] <= 0
    assert not found["is_published"]
    assert found["reason"].startswith("It does not beat the churn rate: Brier skill -0.0")


def test_short_history_is_tested_on_other_accounts_of_the_same_days() -> None:
    found = quality_of(fleet(LEARNED))
    assert (found["rows_learned"], found["tested_rows"], found["is_tested_on_later_days"]) == (40, 40, False)
    assert (found["brier_skill"] > 0) is found["is_published"]


def test_model_whose_churned_accounts_are_all_of_one_group_cannot_be_tested() -> None:
    one_group = pl.col("account_id").is_in([f"A{n}" for n in range(200) if crc32(f"A{n}".encode()) % MODEL.groups == 0])
    found = quality_of(fleet(LEARNED, count=200).with_columns(churned=one_group), min_churned=20)
    assert (found["tested_churned_accounts"], found["is_published"]) == (0, False)
    assert found["reason"].startswith("It cannot be tested")


def test_too_few_churned_accounts_and_unmeasured_features_are_said() -> None:
    assert quality_of(history(), min_churned=21)["reason"] == (
        "Too little to learn from: 20 accounts churned, 21 are needed (churn_model.min_churned)"
    )
    assert (
        "No feature is measured"
        in quality_of(history(nothing=pl.lit(None, pl.Float64)), features=["nothing"], min_churned=1)["reason"]
    )
