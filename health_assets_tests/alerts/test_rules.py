from dataclasses import replace
from datetime import date

import pytest

from health_assets import settings
from health_assets.alerts.rules import CHURNED, Account, Kind, Rule, Transition, rules_of, transition

RISK, BAND, *OTHERS = rules_of(settings.load())


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ("low", "high", Kind.entered),
        ("medium", "critical", Kind.entered),
        (None, "high", Kind.entered),
        ("high", "critical", Kind.worsened),
        ("critical", "high", Kind.left),
        ("high", "low", Kind.left),
        ("low", "medium", None),
        ("medium", "low", None),
        ("high", "high", None),
        (None, "low", None),
        ("a_level_of_another_scorecard", "high", None),
    ],
)
def test_moves_to_from_and_among_alarming_levels_are_named(before: str | None, now: str, kind: Kind | None) -> None:
    assert RISK.kind(before, now) == kind


def test_bands_are_compared_in_the_order_of_the_scorecard() -> None:
    assert BAND.kind("healthy", "at_risk") == Kind.entered
    assert BAND.kind("at_risk", "critical") == Kind.worsened
    assert BAND.kind("at_risk", "neutral") == Kind.left


ADA = Account("A1", "Ada's", "Ada", 10.0, 41.0, None, {"risk_level": "high", "health_band": None}, ["Why"])


@pytest.mark.parametrize("rule", OTHERS, ids=[rule.name for rule in OTHERS])
def test_the_last_level_of_the_other_rules_alarms_and_churn_is_not_told_under_them(rule: Rule) -> None:
    calm, alarming = rule.levels[0], rule.levels[-1]
    assert (rule.kind(calm, alarming), rule.kind(alarming, calm)) == (Kind.entered, Kind.left)
    assert rule.kind(alarming, CHURNED) is None


def test_an_unknown_level_is_no_move() -> None:
    assert transition(BAND, ADA, "healthy", date(2025, 1, 31)) is None


def test_the_same_move_has_the_same_id_and_another_day_another() -> None:
    move = transition(RISK, ADA, "low", date(2025, 1, 31))
    assert move is not None
    assert Transition.from_json(move.to_json()) == move
    assert move.id == replace(move, mrr=99.0, name="Renamed").id
    assert len({move.id, replace(move, as_of_date=date(2025, 2, 1)).id, replace(move, before="medium").id}) == 3
