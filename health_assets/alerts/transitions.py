"""How an account moves from one level to another, or what happens to it, and what of that is reported (`advance`).

How many days and points a change needs is in the settings, under `alerts.rules`; the rules themselves are in rules.py.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from health_assets.alerts.accounts import Account, Reading
from health_assets.alerts.rules import CHURNED, Kind, Rule


@dataclass(frozen=True)
class LastLevel:
    """The alert state of an account under a rule."""

    level: str  # the one reported last, or a calm one that needed no alert; of events the key of the latest
    since: date  # first day at that level; of events the day of the latest
    last_seen: date  # last day at that level
    moving_since: date | None = None  # first day of another level that is not reported yet
    is_improving: bool = False  # whether that other level is better
    reported_on: date | None = None  # as-of day of the last alert about this rule


@dataclass(frozen=True)
class Change:
    """One move of one account under one rule."""

    rule: str
    kind: Kind
    before: str | None
    now: str
    since: date  # first day of the level now, or the day of the event
    until: date | None = None  # last day at the level before
    sentence: str | None = None


def advance(
    rule: Rule, account: Account, last: LastLevel | None, as_of_date: date, compared_on: date | None = None
) -> tuple[LastLevel | None, list[Change]]:
    """The new state of an account under a rule, and what is to be reported.

    A worse level is reported when it is beyond the limit by `enter_margin` or has lasted `enter_days`, a better one when
    it has lasted `leave_days`, so that an account around a limit does not cause an alert every other day. Until then the
    reported level stays the last level. An unknown level changes nothing. A churned account has no state.

    Args:
        rule: with its settings.
        account: on the as-of day.
        last: its state after the day before; None where it had none.
        as_of_date: the day.
        compared_on: as-of day of the last run that compared this rule: the age of an event counts from there.
    """
    if account.is_churned and rule.name != CHURNED:
        return None, []
    if rule.event_days is not None:
        return _advance_events(rule, account, last, as_of_date, compared_on)
    reading = account.readings.get(rule.name)
    if reading is None or reading.level not in rule.levels:
        return last, []
    if last is None:
        return _first_seen(rule, reading, as_of_date)
    if last.level not in rule.levels:  # of another scorecard or version: not to be compared
        return LastLevel(reading.level, since=as_of_date, last_seen=as_of_date), []
    if reading.level == last.level:
        return _unchanged(rule, reading, last, as_of_date)
    return _moved(rule, reading, last, as_of_date)


def passed_over(rule: Rule, account: Account, last: LastLevel | None, day: date) -> LastLevel | None:
    """The state of an account after a day of data on which no alert run looked.

    Such a day counts towards `enter_days` and `leave_days` like any other; what is to be reported is left for the as-of
    day of the next run. Events have days of their own.
    """
    if account.is_churned and rule.name != CHURNED:
        return None
    reading = account.readings.get(rule.name)
    if rule.event_days is not None or reading is None or reading.level not in rule.levels:
        return last
    kind = rule.kind(last.level if last else None, reading.level)
    if last is None:
        return LastLevel(reading.level, since=day, last_seen=day) if kind is None or rule.name == CHURNED else None
    if reading.level == last.level:
        has_returned = last.moving_since and last.is_improving and _days(last, day) >= rule.policy.leave_days
        return LastLevel(last.level, day if has_returned else last.since, day, reported_on=last.reported_on)
    if kind is None:
        return advance(rule, account, last, day)[0]
    return _waiting(rule, reading, last, day)


def _waiting(rule: Rule, reading: Reading, last: LastLevel, day: date) -> LastLevel:
    """At another level that is not reported yet."""
    is_improving = rule.levels.index(reading.level) < rule.levels.index(last.level)
    is_same_way = last.moving_since is not None and last.is_improving == is_improving
    since = last.moving_since if last.moving_since and is_same_way else day
    return LastLevel(last.level, last.since, last.last_seen, since, is_improving, last.reported_on)


def _days(state: LastLevel, day: date) -> int:
    """Days for which an account has been at another level."""
    return (day - (state.moving_since or day)).days


def _first_seen(rule: Rule, reading: Reading, as_of_date: date) -> tuple[LastLevel, list[Change]]:
    state = LastLevel(reading.level, since=as_of_date, last_seen=as_of_date)
    kind = rule.kind(None, reading.level)
    if kind is None or rule.name == CHURNED:  # one that was gone before it was first seen is no news
        return state, []
    change = Change(rule.name, kind, None, reading.level, as_of_date, sentence=reading.sentence)
    return _reported(state, as_of_date), [change]


def _unchanged(rule: Rule, reading: Reading, last: LastLevel, as_of_date: date) -> tuple[LastLevel, list[Change]]:
    state = LastLevel(last.level, last.since, last_seen=as_of_date, reported_on=last.reported_on)
    days, since_report = rule.policy.remind_after_days, last.reported_on or last.since
    if last.level not in rule.alarming or days is None or (as_of_date - since_report).days < days:
        return state, []
    change = Change(rule.name, Kind.lasts, last.level, last.level, last.since, sentence=reading.sentence)
    return _reported(state, as_of_date), [change]


def _moved(rule: Rule, reading: Reading, last: LastLevel, as_of_date: date) -> tuple[LastLevel, list[Change]]:
    waiting = _waiting(rule, reading, last, as_of_date)
    since = waiting.moving_since or as_of_date
    kind = rule.kind(last.level, reading.level)
    days = rule.policy.leave_days if waiting.is_improving else rule.policy.enter_days
    is_clear = not waiting.is_improving and rule.is_clear(last.level, reading)
    if kind is not None and _days(waiting, as_of_date) < days and not is_clear:
        return waiting, []
    state = LastLevel(reading.level, since, last_seen=as_of_date, reported_on=last.reported_on)
    if kind is None:
        return state, []
    if kind == Kind.entered and _is_cooling_down(rule, last, as_of_date):
        return state, []
    if kind == Kind.left and last.reported_on and last.reported_on < last.since:
        return state, []  # it was entered during the cool-down: nothing was reported, so neither is its end
    change = Change(rule.name, kind, last.level, reading.level, since, last.last_seen, reading.sentence)
    return (state if kind == Kind.left else _reported(state, as_of_date)), [change]


def _advance_events(
    rule: Rule, account: Account, last: LastLevel | None, as_of_date: date, compared_on: date | None
) -> tuple[LastLevel | None, list[Change]]:
    """Events after the last one that was seen, if they are recent, or were on a day that no run looked at."""
    first_day = first_event_day(rule, compared_on, as_of_date)
    seen = (last.since, last.level) if last else (date.min, "")
    new = [event for event in account.events.get(rule.name, ()) if (event.day, event.key) > seen]
    if not new:
        return last, []
    latest = new[-1]
    state = LastLevel(latest.key, latest.day, latest.day, reported_on=last.reported_on if last else None)
    recent = [event for event in new if event.day >= first_day]
    if not recent or (last and _is_cooling_down(rule, last, as_of_date)):
        return state, []
    changes = [Change(rule.name, Kind.happened, None, one.key, one.day, sentence=one.sentence) for one in recent]
    return _reported(state, as_of_date), changes


def first_event_day(rule: Rule, compared_on: date | None, as_of_date: date) -> date:
    """The first day of events that are news: `event_days` count from the first day on which no run looked."""
    next_day = as_of_date if compared_on is None else min(as_of_date, compared_on + timedelta(days=1))
    return next_day - timedelta(days=(rule.event_days or 1) - 1)


def _is_cooling_down(rule: Rule, last: LastLevel, as_of_date: date) -> bool:
    return last.reported_on is not None and (as_of_date - last.reported_on).days < rule.policy.cool_down_days


def _reported(state: LastLevel, as_of_date: date) -> LastLevel:
    return LastLevel(state.level, state.since, state.last_seen, reported_on=as_of_date)
