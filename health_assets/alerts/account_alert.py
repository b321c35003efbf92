"""One alert per account and run: its strongest change, at most three reasons, the next step.

Which changes there are is decided in rules.py; message.py puts the alerts of many accounts into messages.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from health_assets.alerts.accounts import Account, Attention
from health_assets.alerts.level_state import Found
from health_assets.alerts.rules import CHURNED, Kind, Rule, is_score
from health_assets.alerts.transitions import Change
from health_assets.alerts.wording import level_in_words, news_of, plain, standing, until
from health_assets.reporting.formatting import counted
from health_assets.reporting.formatting import next_step as next_step_words
from health_assets.settings import Settings
from health_assets.settings.alerts import AlertFilter, Severity

REASONS = 3
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
SAID_BY = {  # rule -> the churn factor that would give the same reason again
    "incident": "critical_incidents",
    "detractor": "low_satisfaction",
}


@dataclass(frozen=True)
class AccountAlert:
    """What changed for one account on one as-of day, complete in itself: it may be delivered days later."""

    account_id: str
    rule: str
    severity: Severity
    kind: str
    before: str | None
    now: str
    as_of_date: date
    is_good_news: bool
    name: str
    owner: str | None
    segment: str | None
    tier: str | None
    region: str | None
    mrr: float | None  # of a churned account: what it paid
    news: str  # what changed, since when
    reasons: list[str]
    next_step: str | None
    rank: int | None = None  # in the attention list
    listed_count: int | None = None  # accounts on that list; None in alerts of earlier versions
    is_resolved: bool = False  # good news, and neither health nor risk is at an alarming level

    @property
    def id(self) -> str:
        """The same change on the same day has the same id, however often it is computed."""
        identity = [self.account_id, self.rule, self.kind, self.before, self.now, self.as_of_date.isoformat()]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    def to_json(self) -> str:
        """For the outbox."""
        return json.dumps(asdict(self) | {"as_of_date": self.as_of_date.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> "AccountAlert":
        """From the outbox."""
        stored = json.loads(text)
        if "news" not in stored:
            stored = _of_earlier_version(stored)
        return cls(**stored | {"as_of_date": date.fromisoformat(stored["as_of_date"])})


def _of_earlier_version(stored: Mapping[str, Any]) -> dict[str, Any]:
    """An alert that was written when each move of a level was one, in today's words."""
    is_good = stored["kind"] == "left" and stored["now"] != CHURNED
    before = f", was {level_in_words(stored['before'])}" if stored["before"] else ""
    same = ("account_id", "rule", "kind", "before", "now", "as_of_date", "name", "owner", "mrr")
    return {name: stored[name] for name in same} | {
        "severity": "info" if is_good else "critical",
        "is_good_news": is_good,
        "segment": None,
        "tier": None,
        "region": None,
        "news": f"{stored['label']} is now {level_in_words(stored['now'])}{before}",
        "reasons": [] if is_good else [plain(reason) for reason in stored["reasons"][:REASONS]],
        "next_step": None,
    }


def account_alerts(
    changes: Mapping[str, Sequence[Change]],
    found: Found,
    accounts: Sequence[Account],
    rules: Sequence[Rule],
    settings: Settings,
    as_of_date: date,
) -> list[AccountAlert]:
    """One alert for each account with a change that its rule reports.

    Args:
        changes: by account; those of `found`, or those that it holds.
        found: of the run.
        accounts: of the as-of day.
        rules: in use, the weightiest first.
        settings: the company's.
        as_of_date: of the run.
    """
    alerts, listed_count = [], sum(account.attention is not None for account in accounts)
    for account in accounts:
        if not (moves := changes.get(account.account_id)):
            continue
        bad = [move for move in moves if move.kind != Kind.left and _is_reported(move, account, rules)]
        bad.sort(key=lambda move: _weight(move, rules))
        if bad:
            alerts.append(_alert(account, bad[0].rule, bad, rules, as_of_date))
        elif rule := _good_news_of(moves, account, found.alarming.get(account.account_id, set()), settings):
            good = _good_alert(account, rule, moves, settings, as_of_date)
            is_alarming = any(map(is_score, found.alarming.get(account.account_id, set())))
            alerts.append(replace(good, is_resolved=not is_alarming))
    return [replace(one, listed_count=listed_count) for one in alerts]


def not_repeated(alerts: Sequence[AccountAlert], last: Mapping[str, tuple[date, str]], days: int) -> list[AccountAlert]:
    """The alerts without those about an account that was reported in these days, unless they are graver.

    Graver is a higher severity, a level that worsened, or an event or a churn of the highest severity.

    Args:
        alerts: of one run.
        last: account -> as-of day and severity of the last alert about it.
        days: settings.alerts.account_cool_down_days.
    """

    def is_news(alert: AccountAlert) -> bool:
        day, severity = last.get(alert.account_id, (None, "info"))
        if day is None or (alert.as_of_date - day).days >= days or alert.is_good_news:
            return True
        is_event = alert.kind == Kind.happened or alert.rule == CHURNED
        return (
            SEVERITIES.index(alert.severity) < SEVERITIES.index(severity)
            or alert.kind == Kind.worsened
            or (is_event and alert.severity == SEVERITIES[0])
        )

    return [alert for alert in alerts if is_news(alert)]


