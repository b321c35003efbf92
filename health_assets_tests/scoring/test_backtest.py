"""Does the score work: AUC, intervals and conclusions, each worked out by hand."""

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from health_assets.scoring.backtest import BEATS, DOES_NOT, NOT_ENOUGH, ScoreFindings, auc, evaluated, wilson
from health_assets_tests.assets.rows import SETTINGS

pytestmark = pytest.mark.slow

RULES = SETTINGS.backtest
DAY = date(2025, 1, 31)
BANDS = ["healthy", "neutral", "at_risk", "critical"]


def area(riskiness: list[float], churned: list[bool], weights: list[int] | None = None) -> float:
    drawn = np.array([weights or [1] * len(churned)])
    return auc(np.array(riskiness), np.array(churned), drawn)[0]


def fleet(count: int, lost: int, *, is_predicted: bool = True, **columns: Any) -> pl.DataFrame:
    """Accounts on one day: the first `lost` of them churn, and only they have a low score where churn is predicted."""
    accounts = pl.DataFrame({"place": range(count)}).with_columns(
        account_id=pl.format("A{}", "place"),
        as_of_date=pl.lit(DAY),
        churned=pl.col("place") < lost,
        is_commerce=pl.lit(False),
        churn_risk_score=pl.lit(0.0),
        churn_probability=pl.lit(None, pl.Float64),
        days_silent=pl.lit(1, pl.Int64),
        frequency=pl.lit(5.0),
        tenure_days=pl.lit(100),
        value=pl.lit(10.0),
    )
    score = pl.when(pl.col("churned")).then(20.0).otherwise(90.0) if is_predicted else pl.lit(50.0)
    band = pl.when(pl.col("health_score") < 40).then(pl.lit("critical")).otherwise(pl.lit("healthy"))
    return accounts.with_columns(health_score=score).with_columns(health_band=band).with_columns(**columns)


def test_area_counts_ties_half() -> None:
    # churned at 3 and 1, stayed at 2 and 1: 3 beats both (2), 1 loses to 2 (0) and ties with 1 (0.5): 2.5 of 4
    assert area([3, 1, 2, 1], [True, True, False, False]) == 0.625
    assert area([1, 1, 1], [True, False, False]) == 0.5
    assert np.isnan(area([1, 2], [False, False]))


def test_account_drawn_twice_counts_twice() -> None:
    # the churned at 3 twice: (2 + 2 + 0.5) of 3 x 2
    assert area([3, 1, 2, 1], [True, True, False, False], [2, 1, 1, 1]) == pytest.approx(4.5 / 6)


def test_wilson_interval_by_hand() -> None:
    # 5 of 20 at 95 %: middle (0.25 + 3.8415 / 40) / (1 + 3.8415 / 20) = 0.2903, half width 0.1784
    found = wilson(5, 20, 0.95)
    assert (found.estimate, found.low, found.high) == (
        0.25,
        pytest.approx(0.1119, abs=1e-4),
        pytest.approx(0.4687, abs=1e-4),
    )
    assert wilson(0, 0, 0.95).estimate is None


def health(rows: pl.DataFrame) -> ScoreFindings:
    return evaluated(rows, BANDS, RULES).scores["health"]


def test_under_thirty_churned_accounts_nothing_is_proven() -> None:
    assert health(fleet(300, 29)).conclusion == NOT_ENOUGH


def test_score_that_predicts_churn_beats_every_baseline() -> None:
    found = evaluated(fleet(300, 30), BANDS, RULES)
    score = found.scores["health"]
    assert (score.auc["health"].estimate, score.auc["recency"].estimate, score.conclusion) == (1, 0.5, BEATS)
    assert (score.top_precision, score.top_recall, score.top_lost_value) == (1, 1, 1)
    assert [(rate.band, rate.churned) for rate in found.bands] == [
        ("healthy", 0), ("neutral", 0), ("at_risk", 0), ("critical", 30),
    ]  # fmt: skip


