"""Settings of product usage: sessions, days of power usage, the engagement score and the tiers of users."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from health_assets.settings.sections import Positive, Weight, Word
from health_assets.settings.source import Section


class PowerDay(Section):
    """Events and features from which on a day counts as a power-usage day."""

    events: int
    features: int


class EngagementScore(Section):
    """Weights of a user's activity in 30 days, the most hours that count, and the weighted sum that scores 100."""

    sessions: Weight
    events: Weight
    features: Weight
    categories: Weight
    active_hours: Weight
    active_hours_up_to: Positive
    full_at: Positive


class UserTier(Section):
    """Minimum activity of a user in 30 days to be in a tier."""

    sessions: int
    features: int = 0
    categories: int = 0


class Engagement(Section):
    """How product usage is measured."""

    session_gap_minutes: Annotated[int, Field(gt=0)]
    power_day: PowerDay
    score: EngagementScore
    user_tiers: dict[Literal["power", "regular", "casual", "light"], UserTier]
    retention_impact_accounts: Annotated[int, Field(gt=0)]
    event_categories: dict[Word, list[Word]]

    @field_validator("event_categories")
    @classmethod
    def _one_category_per_event(cls, event_categories: dict[str, list[str]]) -> dict[str, list[str]]:
        category_of: dict[str, str] = {}
        for category, events in event_categories.items():
            for event in events:
                if category_of.setdefault(event, category) != category:
                    raise ValueError(f"event {event!r} is in {category_of[event]!r} and in {category!r}; keep one")
        return {category: list(dict.fromkeys(events)) for category, events in event_categories.items()}
