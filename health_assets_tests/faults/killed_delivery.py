"""A delivery in a process of its own that kills itself with SIGKILL: FAULT is "claimed 2", "posted 2" or "marked 2"."""

import os
import signal
from collections.abc import Callable
from typing import Any

from health_assets import settings
from health_assets.alerts import deliver_due
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.slack import SlackWebhook

PLACES = {"claimed": (Outbox, "claim"), "posted": (SlackWebhook, "post"), "marked": (Outbox, "settle")}


def killing_after(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    calls: list[int] = []

    def killing(*given: Any, **named: Any) -> Any:
        done = function(*given, **named)
        calls.append(1)
        if len(calls) == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return killing


if __name__ == "__main__":
    place, count = os.environ["FAULT"].split()
    owner, name = PLACES[place]
    setattr(owner, name, killing_after(getattr(owner, name), int(count)))
    deliver_due(settings.load())
