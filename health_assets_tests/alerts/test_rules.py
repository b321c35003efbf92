from dataclasses import replace
from datetime import date, timedelta

import pytest

from health_assets import settings
from health_assets.alerts.accounts import Account, Event, Reading
from health_assets.alerts.rules import CALM, CHURNED, RAISED, Kind, Rule, rules_of
from health_assets.alerts.transitions import LastLevel, advance, passed_over
from health_assets.settings.alerts import AlertRule

COMPANY = settings.load()
RULES = {rule.name: rule for rule in rules_of(COMPANY)}
AT_ONCE = AlertRule(severity="warning")
RISK = replace(RULES["risk_level"], policy=AT_ONCE)
BAND = replace(RULES["health_band"], policy=AT_ONCE)
JANUARY = date(2025, 1, 1)


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


def test_a_band_that_is_not_low_is_no_news() -> None:
    assert BAND.kind("healthy", "neutral") is None


def days(
    rule: Rule, levels: dict[int, str | None], *, values: dict[int, float] | None = None, churned_on: int | None = None
) -> list[str]:
    """What is reported of an account, from its levels on days of January."""
    last, found = None, []
    for day, level in levels.items():
        reading = {rule.name: Reading(level, value=(values or {}).get(day))} if level else {}
        account = Account("A1", "Ada's", readings=reading, is_churned=day == churned_on)
        last, changes = advance(rule, account, last, JANUARY + timedelta(days=day - 1))
        found += [f"{day}: {change.kind} {change.before} to {change.now}" for change in changes]
    return found


def set_to(rule: Rule, **given: object) -> Rule:
    return replace(rule, policy=AlertRule(severity="warning", **given))  # type: ignore[arg-type]


# -- leaving ----------------------------------------------------------------------------------------------------------

PATIENT = set_to(RISK, leave_days=3)


def test_an_account_that_falls_back_within_the_days_is_not_reported() -> None:
    assert days(PATIENT, {1: "high", 2: "medium", 3: "high", 4: "medium", 5: "medium", 6: "high"}) == [
        "1: entered None to high"
    ]


def test_a_better_level_is_reported_when_it_has_lasted_with_the_level_of_that_day() -> None:
    levels = {1: "high", 2: "medium", 3: "medium", 4: "medium", 5: "low", 6: "low"}
    assert days(PATIENT, levels)[1:] == ["5: left high to low"]


def test_an_account_that_worsens_while_waiting_is_compared_with_the_level_reported_last() -> None:
    assert days(PATIENT, {1: "high", 2: "medium", 3: "critical", 4: "medium"})[1:] == ["3: worsened high to critical"]


def test_days_without_a_run_count_as_better() -> None:
    assert days(PATIENT, {1: "high", 2: "medium", 10: "medium"})[1:] == ["10: left high to medium"]


def test_an_unknown_level_neither_begins_nor_ends_the_count() -> None:
    levels = {1: "high", 2: None, 3: "medium", 4: None, 5: "medium", 6: "medium"}
    assert days(PATIENT, levels)[1:] == ["6: left high to medium"]


# -- entering ---------------------------------------------------------------------------------------------------------


def test_a_score_just_below_the_limit_is_reported_when_it_has_lasted() -> None:
    rule = set_to(BAND, enter_margin=3, enter_days=2)
    levels = {1: "neutral", 2: "at_risk", 3: "at_risk", 4: "at_risk"}
    scores = {1: 61.0, 2: 58.5, 3: 58.0, 4: 58.0}
    assert days(rule, levels, values=scores) == ["4: entered neutral to at_risk"]


def test_a_score_beyond_the_margin_is_reported_at_once() -> None:
    rule = set_to(BAND, enter_margin=3, enter_days=2)
    assert days(rule, {1: "healthy", 2: "at_risk"}, values={1: 81.0, 2: 57.0}) == ["2: entered healthy to at_risk"]


def test_the_margin_of_risk_is_counted_upwards() -> None:
    rule = set_to(RISK, enter_margin=5, enter_days=2)
    assert days(rule, {1: "medium", 2: "high"}, values={1: 60.0, 2: 70.0}) == []
    assert days(rule, {1: "medium", 2: "high"}, values={1: 60.0, 2: 75.0}) == ["2: entered medium to high"]


def test_a_score_around_the_limit_is_never_reported() -> None:
    rule = set_to(BAND, enter_margin=3, enter_days=2, leave_days=2)
    levels = {day: "at_risk" if day % 2 else "neutral" for day in range(2, 20)}
    assert days(rule, {1: "neutral"} | levels, values=dict.fromkeys(range(1, 20), 59.5)) == []


