"""Which changes of an account are worth an alert: its level now, compared with its last level (`advance`).

Levels are read in __init__.py and levels.py, saved in outbox.py, and put into words in message.py.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum

from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings

CHURNED = "churned"  # in place of a level: the account is gone
OTHERS = (  # the last level is alarming
    ("workflow", "Workflow", ("calm", "at_risk")),
    ("shop", "Payments and tickets", ("calm", "high_risk")),
    ("renewal", "Renewal at low health", ("calm", "near")),
    ("incidents", "Security incidents", ("none", "critical")),
    ("nps", "NPS", ("promoter", "passive", "detractor")),
)


class Kind(StrEnum):
    """How an account moved."""

    entered = "entered"  # an alarming level, from a calm one or as a new account
    worsened = "worsened"  # from one alarming level to a worse one
    left = "left"  # an alarming level for a better one, calm or not; any level by churning


@dataclass(frozen=True)
class Rule:
    """The ordered levels of an account, and which of them are alarming."""

    name: str  # of the column that holds the level, or of the query in levels.py
    label: str
    levels: tuple[str, ...]  # best first; any other level is unknown and changes nothing
    alarming: frozenset[str]
    better_for_days: int  # how long a better level must last before it is reported
    version: str  # levels of different versions cannot be compared
    reports_churn: bool  # so that a churned account is not reported under every rule

    def kind(self, before: str | None, now: str) -> Kind | None:
        """How the account moved; None when the move is not worth an alert.

        Args:
            before: the last known level, None for an account that never had one.
            now: a known level, or CHURNED.
        """
        if now == CHURNED:
            return Kind.left if self.reports_churn and before in self.levels else None
        if before is None:
            return Kind.entered if now in self.alarming else None
        if before not in self.levels or before == now:
            return None  # a level of another scorecard cannot be compared
        if self.levels.index(now) > self.levels.index(before):
            if now not in self.alarming:
                return None
            return Kind.worsened if before in self.alarming else Kind.entered
        return Kind.left if before in self.alarming else None


def rule_versions(settings: Settings) -> dict[str, str]:
    """Rule -> fingerprint of the settings behind its levels; published with them, since settings may change."""
    bands = {band_rule(name, settings): f"{name} {card.version}" for name, card in scorecards_in_use(settings).items()}
    return bands | {
        "risk_level": settings.fingerprint("churn_risk"),
        "workflow": settings.fingerprint("workflow"),
        "shop": settings.fingerprint("commerce"),
        "renewal": settings.fingerprint("churn_risk"),
        "nps": settings.fingerprint("satisfaction"),
    }


def rules_of(settings: Settings, versions: Mapping[str, str] | None = None) -> list[Rule]:
    """The rules of a company: high and critical churn risk, low bands of each scorecard, and the levels of levels.py.

    The flags of a shop are left out where subscriptions are connected: churn risk is measured there.

    Args:
        settings: the company's.
        versions: rule -> version of the levels as they were published.
    """
    version = versions or {}
    risk = sorted(settings.churn_risk.levels, key=settings.churn_risk.levels.__getitem__)
    rules = [
        ("risk_level", "Churn risk", tuple(risk), {"high", "critical"}),
        *(
            (band_rule(name, settings), "Health", tuple(card.bands), card.low_bands)
            for name, card in scorecards_in_use(settings).items()
        ),
        *((name, label, levels, {levels[-1]}) for name, label, levels in OTHERS),
    ]
    return [
        Rule(
            name=name,
            label=label,
            levels=levels,
            alarming=frozenset(alarming),
            better_for_days=settings.maintenance.better_for_days,
            version=version.get(name, ""),
            reports_churn=name == "risk_level" or label == "Health",
        )
        for name, label, levels, alarming in rules
        if name != "shop" or "subscriptions" not in settings.sources
    ]


def band_rule(scorecard: str, settings: Settings) -> str:
    """The name of the rule for the bands of a scorecard: bands of different scorecards cannot be compared."""
    return "health_band" if scorecard == settings.scorecard else f"health_band of {scorecard}"


@dataclass(frozen=True)
class Attention:
    """An entry of mart.attention_list."""

    rank: int  # 1 = contact first
    reason: str
    next_step: str
    owner_role: str
    days: int  # within which the step should be done
    since_date: date


@dataclass(frozen=True)
class Account:
    """What a message needs to say about an account, as the snapshot has it; None = unknown."""

    account_id: str
    name: str
    owner: str | None
    mrr: float | None
    health_score: float | None
    trend_30d: float | None
    levels: Mapping[str, str | None]  # rule -> level
    reasons: list[str]  # sentences, the weightiest first
    is_churned: bool = False
    mrr_lost: float | None = None  # what a churned account paid
    sentences: Mapping[str, str] = field(default_factory=dict)  # rule -> the reason for its level
    attention: Attention | None = None


@dataclass(frozen=True)
class LastLevel:
    """The alert state of an account under a rule."""

    level: str  # the one reported last, or a calm one that needed no alert
    better_since: date | None = None  # first day of a better level that is not reported yet


@dataclass(frozen=True)
class Transition:
    """One move of one account on one as-of day, complete in itself: it may be delivered days later."""

    account_id: str
    rule: str
    label: str
    kind: Kind
    before: str | None
    now: str
    as_of_date: date
    name: str
    owner: str | None
    mrr: float | None  # of a churned account: what it paid
    health_score: float | None
    trend_30d: float | None
    is_alarming: bool
    reasons: list[str]
    sentence: str | None = None  # the reason for an alarming level, where `reasons` does not hold it

    @property
    def id(self) -> str:
        """The same move on the same day has the same id, however often it is computed."""
        identity = [self.account_id, self.rule, self.before, self.now, self.as_of_date.isoformat()]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    def to_json(self) -> str:
        """For the outbox."""
        return json.dumps(asdict(self) | {"as_of_date": self.as_of_date.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> "Transition":
        """From the outbox."""
        stored = json.loads(text)
        return cls(**stored | {"as_of_date": date.fromisoformat(stored["as_of_date"]), "kind": Kind(stored["kind"])})


def advance(
    rule: Rule, account: Account, last: LastLevel | None, as_of_date: date
) -> tuple[LastLevel | None, Transition | None]:
    """The new state of an account under a rule, and its transition if it is to be reported.

    A worse level is reported at once, a better one when it has lasted `better_for_days`, so that an account around a
    limit does not cause an alert every other day. Until then the reported level stays the last level. An unknown level
    changes nothing. A churned account has no state.
    """
    now = account.levels[rule.name]
    if account.is_churned and (now not in rule.levels or not rule.reports_churn):
        now = CHURNED
    if now not in (*rule.levels, CHURNED):
        return last, None
    kind = rule.kind(last.level if last else None, now)
    if last and kind == Kind.left and now != CHURNED:
        better_since = last.better_since or as_of_date
        if (as_of_date - better_since).days < rule.better_for_days:
            return LastLevel(last.level, better_since), None
    transition = _transition(rule, account, kind, last, now, as_of_date) if kind else None
    return None if now == CHURNED else LastLevel(now), transition


def _transition(
    rule: Rule, account: Account, kind: Kind, last: LastLevel | None, now: str, as_of_date: date
) -> Transition:
    return Transition(
        account_id=account.account_id,
        rule=rule.name,
        label=rule.label,
        kind=kind,
        before=last.level if last else None,
        now=now,
        as_of_date=as_of_date,
        name=account.name,
        owner=account.owner,
        mrr=_mrr_lost(account) if now == CHURNED else account.mrr,
        health_score=account.health_score,
        trend_30d=account.trend_30d,
        is_alarming=now in rule.alarming,
        reasons=account.reasons,
        sentence=account.sentences.get(rule.name) if now in rule.alarming else None,
    )


def _mrr_lost(account: Account) -> float | None:
    """What a churned account paid; null where it is not known, since 0 is only what it pays now."""
    return account.mrr_lost if account.mrr_lost is not None else account.mrr or None
