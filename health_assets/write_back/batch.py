"""The values of several accounts in one request, and what a target answers about each of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from health_assets.alerts.channels import Answer
from health_assets.alerts.message import Message
from health_assets.write_back.values import Values


@dataclass(frozen=True)
class Batch(Message):
    """What a target is given at once."""

    rows: tuple[Values, ...] = ()  # in the order of `alerts`, the ids of their entries


@dataclass(frozen=True)
class BatchAnswer(Answer):
    """The answer to a batch; of a delivered one some rows may have been rejected, or be worth another attempt."""

    rejected: Mapping[str, str] = field(default_factory=dict)  # account -> why
    retried: Mapping[str, str] = field(default_factory=dict)


class TargetApi(Protocol):
    """A system that values are written to; its secret can be used but not read."""

    rows_at_once: int

    def post(self, message: Batch) -> Answer:
        """Write a batch once, within the time limit of a post."""
        ...
