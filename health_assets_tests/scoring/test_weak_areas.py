"""Weak areas in words."""

from typing import Any

import polars as pl
import pytest

from health_assets import settings as company_settings
from health_assets.scoring.measures import parts_of
from health_assets.scoring.weak_areas import WORDS, weak_areas
from health_assets.settings.scorecard import Scorecard

SHIPPED = company_settings.load(company_settings.DEFAULTS).scorecards
STANDARD = {"standard": SHIPPED["standard"]}


def found(*parts: tuple[str, str, float | None, float | None, float], cards: dict[str, Any] = STANDARD) -> str | None:
    """The weak areas of one account; parts are dimension, metric, value, score, weight."""
    (name,) = cards
    frame = pl.LazyFrame(
        [(*part[:2], *part[1:], "A", name) for part in parts],
        schema=["dimension", "measure", "metric", "value", "score", "weight", "account_id", "scorecard"],
        orient="row",
        infer_schema_length=None,
    ).with_columns(pl.col("value", "score", "weight").cast(pl.Float64))
    rows = weak_areas(frame, cards).collect()["weak_areas"].to_list()
    return rows[0] if rows else None


def test_measure_that_costs_a_dimension_most_points_is_the_one_in_words() -> None:
    assert (
        found(
            ("usage", "days_since_last_login", 30.0, 0.0, 0.09),
            ("usage", "usage_change_ratio", -0.6, 0.0, 0.12),
            ("usage", "active_day_count_30d", 15.0, 100.0, 0.09),
        )
        == "usage 30 (60% fewer events than in the 30 days before)"
    )


def test_dimension_without_a_measured_score_is_left_out() -> None:
    assert found(("usage", "active_day_count_30d", None, None, 0.1)) is None


def test_low_is_what_the_scorecard_of_the_account_calls_low() -> None:
    part = ("usage", "ticket_count_31d", 3.0, 50.0, 1.0)
    assert found(part) == "usage 50"
    assert found(part, cards={"novacrm": SHIPPED["novacrm"]}) is None  # low below 40


def test_own_metric_has_its_name_and_a_formula_of_several_signals_no_words() -> None:
    own = Scorecard.model_validate(
        SHIPPED["standard"].model_dump()
        | {
            "dimensions": {
                "our_view": {
                    "weight": 1,
                    "measures": {"a": {"metric": "owner_mood", "weight": 1, "method": "linear", "worst": 1, "best": 5}},
                },
                "other": {
                    "weight": 1,
                    "measures": {"b": {"metric": "x", "weight": 1, "method": "formula", "formula": "x + y"}},
                },
            }
        }
    )
    parts = (("our_view", "owner_mood", 2.0, 25.0, 0.5), ("other", "x", 1.0, 5.0, 0.5))
    assert found(*parts, cards={"own": own}) == "other 5, our view 25 (owner mood 2)"


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("mrr_change_ratio_90d", -0.25, "MRR fell 25% in 90 days"),
        ("mrr_change_ratio_90d", 0.02, "MRR rose 2% in 90 days"),
        ("overdue_invoice_count", 1.0, "1 invoice past due and unpaid"),
        ("days_since_last_login", 1.0, "no login for 1 day"),
        ("denial_rate_change", 0.034, "denial rate rose 3.4 points"),
        ("feature_breadth_30d", 0.296, "29.6% of the feature categories in use"),
    ],
)
def test_figure_has_its_unit_and_its_direction(metric: str, value: float, words: str) -> None:
    assert found(("usage", metric, value, 10.0, 1.0)) == f"usage 10 ({words})"


def test_every_measure_of_the_standard_scorecard_that_the_product_computes_has_words() -> None:
    assert _metrics() - set(WORDS) == {"owner_rating"}  # a company's own metric


def _metrics() -> set[str]:
    return {part.measure.metric for part in parts_of(SHIPPED["standard"])}
