"""What counts as a change worth telling: an account's level now against the level that is remembered of it (`follow`).

Where levels come from is __init__.py and levels.py, where they are remembered outbox.py, how a change is worded slack.py.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum

from health_assets.settings import Settings

CHURNED = "churned"  # in place of a level: the account is gone
OTHERS = (  # the last level alarms
    ("workflow", "Workflow", ("calm", "at_risk")),
    ("shop", "Payments and tickets", ("calm", "high_risk")),
    ("renewal", "Renewal at low health", ("calm", "near")),
    ("incidents", "Security incidents", ("none", "critical")),
    ("nps", "NPS", ("promoter", "passive", "detractor")),
)


class Kind(StrEnum):
    """How an account moved."""

    entered = "entered"  # an alarming level, from a calm one or from nowhere (a new account)
    worsened = "worsened"  # from an alarming level to a worse one
    left = "left"  # an alarming level for a better one, calm or not; any level by churning


@dataclass(frozen=True)
class Rule:
    """Ordered levels of an account, and which of them alarm."""

    name: str  # of the column that holds the level, or of the query in levels.py
    label: str
    levels: tuple[str, ...]  # best first; a level that is not among them is not known and changes nothing
    alarming: frozenset[str]
    better_for_days: int  # before a move for the better is told
    version: str  # levels of another version do not compare
    tells_churn: bool  # that an account has gone is not told under every rule

    def kind(self, before: str | None, now: str) -> Kind | None:
        """What a move is called; None when nobody needs to hear of it.

        Args:
            before: the last known level, None for an account that never had one.
            now: a known level, or CHURNED.
        """
        if now == CHURNED:
            return Kind.left if self.tells_churn and before in self.levels else None
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
    """Rule -> hash of the settings that make its levels; published with them, since settings may change meanwhile."""
    return {
        "risk_level": settings.fingerprint("churn_risk"),
        "health_band": f"{settings.scorecard} {settings.scorecards[settings.scorecard].version}",
        "workflow": settings.fingerprint("workflow"),
        "shop": settings.fingerprint("commerce"),
        "renewal": settings.fingerprint("churn_risk"),
        "nps": settings.fingerprint("satisfaction"),
    }


def rules_of(settings: Settings, versions: Mapping[str, str] | None = None) -> list[Rule]:
    """The rules for a company: MRR at risk counts high and critical risk, low health the bands at_risk and critical.

    The others are the flags of a month of workflow, late payments and tickets of a shop, a near renewal at a low health,
    critical incidents of 90 days and a latest answer of a detractor.

    Args:
        settings: the company's.
        versions: rule -> version of the levels as they were published.
    """
    version = versions or {}
    risk = sorted(settings.churn_risk.levels, key=settings.churn_risk.levels.__getitem__)
    bands = settings.scorecards[settings.scorecard].bands
    rules = [
        ("risk_level", "Churn risk", tuple(risk), {"high", "critical"}),
        ("health_band", "Health", tuple(bands), {"at_risk", "critical"}),
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
            tells_churn=name in ("risk_level", "health_band"),
        )
        for name, label, levels, alarming in rules
    ]


@dataclass(frozen=True)
class Account:
    """What the snapshot says of an account, as far as a message needs it; None = not known."""

    account_id: str
    name: str
    owner: str | None
    mrr: float | None
    health_score: float | None
    trend_30d: float | None
    levels: Mapping[str, str | None]  # rule -> level
    reasons: list[str]  # sentences, the weightiest first
    is_churned: bool = False
    sentences: Mapping[str, str] = field(default_factory=dict)  # rule -> what lies behind its level


@dataclass(frozen=True)
class Remembered:
    """What is kept of an account under a rule from day to day."""

    level: str  # the one told last, or a calm one that nobody needed to hear of
    better_since: date | None = None  # first day of a better level that is not told yet


@dataclass(frozen=True)
class Transition:
    """One move of one account on one as-of day; complete in itself, so that it can be told later."""

    account_id: str
    rule: str
    label: str
    kind: Kind
    before: str | None
    now: str
    as_of_date: date
    name: str
    owner: str | None
    mrr: float | None
    health_score: float | None
    trend_30d: float | None
    is_alarming: bool
    reasons: list[str]
    sentence: str | None = None  # what lies behind an alarming level, where the reasons do not say it

    @property
    def id(self) -> str:
        """The same move of the same day has the same id, whoever computes it and how often."""
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


def follow(
    rule: Rule, account: Account, last: Remembered | None, as_of_date: date
) -> tuple[Remembered | None, Transition | None]:
    """What to remember of an account under a rule from this day on, and its move if that is to be told.

    What got worse is told at once; what got better when it has lasted, so that an account that swings around a limit is
    not told every other day. Until then the level that was told stays remembered. An unknown level changes nothing, an
    account that churned is forgotten.
    """
    now = account.levels[rule.name]
    if account.is_churned and (now not in rule.levels or not rule.tells_churn):
        now = CHURNED
    if now not in (*rule.levels, CHURNED):
        return last, None
    kind = rule.kind(last.level if last else None, now)
    if last and kind == Kind.left and now != CHURNED:
        better_since = last.better_since or as_of_date
        if (as_of_date - better_since).days < rule.better_for_days:
            return Remembered(last.level, better_since), None
    move = _transition(rule, account, kind, last, now, as_of_date) if kind else None
    return None if now == CHURNED else Remembered(now), move


def _transition(
    rule: Rule, account: Account, kind: Kind, last: Remembered | None, now: str, as_of_date: date
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
        mrr=account.mrr,
        health_score=account.health_score,
        trend_30d=account.trend_30d,
        is_alarming=now in rule.alarming,
        reasons=account.reasons,
        sentence=account.sentences.get(rule.name) if now in rule.alarming else None,
    )
