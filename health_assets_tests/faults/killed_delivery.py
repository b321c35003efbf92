"""A delivery in a process of its own that kills itself with SIGKILL: FAULT is "posting 2", for example.

It is killed while it claims, before it posts, after it has posted, or while it marks the second message.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from health_assets import settings
from health_assets.alerts import deliver_due
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.slack import SlackWebhook
from health_assets.alerts.slack_bot import SlackBot

PLACES = {
    "claiming": (Outbox, "claim"),
    "posting": (SlackWebhook, "post"),
    "posted": (SlackWebhook, "post"),
    "marking": (Outbox, "settle"),
    "bot-posting": (SlackBot, "post"),
    "bot-posted": (SlackBot, "post"),
    "bot-resolving": (SlackBot, "update"),
    "bot-resolved": (SlackBot, "update"),
}
BEFORE = ("posting", "bot-posting", "bot-resolving")  # killed before the call, else after it


def killing(function: Callable[..., Any], count: int, *, before: bool) -> Callable[..., Any]:
    calls: list[int] = []

    def called(*given: Any, **named: Any) -> Any:
        calls.append(1)
        done = None if before and len(calls) == count else function(*given, **named)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return called


if __name__ == "__main__":
    place, count = os.environ["FAULT"].split()
    owner, name = PLACES[place]
    setattr(owner, name, killing(getattr(owner, name), int(count), before=place in BEFORE))
    deliver_due(settings.load())
