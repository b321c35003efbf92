"""An entry of the outbox: one alert for one channel, and how far its delivery is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.rules import Transition

DEFAULT_CHANNEL = "default"

Body = Transition | DataAlert


class State(StrEnum):
    """How far the delivery of an entry is."""

    pending = "pending"  # to be posted by the next delivery
    sending = "sending"  # being posted; found after a crash it is posted once more
    delivered = "delivered"
    dead = "dead"  # rejected for good
    held = "held"  # waits for the end of quiet hours, or for data that can be trusted
    silenced = "silenced"  # not to be posted


@dataclass(frozen=True)
class Entry:
    """One alert for one channel, complete in itself: it may be delivered days later."""

    id: str
    as_of_date: date
    account_id: str | None  # None for a data alert
    rule: str
    severity: str
    channel: str
    body: Body
    state: State = State.pending
    held_reason: str | None = None
    held_until: datetime | None = None  # UTC; None while it is not known when the reason ends
    attempts: int = 0
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    possibly_repeated: bool = False  # it may have arrived before
    failure: str | None = None  # why the last attempt failed


def entries_of(bodies: Sequence[Body], channel: str = DEFAULT_CHANNEL) -> list[Entry]:
    """Pending entries for a channel."""
    return [
        Entry(
            id=one.id,
            as_of_date=one.as_of_date,
            account_id=one.account_id if isinstance(one, Transition) else None,
            rule=one.rule if isinstance(one, Transition) else "data",
            severity="warning",
            channel=channel,
            body=one,
        )
        for one in bodies
    ]


def body_from_json(text: str) -> Body:
    """An alert as the outbox stores it."""
    return DataAlert.from_json(text) if "data_alert" in json.loads(text) else Transition.from_json(text)
