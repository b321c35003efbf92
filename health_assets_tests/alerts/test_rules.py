from dataclasses import replace
from datetime import date

import pytest

from health_assets import settings
from health_assets.alerts.rules import CHURNED, Account, Kind, LastLevel, Rule, Transition, advance, rules_of

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
def test_moves_to_from_and_between_alarming_levels(before: str | None, now: str, kind: Kind | None) -> None:
    assert RISK.kind(before, now) == kind


def test_bands_are_compared_in_the_order_of_the_scorecard() -> None:
    assert BAND.kind("healthy", "at_risk") == Kind.entered
    assert BAND.kind("at_risk", "critical") == Kind.worsened
    assert BAND.kind("at_risk", "neutral") == Kind.left


ADA = Account("A1", "Ada's", "Ada", 10.0, 41.0, None, {"risk_level": "high", "health_band": None}, ["Why"])


@pytest.mark.parametrize("rule", OTHERS, ids=[rule.name for rule in OTHERS])
def test_the_last_level_of_the_other_rules_is_alarming_and_they_do_not_report_churn(rule: Rule) -> None:
    calm, alarming = rule.levels[0], rule.levels[-1]
    assert (rule.kind(calm, alarming), rule.kind(alarming, calm)) == (Kind.entered, Kind.left)
    assert rule.kind(alarming, CHURNED) is None


def test_an_unknown_level_is_no_move() -> None:
    calm = LastLevel("healthy")
    assert advance(BAND, ADA, calm, date(2025, 1, 31)) == (calm, None)


def test_the_same_move_has_the_same_id_and_another_day_has_another() -> None:
    _, move = advance(RISK, ADA, LastLevel("low"), date(2025, 1, 31))
    assert move is not None
    assert Transition.from_json(move.to_json()) == move
    assert move.id == replace(move, mrr=99.0, name="Renamed").id
    assert len({move.id, replace(move, as_of_date=date(2025, 2, 1)).id, replace(move, before="medium").id}) == 3


# -- a better level is reported when it has lasted ---------------------------------------------------------------------


def reported(days: dict[int, str | None], *, better_for_days: int = 3, churned_on: int | None = None) -> list[str]:
    """The transitions of an account reported at high risk, from its levels on days of January."""
    rule, last, found = replace(RISK, better_for_days=better_for_days), LastLevel("high"), []
    for day, level in days.items():
        levels = {"risk_level": level}
        ada = replace(ADA, levels=levels, is_churned=day == churned_on)
        last, move = advance(rule, ada, last, date(2025, 1, day))
        found += [f"{day}: {move.kind}, {move.before} to {move.now}"] if move else []
    return found


def test_an_account_that_falls_back_within_the_days_is_not_reported() -> None:
    assert reported({1: "medium", 2: "high", 3: "medium", 4: "medium", 5: "high"}) == []


def test_a_better_level_is_reported_when_it_has_lasted_with_the_level_of_that_day() -> None:
    assert reported({1: "medium", 2: "medium", 3: "medium", 4: "low", 5: "low"}) == ["4: left, high to low"]


def test_an_account_that_worsens_while_waiting_is_compared_with_the_level_reported_last() -> None:
    assert reported({1: "medium", 2: "critical", 3: "medium"}) == ["2: worsened, high to critical"]


def test_an_account_that_churns_while_waiting_is_reported_at_once() -> None:
    assert reported({1: "medium", 2: None}, churned_on=2) == ["2: left, high to churned"]


def test_days_without_a_run_count_as_better() -> None:
    assert reported({1: "medium", 9: "medium"}) == ["9: left, high to medium"]


def test_an_unknown_level_neither_begins_nor_ends_the_count() -> None:
    assert reported({1: None, 2: "medium", 3: None, 4: "medium", 5: "medium"}) == ["5: left, high to medium"]


def test_without_days_to_wait_a_better_level_is_reported_at_once() -> None:
    assert reported({1: "medium", 2: "high"}, better_for_days=0) == [
        "1: left, high to medium",
        "2: entered, medium to high",
    ]


@pytest.mark.parametrize("rule", [RISK, BAND, *OTHERS], ids=lambda rule: rule.name)
def test_every_rule_waits(rule: Rule) -> None:
    better = replace(ADA, levels={rule.name: rule.levels[0]})
    first, last = date(2025, 1, 1), LastLevel(rule.levels[-1])
    waiting, nothing = advance(rule, better, last, first)
    assert (waiting, nothing) == (LastLevel(last.level, better_since=first), None)
    assert advance(rule, better, waiting, date(2025, 1, 4))[1] is not None