def test_a_second_level_down_needs_its_own_margin() -> None:
    rule = set_to(BAND, enter_margin=3, enter_days=9)
    assert days(rule, {1: "at_risk", 2: "critical"}, values={1: 50.0, 2: 39.0})[1:] == []
    assert days(rule, {1: "at_risk", 2: "critical"}, values={1: 50.0, 2: 36.0})[1:] == [
        "2: worsened at_risk to critical"
    ]


# -- again ------------------------------------------------------------------------------------------------------------


def test_a_level_that_is_entered_again_during_the_cool_down_is_not_reported() -> None:
    rule = set_to(RISK, cool_down_days=5)
    assert days(rule, {1: "high", 3: "low", 4: "high"}) == ["1: entered None to high", "3: left high to low"]
    assert days(rule, {1: "high", 3: "low", 6: "high"})[-1] == "6: entered low to high"


def test_the_end_of_a_level_that_was_not_reported_is_not_reported() -> None:
    rule = set_to(RISK, cool_down_days=5)
    assert days(rule, {1: "high", 3: "low", 4: "high", 5: "low"}) == ["1: entered None to high", "3: left high to low"]
    assert days(rule, {1: "high", 3: "low", 6: "high", 7: "low"})[2:] == [
        "6: entered low to high",
        "7: left high to low",
    ]


