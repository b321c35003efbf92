"""Health on two days, compared by what was measured on both."""

from typing import Any

import polars as pl
import pytest

from health_assets.scoring import like_for_like
from health_assets.scoring.like_for_like import CHANGE, MOVEMENT
from health_assets.scoring.measure_scores import MeasureScores
from health_assets.settings.scorecard import Scorecard


def linear(metric: str, weight: float) -> dict[str, Any]:
    return {"metric": metric, "weight": weight, "method": "linear", "worst": 0, "best": 100}


CARD = Scorecard.model_validate(
    {
        "min_coverage": 0.5,
        "bands": {"high": 60, "low": 0},
        "dimensions": {
            "usage": {"weight": 6, "measures": {"u": linear("u", 1), "v": linear("v", 1)}},
            "support": {"weight": 4, "measures": {"s": linear("s", 1)}},
        },
    }
)


def day(u: float | None, v: float | None, s: float | None, **given: Any) -> dict[str, Any]:
    """A day as mart.customer_health_daily has it."""
    usage = [score for score in (u, v) if score is not None]
    parts = [(6, sum(usage) / len(usage))] if usage else []
    parts += [(4, s)] if s is not None else []
    score = sum(weight * part for weight, part in parts) / sum(weight for weight, _ in parts) if parts else None
    measured = 0.3 * len(usage) + (0.4 if s is not None else 0)
    return {
        "scorecard": "ours",
        "scorecard_version": CARD.version,
        "measure_scores": {"measure_1": u, "measure_2": v, "measure_3": s},
        "coverage": measured,
        "health_score": score,
        "health_band": "unknown" if score is None else "high" if score >= 60 else "low",
    } | given


def compared(now: dict[str, Any], before: dict[str, Any], card: Scorecard = CARD) -> tuple[float | None, str | None]:
    """Change and movement."""
    row = now | {f"earlier_{name}": value for name, value in before.items()}
    frame = pl.DataFrame([row], schema_overrides={
        name: MeasureScores().dtype for name in ("measure_scores", "earlier_measure_scores")})  # fmt: skip
    return like_for_like.compared(frame.lazy(), {"ours": card}).select(CHANGE, MOVEMENT).collect().row(0)


def test_same_measures_on_both_days_compare_by_their_scores() -> None:
    # (6 x 50 + 4 x 80) / 10 = 62 after (6 x 40 + 4 x 80) / 10 = 56
    assert compared(day(40, 60, 80), day(20, 60, 80)) == (pytest.approx(6), "improved")
    assert compared(day(20, 60, 80), day(40, 60, 80)) == (pytest.approx(-6), "worsened")
    assert compared(day(50, 60, 90), day(40, 60, 90)) == (pytest.approx(3), "same")


def test_measure_that_begins_is_no_improvement() -> None:
    # v is new: without it usage stays at 40; the score itself rose from 56 to 74
    now, before = day(40, 100, 80), day(40, None, 80)
    assert now["health_score"] - before["health_score"] == pytest.approx(18)
    assert compared(now, before) == (0, "same")


def test_measure_that_ends_is_no_decline() -> None:
    now, before = day(40, None, 80), day(40, 100, 80)
    assert compared(now, before) == (0, "same")
    assert compared(day(30, None, 80), before) == (pytest.approx(-6), "same")  # 30 instead of 40, 6 of 10


def test_too_little_in_common_does_not_compare() -> None:
    # only s in common: 0.4 of all weights, where 0.5 are needed
    assert compared(day(40, 60, 80), day(None, None, 80, health_score=80.0)) == (None, None)
    # u and s: 0.7 of the weights of both days
    assert compared(day(40, 60, 80), day(40, None, 80))[0] == 0
    # with a floor of 0.8 they are too few
    strict = CARD.model_copy(update={"min_coverage": 0.8})
    assert compared(day(40, 60, 80, scorecard_version=strict.version),
                    day(40, None, 80, scorecard_version=strict.version), strict) == (None, None)  # fmt: skip


def test_common_weight_is_compared_with_what_is_connected() -> None:
    # support is not connected on either day: u and v are all there is, u alone is half of it
    now, before = day(40, 60, None, coverage=1.0), day(30, None, None, coverage=0.5)
    one = CARD.model_copy(update={"min_measures": 1})
    again = {"scorecard_version": one.version}
    assert compared(now | again, before | again, one) == (pytest.approx(10), "same")


def test_other_version_or_no_score_does_not_compare() -> None:
    assert compared(day(40, 60, 80), day(40, 60, 80, scorecard_version="older")) == (None, None)
    assert compared(day(40, 60, 80), day(None, None, None)) == (None, None)


def test_days_of_a_version_no_longer_in_use_compare_only_by_the_same_measures() -> None:
    older = {"scorecard_version": "older"}
    assert compared(day(40, 60, 80, **older), day(20, 60, 80, **older)) == (pytest.approx(6), "improved")
    assert compared(day(40, 60, 80, **older), day(40, None, 80, **older)) == (None, None)
