"""An account as alerts see it on one day: levels, events and reasons. Where they come from is in levels.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Reading:
    """What a rule sees of an account on one day."""

    level: str
    sentence: str | None = None  # the reason, in words
    value: float | None = None  # what the level was made from


@dataclass(frozen=True)
class Event:
    """Something that happened once."""

    key: str
    day: date
    sentence: str


@dataclass(frozen=True)
class Attention:
    """An entry of mart.attention_list."""

    rank: int  # 1 = contact first
    next_step: str
    owner_role: str
    days: int  # within which the step should be done


@dataclass(frozen=True)
class Account:
    """An account on one day, as the snapshot has it; None = unknown."""

    account_id: str
    name: str
    owner: str | None = None
    segment: str | None = None
    tier: str | None = None
    region: str | None = None
    mrr: float | None = None
    health_score: float | None = None
    trend_30d: float | None = None
    readings: Mapping[str, Reading] = field(default_factory=dict)  # by rule; unknown levels are absent
    events: Mapping[str, Sequence[Event]] = field(default_factory=dict)  # by rule, the oldest first
    reasons: Sequence[tuple[str, str]] = ()  # churn factor or `weakest`, and its sentence; the weightiest first
    days_to_renewal: int | None = None
    is_churned: bool = False
    churn_date: date | None = None
    mrr_lost: float | None = None  # what a churned account paid
    attention: Attention | None = None
