"""The arithmetic of a score, written down."""

from datetime import date
from typing import Any

import polars as pl

from health_assets.reporting.explanation import explained
from health_assets.settings.scorecard import Scorecard
from health_assets_tests.assets.rows import SETTINGS

DAY = date(2025, 1, 31)
CARD = Scorecard.model_validate(
    {
        "min_coverage": 0.5,
        "bands": {"good": 50, "bad": 0},
        "dimensions": {
            "usage": {
                "weight": 0.75,
                "measures": {
                    "logins": {"metric": "silent", "weight": 0.5, "method": "linear", "worst": 30, "best": 2},
                    "events": {"metric": "events", "weight": 0.5, "method": "quartile"},
                },
            },
            "support": {
                "weight": 0.25,
                "measures": {
                    "tickets": {
                        "metric": "tickets",
                        "weight": 1,
                        "method": "steps",
                        "steps": [{"when": "tickets = 0", "score": 100}, {"when": "tickets <= 5", "score": 30}],
                    }
                },
            },
        },
    }
)


def lines(**columns: list[Any]) -> list[str]:
    count = len(next(iter(columns.values())))
    signals = pl.LazyFrame(
        {
            "account_id": [f"a{n}" for n in range(1, count + 1)],
            "as_of_date": [DAY] * count,
            "company_name": ["Acme"] * count,
            "is_scored": [True] * count,
            "scorecard": ["mine"] * count,
        }
        | columns,
        strict=False,
    )
    found = explained(signals, SETTINGS.model_copy(update={"scorecards": {"mine": CARD}}), "a1")
    assert found is not None
    assert (found.title, found.scorecard, found.version) == ("Acme", "mine", CARD.version)
    return [line.strip() for line in found.lines]


def test_each_step_of_the_calculation_can_be_followed() -> None:
    assert lines(silent=[9, 1], events=[4, 5], tickets=[3, 0]) == [
        "usage (weight 0.75)",
        "logins, weight 0.5: silent = 9; 100 x (9 - 30) / (2 - 30) = 75",
        "events, weight 0.5: events = 4; quarter 1 of 4 of all accounts (4 to 4): 25",
        "usage = 0.5 x 75 + 0.5 x 25 = 50",
        "support (weight 0.25)",
        "tickets, weight 1: tickets = 3; tickets <= 5: 30",
        "support = 1 x 30 = 30",
        "Coverage and breadth: 100% of the connected measures, by weight, have a value; 100% of the scorecard's weight is connected "
        "(minimum coverage: 50%)",
        "usage          0.75 x 50 = 37.5",
        "support        0.25 x 30 = 7.5",
        "score = 45",
        "band = bad, from 0 (good from 50, bad from 0)",
    ]


def test_what_is_not_measured_is_said_and_its_weight_divided_out() -> None:
    said = lines(silent=[2, 1], events=[None, 5], tickets=[None, 0])
    assert "events, weight 0.5: events is not measured: left out" in said
    assert "usage = (0.5 x 100) / 0.5 = 100" in said
    assert "support is not measured: the others carry its weight" in said
    assert "no score, band unknown (1 measured; at least 2 are needed)" in said  # coverage 0.375


def test_value_beyond_the_best_counts_as_the_best() -> None:
    assert "logins, weight 0.5: silent = 1; 100 x (1 - 30) / (2 - 30) = 103.57, which counts as 100" in lines(
        silent=[1], events=[1], tickets=[0]
    )


def test_formula_is_shown_with_what_it_was_given() -> None:
    signals = pl.LazyFrame(
        {
            "account_id": ["a1"],
            "as_of_date": [DAY],
            "company_name": ["Acme"],
            "is_scored": [True],
            "scorecard": ["cybersecurity"],
            "feature_adoption_score": [0.6],
            "incident_count_to_date": [2],
            "false_positive_count_to_date": [1],
            "nps_rating": [9.0],
        }
    )
    found = explained(signals, SETTINGS, "a1")
    assert found is not None
    said = "\n".join(found.lines)
    assert "with feature_adoption_score = 0.6, license_utilization = not measured: 30" in said
    assert "with incident_count_to_date = 2, false_positive_count_to_date = 1: 88" in said
    assert "score = 74" in said  # 0.3 x 30 + 0.25 x 100 + 0.25 x 88 + 0.2 x 90
    assert "band = champion, above 70" in said


def test_account_that_is_not_there_has_no_explanation() -> None:
    signals = pl.LazyFrame(
        {"account_id": ["a1"], "as_of_date": [DAY], "company_name": ["Acme"], "scorecard": ["standard"]}
    )
    assert explained(signals, SETTINGS, "a2") is None