def test_score_that_says_nothing_beats_nothing_and_its_top_is_by_chance() -> None:
    found = health(fleet(300, 30, is_predicted=False))
    assert (found.auc["health"].estimate, found.conclusion) == (0.5, DOES_NOT)
    assert found.top_precision == pytest.approx(0.1)
    assert found.top_recall == pytest.approx(0.1)


def test_bands_in_the_wrong_order_are_named_only_where_intervals_do_not_touch() -> None:
    swapped = pl.when(pl.col("churned")).then(pl.lit("healthy")).otherwise(pl.lit("critical"))
    assert evaluated(fleet(300, 30, health_band=swapped), BANDS, RULES).disordered == [("healthy", "critical")]
    assert evaluated(fleet(4, 1, health_band=swapped), BANDS, RULES).disordered == []


def test_each_score_is_evaluated_on_the_rows_that_it_scores() -> None:
    rows = fleet(10, 2).with_columns(
        health_score=pl.when(pl.col("place") != 5).then("health_score"),
        churn_risk_score=pl.when(pl.col("place") > 7).then("churn_risk_score"),
        churned=pl.when(pl.col("place") != 6).then("churned"),
    )
    found = evaluated(rows, BANDS, RULES)
    assert (found.rows, found.too_late_rows) == (9, 1)
    assert {name: (score.rows, score.unknown_rows) for name, score in found.scores.items()} == {
        "health": (8, 1), "churn risk": (2, 7),
    }  # fmt: skip


def test_seed_gives_the_same_intervals_again() -> None:
    rows = fleet(60, 30, health_score=(pl.col("place") * 37 % 60).cast(pl.Float64))
    assert evaluated(rows, BANDS, RULES) == evaluated(rows, BANDS, RULES)


def test_what_is_not_measured_is_no_baseline() -> None:
    silent = fleet(10, 2, days_silent=pl.lit(None, pl.Int64), frequency=pl.lit(None, pl.Float64))
    assert set(health(silent).gains) == {"tenure", "mrr", "random"}
    assert set(health(fleet(10, 2)).gains) == {"recency", "frequency", "tenure", "mrr", "random"}


def test_seldom_active_is_risky_and_never_is_riskiest() -> None:
    activity = pl.when(pl.col("place") == 0).then(None).when("churned").then(2.0).otherwise(9.0)
    assert health(fleet(300, 30, frequency=activity)).auc["frequency"].estimate == 1


def test_baseline_of_size_is_spend_where_nobody_pays_by_contract() -> None:
    rows = fleet(10, 2, is_commerce=pl.lit(True))
    assert evaluated(rows, BANDS, RULES).is_commerce
    assert {"spend", "mrr"} & set(health(rows).auc) == {"spend"}


def test_scores_are_no_baselines_of_each_other() -> None:
    rows = fleet(300, 30, churn_risk_score=pl.when("churned").then(100.0).otherwise(0.0))
    found = evaluated(rows, BANDS, RULES).scores
    assert (found["churn risk"].auc["churn risk"].estimate, found["churn risk"].conclusion) == (1, BEATS)
    assert "health" not in found["churn risk"].gains


def test_skill_of_the_probability_is_against_the_churn_rate_of_the_day() -> None:
    known = pl.when(pl.col("place") % 2 == 0).then(pl.when("churned").then(0.75).otherwise(0.25))
    found = evaluated(fleet(300, 30, is_predicted=False, churn_probability=known), BANDS, RULES)
    score = found.scores["probability"]
    assert (score.rows, score.churned_accounts, score.auc["probability"].estimate) == (150, 15, 1)
    # squared error 0.25^2 each; the rate of 0.1 alone errs by 0.1 x 0.9
    assert found.brier_skill == pytest.approx(1 - 0.0625 / 0.09)


def test_score_of_no_row_has_no_findings() -> None:
    found = evaluated(fleet(300, 30), BANDS, RULES)
    assert "probability" not in found.scores
    assert (found.brier_skill, found.calibration_slope) == (None, None)