@pytest.mark.parametrize(("low_days", "most"), [(1, 1), (2, 1), (3, 1), (4, 4), (5, 4), (7, 4)])
def test_a_score_that_comes_and_goes_is_reported_no_more_often_than_the_cool_down_allows(
    low_days: int, most: int
) -> None:
    (shipped,) = (rule for rule in rules_of(settings.load()) if rule.name == "health_band")
    is_low = {day: day // low_days % 2 == 1 for day in range(1, 32)}
    levels = {day: "at_risk" if low else "neutral" for day, low in is_low.items()}
    found = days(shipped, {0: "neutral"} | levels, values={day: 59.0 if low else 61.0 for day, low in is_low.items()})
    assert len(found) <= most
    assert [" entered " in one for one in found] == [place % 2 == 0 for place in range(len(found))]


def test_a_worse_level_is_reported_during_the_cool_down() -> None:
    assert days(set_to(RISK, cool_down_days=9), {1: "high", 2: "critical"})[1:] == ["2: worsened high to critical"]


def test_a_level_that_lasts_is_reported_again_after_the_days_since_the_last_alert() -> None:
    rule = set_to(RISK, remind_after_days=10)
    assert days(rule, dict.fromkeys(range(1, 23), "high")) == [
        "1: entered None to high",
        "11: lasts high to high",
        "21: lasts high to high",
    ]


def test_a_calm_level_that_lasts_is_never_reported() -> None:
    assert days(set_to(RISK, remind_after_days=1), dict.fromkeys(range(1, 9), "low")) == []


# -- churn ------------------------------------------------------------------------------------------------------------


def test_an_account_that_churns_is_reported_once_and_not_under_other_rules() -> None:
    assert days(RULES[CHURNED], {1: CALM, 2: RAISED, 3: RAISED}, churned_on=2) == ["2: entered calm to raised"]
    assert days(RISK, {1: "low", 2: "high"}, churned_on=2) == []


def test_an_account_that_had_churned_before_it_was_first_seen_is_no_news() -> None:
    assert days(RULES[CHURNED], {1: RAISED, 2: RAISED}) == []


# -- events -----------------------------------------------------------------------------------------------------------

INCIDENT = RULES["incident"]


def events(rule: Rule, seen: dict[int, list[tuple[str, int]]]) -> list[str]:
    """What is reported of events (key, day of January) that are known on days of January."""
    last: LastLevel | None = LastLevel("", JANUARY, JANUARY)
    found = []
    for day, known in seen.items():
        of_rule = [Event(key, JANUARY + timedelta(days=on - 1), key) for key, on in known]
        account = Account("A1", "Ada's", events={rule.name: of_rule})
        last, changes = advance(rule, account, last, JANUARY + timedelta(days=day - 1))
        found += [f"{day}: {change.now}" for change in changes]
    return found


def test_each_event_is_reported_once() -> None:
    assert events(INCIDENT, {3: [("i1", 3)], 4: [("i1", 3)], 5: [("i1", 3), ("i2", 5)]}) == ["3: i1", "5: i2"]


def test_an_event_that_arrives_late_is_reported_within_the_days_and_not_after() -> None:
    assert COMPANY.alerts.event_days == 7
    assert events(INCIDENT, {10: [("i1", 4)]}) == ["10: i1"]
    assert events(INCIDENT, {10: [("i1", 3)]}) == []


def test_events_within_the_cool_down_are_not_reported() -> None:
    assert events(set_to(INCIDENT, cool_down_days=3), {3: [("i1", 3)], 5: [("i2", 5)], 8: [("i3", 8)]}) == [
        "3: i1",
        "8: i3",
    ]


# -- which rules ------------------------------------------------------------------------------------------------------


def test_the_flags_of_a_shop_are_left_out_where_subscriptions_are_connected() -> None:
    subscribed = COMPANY.model_copy(update={"sources": {"subscriptions": None}})
    assert {rule.name for rule in rules_of(COMPANY)} - {rule.name for rule in rules_of(subscribed)} == {"shop"}


def test_own_churn_factors_can_be_rules() -> None:
    rule = AlertRule(severity="info", factor="my_factor")
    own = COMPANY.alerts.model_copy(update={"rules": {"mine": rule}})
    (found,) = rules_of(COMPANY.model_copy(update={"alerts": own}))
    assert (found.name, found.levels, found.alarming) == ("mine", (CALM, RAISED), {RAISED})


# -- days on which no run looked --------------------------------------------------------------------------------------

WAITS = set_to(RISK, enter_days=3, leave_days=3)


def after_a_pause(rule: Rule, levels: dict[int, str | None], *, churned_on: int | None = None) -> list[str]:
    """What the run of the last day reports, when only the first day had one before."""
    first, *passed, day = levels
    last = None
    for number in (first, *passed, day):
        level = levels[number]
        account = Account(
            "A1",
            "Ada's",
            readings={rule.name: Reading(level)} if level else {},
            is_churned=number == churned_on,
        )
        if number in passed:
            last = passed_over(rule, account, last, JANUARY + timedelta(days=number - 1))
        else:
            last, changes = advance(rule, account, last, JANUARY + timedelta(days=number - 1))
    return [f"{change.kind} {change.before} to {change.now} since {change.since.day}" for change in changes]


def test_days_of_data_without_a_run_count_as_days_at_the_level() -> None:
    levels = dict(enumerate(["low", "low", "high", "high", "high", "high"], start=1))
    assert after_a_pause(WAITS, levels) == ["entered low to high since 3"]


def test_a_level_that_began_on_the_last_days_of_a_pause_goes_on_waiting() -> None:
    assert after_a_pause(WAITS, dict(enumerate(["low", "low", "low", "high", "high"], start=1))) == []


def test_a_level_that_came_and_went_during_a_pause_is_not_reported() -> None:
    assert after_a_pause(WAITS, dict(enumerate(["low", *["high"] * 5, "low", "low"], start=1))) == []
    assert after_a_pause(WAITS, dict(enumerate(["high", *["low"] * 5, "high", "high"], start=1))) == []


def test_an_account_that_recovered_during_a_pause_is_reported_with_its_first_better_day() -> None:
    assert after_a_pause(WAITS, dict(enumerate(["high", "low", "low", "medium", "low"], start=1))) == [
        "left high to low since 2"
    ]


def test_a_calm_level_that_was_passed_during_a_pause_is_the_one_that_was_left() -> None:
    levels = dict(enumerate(["low", "medium", "medium", "high", "high", "high", "high"], start=1))
    assert after_a_pause(WAITS, levels) == ["entered medium to high since 4"]


def test_an_account_that_appeared_during_a_pause_is_reported_when_it_is_at_an_alarming_level() -> None:
    assert after_a_pause(WAITS, {1: None, 2: "high", 3: "high"}) == ["entered None to high since 3"]
    assert after_a_pause(WAITS, {1: None, 2: "low", 3: "high", 4: "high"}) == []


def test_an_account_that_churned_during_a_pause_has_no_level_left() -> None:
    assert after_a_pause(WAITS, {1: "high", 2: None, 3: "low"}, churned_on=2) == []


def test_an_event_of_a_pause_is_reported_however_long_ago_and_one_that_arrives_late_within_the_days() -> None:
    def reported(event_on: int, compared_on: int) -> bool:
        account = Account("A1", "Ada's", events={"incident": [Event("i1", JANUARY + timedelta(days=event_on - 1), "")]})
        last_run = JANUARY + timedelta(days=compared_on - 1)
        return bool(advance(RULES["incident"], account, None, JANUARY + timedelta(days=30), last_run)[1])

    assert reported(event_on=5, compared_on=4)
    assert not reported(event_on=24, compared_on=30)
    assert reported(event_on=25, compared_on=30)
