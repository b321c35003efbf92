"""What an alert says: what changed, since when, and where the account stands."""

import re

from health_assets.alerts.accounts import Account
from health_assets.alerts.rules import CHURNED, HEALTH_RULE, RISK_RULE, Kind, is_score
from health_assets.alerts.transitions import Change
from health_assets.reporting.formatting import day_and_month, number

THRESHOLD = re.compile(r" \(threshold: [^)]*\)")  # a reader of a message needs the finding, not the limit


def plain(sentence: str) -> str:
    """A sentence without the threshold that it passed."""
    return THRESHOLD.sub("", sentence)


def news_of(move: Change, account: Account) -> tuple[str, bool]:
    """What changed since when, and whether it says by how much health fell in 30 days."""
    if move.rule == CHURNED:
        return f"Churned{f' on {day_and_month(account.churn_date)}' if account.churn_date else ''}", False
    if not is_score(move.rule):
        if move.kind == Kind.lasts:
            return f"Still, since {day_and_month(move.since)}: {move.sentence or move.rule}", False
        return move.sentence or move.rule.replace("_", " ").capitalize(), False
    subject = "Churn risk" if move.rule == RISK_RULE else "Health"
    now = level_in_words(move.now)
    if move.kind == Kind.lasts:
        return f"{subject} is still {now}, since {day_and_month(move.since)}{_score(move, account)}", False
    before = f", was {level_in_words(move.before)}{until(move)}" if move.before else ""
    trend, fell = account.trend_30d, move.rule != RISK_RULE and (account.trend_30d or 0) <= -1
    by = f", down {number(-(trend or 0))} points in 30 days" if fell else ""
    return f"{subject} is now {now}{_score(move, account)}{by}{before}", fell


def _score(move: Change, account: Account) -> str:
    is_health = move.rule != RISK_RULE and account.health_score is not None
    return f" ({number(account.health_score)})" if is_health else ""


def until(move: Change) -> str:
    """Until when the level before was seen last."""
    return f" until {day_and_month(move.until)}" if move.until and move.kind != Kind.left else ""


def level_in_words(name: str | None) -> str:
    """The name of a level, e.g. "at risk"."""
    return (name or "").replace("_", " ")


def standing(account: Account) -> str:
    """Health and risk now."""
    health = next((one for name, one in account.readings.items() if name.split(" ")[0] == HEALTH_RULE), None)
    risk = account.readings.get(RISK_RULE)
    found = []
    if health and account.health_score is not None:
        found.append(f"health is {number(account.health_score)} ({level_in_words(health.level)})")
    if risk:
        found.append(f"churn risk is {level_in_words(risk.level)}")
    return ", ".join(found)
