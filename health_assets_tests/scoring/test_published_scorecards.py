"""Scores that other companies published, written as scorecards: docs/scorecards, each by a hand calculation."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from health_assets import settings
from health_assets.assets.mart.health.customer_health_daily import scorable_columns
from health_assets.scoring.scorecard_names import check_scorecards
from health_assets.scoring.scorecards import scored

FOLDER = Path(__file__).parents[2] / "docs" / "scorecards"


def company(name: str) -> settings.Settings:
    return settings.load(FOLDER / f"{name}.yml")


def score(name: str, **signals: Any) -> dict[str, Any]:
    """One account of a scorecard, beside one of which everything is known, so that everything is connected."""
    columns = {key: [value, 1] for key, value in signals.items()}
    rows = pl.LazyFrame(
        {"account_id": ["A", "B"], "as_of_date": [date(2025, 1, 31)] * 2, "is_scored": True} | columns, strict=False
    )
    return scored(rows, company(name).scorecards[name]).collect().row(0, named=True)


MATTERMOST = {"tenure_days": 400, "days_to_renewal": 45, "ticket_count_90d": 2, "days_since_last_touchpoint": 20}


def test_mattermost_by_hand() -> None:
    # tenure of 1 to 2 years 75, license ends in 31 to 60 days 75, 1 or 2 tickets 100, contact within 30 days 100
    row = score("mattermost", **MATTERMOST, is_reference=0, renewal_risk=0)
    assert (row["health_score"], row["health_band"], row["tenure_contribution"]) == (87.5, "healthy", 18.75)


def test_mattermost_reference_customer_has_10_points_more() -> None:
    assert score("mattermost", **MATTERMOST, is_reference=1)["health_score"] == 97.5
    best = {"tenure_days": 900, "days_to_renewal": 300, "ticket_count_90d": 1, "days_since_last_touchpoint": 1}
    assert score("mattermost", **best, is_reference=1)["health_score"] == 100


@pytest.mark.parametrize(("risk", "expected"), [(2, 20), (1, 50), (0, 97.5), (None, 97.5)])
def test_mattermost_renewal_at_risk_overrides_all_else(risk: int | None, expected: float) -> None:
    assert score("mattermost", **MATTERMOST, is_reference=1, renewal_risk=risk)["health_score"] == expected


@pytest.mark.parametrize(("days", "points"), [(29, 100), (30, 75), (60, 50), (90, 25), (None, 25)])
def test_mattermost_counts_the_days_since_the_last_contact(days: int | None, points: float) -> None:
    row = score("mattermost", **MATTERMOST | {"days_since_last_touchpoint": days})
    assert row["contact_score"] == points


GREEN = {
    "tenure_days": 400, "license_utilization": 0.8, "monthly_active_ratio": 0.8, "scm_adoption": 3, "ci_adoption": 3,
    "devsecops_adoption": 3, "cd_adoption": 3, "csm_sentiment": 3, "success_plan": 3, "ticket_count_30d": 5,
    "days_since_last_touchpoint": 35, "personas_met_90d": 2,
}  # fmt: skip


def test_gitlab_by_hand() -> None:
    assert score("gitlab", **GREEN)["health_score"] == 100
    # product: license 0 of 30, engagement 50 of 10, CI 0 of 15: (5 + 45) / 100 = 50; sentiment yellow 50;
    # success plan 100; 6 tickets 50; meetings 50 and personas 50: .5 x 50 + .25 x 50 + .1 x 100 + .05 x 50 + .1 x 50
    row = score("gitlab", **GREEN | {
        "license_utilization": 0.6, "monthly_active_ratio": 0.5, "ci_adoption": 1, "csm_sentiment": 2,
        "ticket_count_30d": 6, "days_since_last_touchpoint": 60, "personas_met_90d": 1,
    })  # fmt: skip
    assert (row["product_score"], row["engagement_score"], row["health_score"], row["health_band"]) == (
        50,
        50,
        55,
        "yellow",
    )


@pytest.mark.parametrize(
    ("utilization", "days", "points"),
    [(0.05, 100, 0), (0.3, 100, 50), (0.6, 100, 100), (0.6, 200, 50), (0.3, 200, 0), (0.6, 300, 0), (0.8, 300, 100)],
)
def test_gitlab_expects_more_licenses_in_use_of_older_customers(utilization: float, days: int, points: float) -> None:
    only = {"license_utilization": utilization, "tenure_days": days, "csm_sentiment": 3}
    row = score("gitlab", **dict.fromkeys(GREEN) | only)
    assert row["product_score"] == points


def test_gitlab_redistributes_what_is_missing_and_scores_only_sentiment_in_the_first_30_days() -> None:
    # product missing: (25 x 50 + 10 x 100 + 5 x 100 + 10 x 100) / 50
    product = (
        "license_utilization",
        "monthly_active_ratio",
        "scm_adoption",
        "ci_adoption",
        "devsecops_adoption",
        "cd_adoption",
    )
    assert score("gitlab", **GREEN | dict.fromkeys(product) | {"csm_sentiment": 2})["health_score"] == 75
    new = score("gitlab", **GREEN | {"tenure_days": 30, "csm_sentiment": 2})
    assert (new["health_score"], new["coverage"]) == (50, 0.25)


def test_gitlab_red_sentiment_makes_the_whole_score_red() -> None:
    row = score("gitlab", **GREEN | {"csm_sentiment": 1})
    assert (row["health_band"], row["is_low_band"]) == ("red", True)


@pytest.mark.parametrize("name", ["mattermost", "gitlab"])
def test_published_scorecards_name_own_metrics_that_account_metrics_must_bring(name: str) -> None:
    chosen = company(name)
    with pytest.raises(settings.SettingsError, match="metrics of your own come from the source account_metrics"):
        check_scorecards(chosen, scorable_columns())
    connected = chosen.model_copy(update={"sources": {"account_metrics": None}})
    check_scorecards(connected, scorable_columns())
