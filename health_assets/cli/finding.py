"""What `health-assets doctor` finds: one thing that was examined, how urgent it is, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How urgent a finding is."""

    good = "good"
    warning = "warning"
    wrong = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was examined."""

    status: Status
    subject: str
    message: str
    remedy: str = ""
