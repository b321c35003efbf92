"""Which levels and events of an account are worth an alert.

Levels are read in levels.py, compared with the last ones in transitions.py and remembered in level_state.py. The changes of
an account become one alert in account_alert.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from health_assets.alerts.accounts import Reading
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings
from health_assets.settings.alerts import AlertRule
from health_assets.settings.risk import POINTS

CHURNED = "churned"
CALM, RAISED = "calm", "raised"  # the levels of a rule that watches one condition
HEALTH_RULE, RISK_RULE = "health_band", "risk_level"
BY_EVENT = ("incident", "sla_breach", "detractor")  # each event is reported; there is no level to return to
CONSEQUENCES = ("recovered", "renewed")  # made from moves of the other rules
FINGERPRINTS = {"workflow": "workflow", "shop": "commerce", "sla_breach": "support", "detractor": "satisfaction"}


class Kind(StrEnum):
    """How an account moved."""

    entered = "entered"  # an alarming level, from a calm one or as a new account
    worsened = "worsened"  # from one alarming level to a worse one
    lasts = "lasts"  # still at an alarming level, some time after it was reported
    happened = "happened"  # an event
    left = "left"  # an alarming level for a better one


@dataclass(frozen=True)
class Rule:
    """The ordered levels of an account and which of them are alarming, or a kind of event."""

    name: str
    policy: AlertRule
    levels: tuple[str, ...] = (CALM, RAISED)  # best first; any other level is unknown and changes nothing
    alarming: frozenset[str] = frozenset({RAISED})
    limits: Mapping[str, float] = field(default_factory=dict)  # level -> value at which it begins
    worse_is_higher: bool = True  # the value
    version: str = ""  # levels of different versions cannot be compared
    event_days: int | None = None  # of a rule of events: older ones are no news

    def kind(self, before: str | None, now: str) -> Kind | None:
        """How the account moved; None when the move is not worth an alert.

        Args:
            before: the last known level, None for an account that never had one.
            now: a known level.
        """
        if before is None:
            return Kind.entered if now in self.alarming else None
        if before not in self.levels or before == now:
            return None  # a level of another scorecard cannot be compared
        if self.levels.index(now) > self.levels.index(before):
            if now not in self.alarming:
                return None
            return Kind.worsened if before in self.alarming else Kind.entered
        return Kind.left if before in self.alarming else None

    def is_clear(self, before: str, reading: Reading) -> bool:
        """Whether the value is beyond the limit of the alarming levels by the margin, so that no days need to pass."""
        margin, limit = self.policy.enter_margin, self._limit_after(before)
        if margin is None or limit is None or reading.value is None:
            return False
        return (reading.value - limit if self.worse_is_higher else limit - reading.value) >= margin

    def _limit_after(self, level: str) -> float | None:
        """The value at which the first alarming level that is worse begins."""
        first = next(
            (
                place
                for place, name in enumerate(self.levels)
                if name in self.alarming and place > self.levels.index(level)
            ),
            None,
        )
        if first is None or not self.limits:
            return None
        return self.limits[self.levels[first if self.worse_is_higher else first - 1]]


def rule_versions(settings: Settings) -> dict[str, str]:
    """Rule -> fingerprint of the settings behind its levels; published with them, since settings may change."""
    bands = {band_rule(name, settings): f"{name} {card.version}" for name, card in scorecards_in_use(settings).items()}
    factors = {name: settings.fingerprint("churn_risk") for name, rule in settings.alerts.rules.items() if rule.factor}
    others = {name: settings.fingerprint(section) for name, section in FINGERPRINTS.items()}
    return bands | factors | others | {RISK_RULE: settings.fingerprint("churn_risk")}


def rules_of(settings: Settings, versions: Mapping[str, str] | None = None) -> list[Rule]:
    """The rules of a company that levels or events are read for, the weightiest first.

    The flags of a shop are left out where subscriptions are connected: churn risk is measured there.

    Args:
        settings: the company's.
        versions: rule -> version of the levels as they were published.
    """
    version = versions or {}
    found = []
    for name, setting in settings.alerts.rules.items():
        if name in CONSEQUENCES or (name == "shop" and "subscriptions" in settings.sources):
            continue
        if name == HEALTH_RULE:
            found += _band_rules(setting, settings, version)
        elif name == RISK_RULE:
            found.append(_risk_rule(setting, settings, version.get(name, "")))
        else:
            days = settings.alerts.event_days if name in BY_EVENT else None
            found.append(Rule(name, setting, version=version.get(name, ""), event_days=days))
    return found


def _band_rules(policy: AlertRule, settings: Settings, version: Mapping[str, str]) -> list[Rule]:
    return [
        Rule(
            name=band_rule(name, settings),
            policy=policy,
            levels=tuple(card.bands),
            alarming=frozenset(card.low_bands),
            limits=card.bands,
            worse_is_higher=False,
            version=version.get(band_rule(name, settings), ""),
        )
        for name, card in scorecards_in_use(settings).items()
    ]


def _risk_rule(policy: AlertRule, settings: Settings, version: str) -> Rule:
    risk = settings.churn_risk
    return Rule(
        name=RISK_RULE,
        policy=policy,
        levels=tuple(sorted(risk.levels, key=risk.levels.__getitem__)),
        alarming=frozenset({"high", "critical"}),
        limits=risk.levels if risk.rules == POINTS else {},
        version=version,
    )


def band_rule(scorecard: str, settings: Settings) -> str:
    """The name of the rule for the bands of a scorecard: bands of different scorecards cannot be compared."""
    return HEALTH_RULE if scorecard == settings.scorecard else f"{HEALTH_RULE} of {scorecard}"


def is_score(rule: str) -> bool:
    """Whether a rule is about health or churn risk themselves."""
    return rule == RISK_RULE or rule.split(" ")[0] == HEALTH_RULE
