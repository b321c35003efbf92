"""What is wrong with the data or with a run, one alert each: a failed run, failed checks, a stale source.

Changes of accounts are in rules.py; how a data alert is worded for Slack is in slack.py.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date

from health_assets.quality.run_outcome import FOUND, Outcome
from health_assets.settings import Settings


@dataclass(frozen=True)
class DataAlert:
    """One fault, complete in itself, so that it can be told later."""

    case: list[str]  # what makes it the same fault: told once, whoever finds it and how often
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
    """One alert for a run that failed: by its broken checks where there are any, else by its errors.

    The same run repeated for the same day with the same faults is the same alert.
    """
    if outcome.broken:
        lines = [" · ".join([check.name, *_evidence(check.evidence)]) for check in outcome.broken]
        title = f"{len(lines)} blocking check{'' if len(lines) == 1 else 's'} failed"
        remedy = "Correct the source, or the setting that the check names, and run again"
        case = sorted(check.name for check in outcome.broken)
    else:
        lines = outcome.failures or ["It ended without a word: it was killed, ran too long, or its machine stopped"]
        title = f"The {job} run failed"
        remedy = "Do what the message says, or ask `health-assets doctor`, and run again"
        case = sorted(lines)
    kept = "readers keep the snapshot of the run before" if settings.published.exists() else "nothing was published yet"
    return DataAlert(
        case=["failed_run", job, as_of_date.isoformat(), *case],
        as_of_date=as_of_date,
        title=title,
        lines=lines,
        remedy=f"{remedy}; {kept}.",
    )


def of_refused_run(reason: str, day: date) -> DataAlert:
    """One alert for a run that did not begin: its settings, or a file that they name, cannot be used."""
    lines = [_without_secrets(line) for line in reason.splitlines()]
    return DataAlert(
        case=["refused_run", day.isoformat(), *lines],
        as_of_date=day,
        title="The run was refused before it began",
        lines=lines,
        remedy="Do what the message says, or ask `health-assets doctor`, and run again; what is published stays.",
    )


def of_idle_daemon(reason: str, day: date) -> DataAlert:
    """One alert for a daemon whose settings cannot be used: neither schedule nor sensor starts anything."""
    return replace(
        of_refused_run(reason, day),
        case=["idle_daemon", day.isoformat(), reason],
        title="The daily schedule is not running",
        remedy="Do what the message says, or ask `health-assets doctor`, and start the daemon again; what is published stays.",
    )


def of_stale_sources(sources: Sequence[tuple[str, date | None, int | None]], as_of_date: date) -> list[DataAlert]:
    """One alert for each source that is silent for longer than its limit; told anew only after it spoke again.

    Args:
        sources: name, last day with a row (None: never had one), days after which it counts as stale (None: never).
        as_of_date: the day of the snapshot.
    """
    return [
        DataAlert(
            case=["stale_source", name, last_day.isoformat()],
            as_of_date=as_of_date,
            title=f"{name} is stale",
            lines=[f"Its last row is of {last_day}, {(as_of_date - last_day).days} days before; {limit} are allowed"],
            remedy="What it measures counts as not known meanwhile. Mend its export, or remove the source.",
        )
        for name, last_day, limit in sources
        if last_day and limit and (as_of_date - last_day).days > limit
    ]


def _without_secrets(text: str) -> str:
    """Web addresses without what signs in: user, password, and whatever follows a question mark or an incoming hook."""
    text = re.sub(r"(https://hooks\.slack\.com/)\S+", r"\1***", text)
    return re.sub(r"(\w://)[^/\s]*@", r"\1***@", re.sub(r"(\w://[^\s?]*\?)\S+", r"\1***", text))


def _evidence(evidence: Mapping[str, object]) -> list[str]:
    """Counts and figures of whole sources: samples are customer data, which has no place in a channel."""
    return [f"{name} {value}" for name, value in evidence.items() if isinstance(value, int | float) or name == FOUND]
