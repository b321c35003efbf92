"""Alerts about the data or a run: a failed run, failed checks, a run that did not start, a stale source.

Changes of accounts are in rules.py; message.py puts both into words.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from health_assets.quality.run_outcome import FOUND, Outcome
from health_assets.reporting.formatting import counted, day_and_month
from health_assets.settings import Settings


@dataclass(frozen=True)
class DataAlert:
    """One fault, complete in itself: it may be delivered days later."""

    case: list[str]  # what makes it the same fault, which is reported once however often it is found
    as_of_date: date
    title: str
    lines: list[str]
    remedy: str

    @property
    def id(self) -> str:
        """The same fault has the same id."""
        return hashlib.sha256(json.dumps(["data_alert", *self.case]).encode()).hexdigest()

    def to_json(self) -> str:
        """For the outbox."""
        return json.dumps({"data_alert": asdict(self) | {"as_of_date": self.as_of_date.isoformat()}})

    @classmethod
    def from_json(cls, text: str) -> "DataAlert":
        """From the outbox."""
        stored = json.loads(text)["data_alert"]
        return cls(**stored | {"as_of_date": date.fromisoformat(stored["as_of_date"])})


def of_failed_run(job: str, as_of_date: date, outcome: Outcome, settings: Settings) -> DataAlert:
    """One alert for a failed run, with its failed checks if there are any, else with its errors.

    A repeated run of the same day with the same faults gives the same alert.
    """
    if outcome.broken:
        lines = [" · ".join([check.name, *_evidence(check.evidence)]) for check in outcome.broken]
        title = f"{counted(len(lines), 'blocking check')} failed"
        remedy = "Correct the source, or the setting that the check names, then run again"
        case = sorted(check.name for check in outcome.broken)
    else:
        lines = [_without_secrets(line) for line in outcome.failures] or [
            "It ended without an error message: it was killed, ran too long, or its machine stopped"
        ]
        title = f"The {job} run failed"
        remedy = "Follow the message, or run `health-assets doctor`, then run again"
        case = sorted(map(_without_timings, lines))
    kept = "readers keep the previous snapshot" if settings.published.exists() else "nothing has been published yet"
    return DataAlert(
        case=["failed_run", job, as_of_date.isoformat(), *case],
        as_of_date=as_of_date,
        title=title,
        lines=lines,
        remedy=f"{remedy}; {kept}.",
    )


def of_unstarted_run(reason: str, day: date) -> DataAlert:
    """One alert for a run that did not start: its settings, or a file that they name, cannot be used."""
    lines = [_without_secrets(line) for line in reason.splitlines()]
    return DataAlert(
        case=["unstarted_run", day.isoformat(), *map(_without_timings, lines)],
        as_of_date=day,
        title="The run did not start",
        lines=lines,
        remedy="Follow the message, or run `health-assets doctor`, then run again. The published snapshot is unchanged.",
    )


def of_idle_daemon(reason: str, day: date) -> DataAlert:
    """One alert for a daemon whose settings cannot be used: no schedule and no sensor is running."""
    return replace(
        of_unstarted_run(reason, day),
        case=["idle_daemon", day.isoformat(), _without_timings(reason)],
        title="The daily schedule is not running",
        remedy="Follow the message, or run `health-assets doctor`, then restart the daemon. The published snapshot is unchanged.",
    )


def of_stale_sources(
    sources: Sequence[tuple[str, date | None, int | None]],
    as_of_date: date,
    waiting: Mapping[str, Sequence[str]] | None = None,
) -> list[DataAlert]:
    """One alert for each source without a row for longer than its limit; repeated only after it has had a new row.

    Args:
        sources: name, last day with a row (None: never had one), days after which it counts as stale (None: never, 0: it
            could not be pulled from its API, and the day is the last one that its pulls cover).
        as_of_date: the day of the snapshot.
        waiting: source -> rules whose alerts wait for it.
    """
    return [
        DataAlert(
            case=["stale_source", name, last_day.isoformat()],
            as_of_date=as_of_date,
            title=f"{name} is stale",
            lines=[_last_day(last_day, limit, as_of_date), *_waiting((waiting or {}).get(name, ()))],
            remedy="What it measures is unknown meanwhile. Fix its export, or remove the source from the settings."
            if limit
            else "What was pulled before stays in use. Run `health-assets doctor`, which says why.",
        )
        for name, last_day, limit in sources
        if last_day and limit is not None and (as_of_date - last_day).days > limit
    ]


def _last_day(last_day: date, limit: int, as_of_date: date) -> str:
    day, age = day_and_month(last_day), counted((as_of_date - last_day).days, "day")
    if limit:
        return f"Its last row is dated {day}, {age} ago; the limit is {limit}"
    return f"It could not be pulled from its API, and is complete up to {day}, {age} ago"


def _waiting(rules: Sequence[str]) -> list[str]:
    return [f"Alerts about accounts wait meanwhile: {', '.join(rules)}"] if rules else []


def of_undelivered_alerts(channel: str, reason: str, count: int, day: date, accounts: Sequence[str] = ()) -> DataAlert:
    """One alert a day and reason for a channel that does not take what is posted to it.

    Args:
        channel: of the settings.
        reason: why nothing was delivered.
        count: of the alerts.
        day: on which they were rejected.
        accounts: ids of those whose alerts were rejected for what they hold; their names may be the cause.
    """
    named = [f"Account{'s' if len(accounts) > 1 else ''}: {', '.join(accounts)}"] if accounts else []
    remedy = f"Correct alerts.channels.{channel} or its environment variable, then run `health-assets alerts retry`."
    if accounts:
        remedy = (
            "Look for what is unusual in the name or the owner of the account, then run `health-assets alerts retry`."
        )
    return DataAlert(
        case=["undelivered_alerts", channel, reason, day.isoformat(), *accounts],
        as_of_date=day,
        title=f"{counted(count, 'alert')} not delivered",
        lines=[f"Channel {channel}: {reason}", *named],
        remedy=remedy,
    )


def _without_secrets(text: str) -> str:
    """URLs without credentials: user, password, the query, and the path of an incoming webhook."""
    text = re.sub(r"(https://hooks\.slack\.com/)\S+", r"\1***", text)
    return re.sub(r"(\w://)[^/\s]*@", r"\1***@", re.sub(r"(\w://[^\s?]*\?)\S+", r"\1***", text))


def _without_timings(text: str) -> str:
    """A message without durations, which differ each time the same fault is found."""
    return re.sub(r"\d+(\.\d+)?\s?(ns|µs|us|ms|s|secs?|seconds?|minutes?)\b", "...", text)


def _evidence(evidence: Mapping[str, object]) -> list[str]:
    """Counts and totals only: sample values are customer data, which does not belong in a channel."""
    return [f"{name} {value}" for name, value in evidence.items() if isinstance(value, int | float) or name == FOUND]
