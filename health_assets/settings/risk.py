"""Settings of churn risk, of the list of accounts to contact and of what to do about them."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from health_assets.settings.sections import Fraction, Positive, Weight
from health_assets.settings.source import Section
from health_assets.settings.suggestions import did_you_mean

POINTS = "points"  # risk levels by the score's points, not by a named rule set


class Factor(Section):
    """Points of a churn factor and what raises it.

    With `metric` it is a factor of the company's own, under any name: a signal of fact.account_*_daily, or a metric of the
    source account_metrics, against the threshold.
    """

    points: Weight
    threshold: float
    late_payments: int | None = None
    score_below: float | None = None
    nps_at_most: float | None = None
    metric: str = ""  # own factors: the signal
    raised: Literal["below", "at_most", "at_least", "above"] = "below"  # own factors: where the metric must be
    sentence: str = ""  # own factors: the reason in words, with {value} and {threshold}


class LevelRule(Section):
    """Conditions of a risk level, of which one suffices: health, usage against the 30 days before, tickets, months."""

    health_below: float | None = None
    usage_ratio_below: Positive | None = None
    escalations_from: Annotated[int, Field(gt=0)] | None = None
    contractions_from: Annotated[int, Field(gt=0)] | None = None
    when: str = ""  # SQL over the signals, own metrics included


RISK_LEVELS = ["critical", "high", "medium", "low"]  # worst first


class ChurnRisk(Section):
    """The additive churn risk score, and what its levels follow."""

    max_score: Positive
    min_coverage: Fraction
    levels: dict[str, float]
    watch_list_from: float
    rules: str
    rule_sets: dict[str, dict[Literal["critical", "high", "medium"], LevelRule]]
    factors: dict[str, Factor]

    @field_validator("rule_sets")
    @classmethod
    def _worst_level_first(cls, rule_sets: dict[str, dict[Any, LevelRule]]) -> dict[str, dict[Any, LevelRule]]:
        return {
            name: {level: rules[level] for level in RISK_LEVELS if level in rules} for name, rules in rule_sets.items()
        }

    @field_validator("levels")
    @classmethod
    def _worse_levels_begin_higher(cls, levels: dict[str, float]) -> dict[str, float]:
        if unknown := [name for name in levels if name not in RISK_LEVELS]:
            raise ValueError(f"{unknown[0]!r} is not a risk level{did_you_mean(unknown[0], RISK_LEVELS)}")
        begins = [levels[level] for level in RISK_LEVELS]
        if begins != sorted(begins, reverse=True):
            raise ValueError(f"must begin the higher the worse they are: {' > '.join(RISK_LEVELS)}")
        return levels

    @model_validator(mode="after")
    def _rules_exist(self) -> "ChurnRisk":
        known = [POINTS, *self.rule_sets]
        if self.rules not in known:
            raise ValueError(f"rules: {self.rules!r} is not a rule set{did_you_mean(self.rules, known)}")
        return self


class Play(Section):
    """What to do about an account, who does it, and within how many days."""

    next_step: str
    owner_role: str
    days: Annotated[int, Field(ge=0)]


AttentionLevel = Literal["critical_risk", "high_risk", "low_health", "renewal"]  # in the order of the attention list


class Attention(Section):
    """Which renewals are on the attention list, and how far back the list looks for the day an account came onto it."""

    renewal_days: Annotated[int, Field(gt=0)]
    health_below: float
    since_days: Annotated[int, Field(gt=0)]
