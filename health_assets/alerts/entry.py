"""An entry of the outbox: one alert for one channel, and how far its delivery is."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from health_assets.alerts.account_alert import AccountAlert
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.weekly import Digest

DATA = "data"  # in place of the rule of an alert about an account
FIRST_CHANNEL = "default"  # the only one of earlier versions, whose entries had the ids of their alerts

Body = AccountAlert | DataAlert | Digest


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


def entry_of(body: Body, channel: str) -> Entry:
    """The pending entry of an alert for a channel."""
    about: tuple[str | None, str, str] = (None, DATA, "warning")
    if isinstance(body, AccountAlert):
        about = (body.account_id, body.rule, body.severity)
    elif isinstance(body, Digest):
        about = (None, "weekly", "info")
    account_id, rule, severity = about
    return Entry(
        id=body.id if channel == FIRST_CHANNEL else hashlib.sha256(json.dumps([body.id, channel]).encode()).hexdigest(),
        as_of_date=body.as_of_date,
        account_id=account_id,
        rule=rule,
        severity=severity,
        channel=channel,
        body=body,
    )


def body_from_json(text: str) -> Body:
    """An alert as the outbox stores it."""
    stored = json.loads(text)
    kind = DataAlert if "data_alert" in stored else Digest if "digest" in stored else AccountAlert
    return kind.from_json(text)