def holds(rule: AlertFilter, account: Account | AccountAlert) -> bool:
    """Whether a filter means an account."""
    lists = (
        (rule.segments, account.segment),
        (rule.tiers, account.tier),
        (rule.regions, account.region),
        (rule.owners, account.owner),
    )
    is_listed = all(not wanted or has in wanted for wanted, has in lists)
    return is_listed and (rule.mrr_from is None or _money_of(account) >= rule.mrr_from)


def _money_of(account: Account | AccountAlert) -> float:
    if isinstance(account, Account) and account.is_churned:
        return account.mrr_lost or 0.0
    return account.mrr or 0.0


def _is_reported(move: Change, account: Account, rules: Sequence[Rule]) -> bool:
    setting = _rule(move, rules).policy
    return setting.is_on and holds(setting, account)


def _rule(move: Change, rules: Sequence[Rule]) -> Rule:
    return next(rule for rule in rules if rule.name == move.rule)


def _weight(move: Change, rules: Sequence[Rule]) -> tuple[bool, int, int]:
    """What is new before what lasts, then by severity, then in the order of the rules."""
    rule = _rule(move, rules)
    return move.kind == Kind.lasts, SEVERITIES.index(rule.policy.severity), rules.index(rule)


def _good_news_of(moves: Sequence[Change], account: Account, alarming: set[str], settings: Settings) -> str | None:
    """`renewed` when a renewal that was in danger has passed, `recovered` when health and risk are both out of alarm."""
    rules = settings.alerts.rules
    left = {move.rule for move in moves if move.kind == Kind.left}
    is_far = account.days_to_renewal is None or account.days_to_renewal > settings.attention.renewal_days
    has_recovered = any(map(is_score, left)) and not any(map(is_score, alarming))
    for name, is_so in (("renewed", "renewal" in left and is_far), ("recovered", has_recovered)):
        if is_so and name in rules and rules[name].is_on and holds(rules[name], account):
            return name
    return None


def _alert(
    account: Account, rule: str, moves: Sequence[Change], rules: Sequence[Rule], as_of_date: date
) -> AccountAlert:
    first, *others = moves
    policy = _rule(first, rules).policy
    said = {SAID_BY.get(move.rule) or _rule(move, rules).policy.factor for move in moves}
    news, shows_trend = news_of(first, account)
    if shows_trend:
        said.add("declining_health")
    reasons = [news_of(move, account)[0] for move in others]
    reasons += [sentence for factor, sentence in account.reasons if factor not in said]
    if account.is_churned:
        reasons = []
    return _made(account, first, rule, policy.severity, as_of_date, news, reasons, next_step=policy.next_step)


def _good_alert(
    account: Account, rule: str, moves: Sequence[Change], settings: Settings, as_of_date: date
) -> AccountAlert:
    move = next(move for move in moves if move.kind == Kind.left)
    if rule == "renewed":
        days = account.days_to_renewal
        news = "Renewed" + (f"; the next renewal is in {counted(days, 'day')}" if days else "")
    else:
        news = f"Recovered{until(move)}: {standing(account)}"
    severity = settings.alerts.rules[rule].severity
    return _made(account, move, rule, severity, as_of_date, news, [], is_good_news=True)


def _made(
    account: Account,
    move: Change,
    rule: str,
    severity: Severity,
    as_of_date: date,
    news: str,
    reasons: Sequence[str],
    *,
    next_step: str | None = None,
    is_good_news: bool = False,
) -> AccountAlert:
    return AccountAlert(
        account_id=account.account_id,
        rule=rule.split(" ")[0],
        severity=severity,
        kind=move.kind.value,
        before=move.before,
        now=move.now,
        as_of_date=as_of_date,
        is_good_news=is_good_news,
        name=account.name,
        owner=account.owner,
        segment=account.segment,
        tier=account.tier,
        region=account.region,
        mrr=_mrr_lost(account) if account.is_churned else account.mrr,
        news=plain(news),
        reasons=list(dict.fromkeys(plain(reason) for reason in reasons if plain(reason) != plain(news)))[:REASONS],
        next_step=None if is_good_news else _next_step(account.attention) or next_step,
        rank=account.attention.rank if account.attention else None,
    )


def _mrr_lost(account: Account) -> float | None:
    """What a churned account paid; null where it is not known, since 0 is only what it pays now."""
    return account.mrr_lost if account.mrr_lost is not None else account.mrr or None


def _next_step(entry: Attention | None) -> str | None:
    return next_step_words(entry.next_step, entry.owner_role, entry.days) if entry else None
